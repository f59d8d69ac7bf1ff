//! `headgate serve`: the host itself.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::backup::{Kept, refusal};
use crate::boot;
use crate::cli::failure::{Exit, Failure};
use crate::cli::session::Session;
use crate::config::{LISTEN_DEFAULT, ServeConfig, TlsFiles};
use crate::domain::minisign::{FormatError, PublicKey};
use crate::domain::signature::{SignaturePolicy, SignatureRules};
use crate::store::StoreError;

/// Run the host: the API, the plugins and the reconciling of clusters
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate serve
  headgate serve --listen 127.0.0.1:8000 --data ./data --plugins ./plugins
  headgate serve --listen 0.0.0.0:7654 --tls-cert host.pem --tls-key host.key
  headgate serve --plugins ./plugins --plugin-signatures enforce --plugin-key ops.pub
  HEADGATE_DATABASE_URL=postgres://headgate@db/headgate headgate serve
  HEADGATE_DATABASE_URL=postgres://headgate@db/headgate headgate serve --data ./second --key-file ./first.key

The first start makes the data folder (mode 0700) with the database, the key that seals secrets, and an owner's
token. On this machine the other commands find address and token there by themselves.
The first line on stdout is `listening on URL`, once the host answers; logs go to stderr, and HEADGATE_LOG sets
what they tell (info, headgate=debug), which `headgate log-level` changes while the host runs. SIGTERM or Ctrl-C
ends it; so may kill -9: what was being applied is read back at the next start.
A host on a PostgreSQL that another one holds stands by: it answers what can be read, follows its plugin folder, names
the active host to whoever wants a change, and takes over when that one ends or loses the database. It needs a data
folder of its own, the same version, and the active host's key file.")]
pub(in crate::cli) struct Serve {
    /// Address to listen on; other than loopback needs TLS, or --insecure
    #[arg(long, env = "HEADGATE_LISTEN", value_name = "ADDR", default_value = LISTEN_DEFAULT)]
    listen: SocketAddr,
    /// Folder of plugins beside the built-in ones
    #[arg(long, env = "HEADGATE_PLUGINS", value_name = "DIR")]
    plugins: Option<PathBuf>,
    /// What becomes of a plugin that none of --plugin-key signed
    #[arg(long, env = "HEADGATE_PLUGIN_SIGNATURES", value_name = "POLICY", default_value = "off")]
    plugin_signatures: Policy,
    /// A public key of minisign, by its file or its line; may be given again
    #[arg(long, env = "HEADGATE_PLUGIN_KEYS", value_name = "KEY", value_delimiter = ',')]
    plugin_key: Vec<String>,
    #[command(flatten)]
    kept: Kept,
    /// Certificate chain of the host, in PEM
    #[arg(long, env = "HEADGATE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, in PEM
    #[arg(long, env = "HEADGATE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Listen on other than loopback without TLS: tokens and secrets go in the clear
    #[arg(long)]
    insecure: bool,
    /// A name under which this host is asked for, beside localhost; may be given again
    #[arg(long, env = "HEADGATE_ALLOWED_HOSTS", value_name = "NAME", value_delimiter = ',')]
    allowed_host: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Policy {
    /// It is taken
    Off,
    /// It is taken, and the log says so
    Warn,
    /// It is refused
    Enforce,
}

impl From<Policy> for SignaturePolicy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Off => Self::Off,
            Policy::Warn => Self::Warn,
            Policy::Enforce => Self::Enforce,
        }
    }
}

/// From its file, where there is one of that name; else it is the key itself.
fn public_key(text: &str) -> Result<PublicKey, Failure> {
    let is_line = |error: FormatError| {
        let advice = "`headgate plugin keygen` and `minisign -G` make such a file";
        Failure::Input(format!(
            "--plugin-key {text}: no public key of minisign, and no file with one: {error}; {advice}"
        ))
    };
    match fs::read_to_string(text) {
        Ok(file) => PublicKey::parse(&file).map_err(is_line),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => PublicKey::parse(text).map_err(is_line),
        Err(source) => Err(Failure::File { path: PathBuf::from(text), source }),
    }
}

impl Serve {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert: cert.clone(), key: key.clone() }),
            _ => None,
        };
        let keys: Result<Vec<PublicKey>, Failure> =
            self.plugin_key.iter().map(|key| public_key(key)).collect();
        let signatures = SignatureRules { policy: self.plugin_signatures.into(), keys: keys? };
        let config = ServeConfig {
            listen: self.listen,
            data: session.data_folder()?,
            plugins: self.plugins.clone(),
            database_url: self.kept.database_url.clone(),
            key: self.kept.key_file.clone(),
            tls,
            insecure: self.insecure,
            signatures,
            allowed_hosts: self.allowed_host.clone(),
        };
        config.check().map_err(|error| Failure::Refused(error.to_string()))?;
        crate::memory::share_heaps();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let ended = runtime.block_on(Box::pin(boot::serve(config)));
        ended.map_err(|error| match error.downcast_ref::<StoreError>() {
            Some(cause) => refusal(cause),
            None => Failure::Failed(format!("{error:#}")),
        })?;
        Ok(Exit::Done)
    }
}
