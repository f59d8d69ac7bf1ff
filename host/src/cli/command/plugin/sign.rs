//! `headgate plugin keygen` and `headgate plugin sign`: detached signatures in minisign's format, without a host.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::cli::failure::{Exit, Failure};
use crate::cli::session::Session;
use crate::domain::minisign::{SUFFIX, SecretKey};

/// Make a pair of keys to sign plugins with
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate plugin keygen                          plugins.key, which stays with you, and plugins.pub
  headgate plugin keygen --key ann.key --public ann.pub
  headgate serve --plugin-signatures enforce --plugin-key plugins.pub

The secret key has no password: keep its file to yourself (it is made with mode 0600). Keys of minisign (minisign -G -W)
are of the same format, and either tool reads the other's.")]
pub(in crate::cli) struct Keygen {
    /// File of the secret key; one that is there is not touched
    #[arg(long, value_name = "FILE", default_value = "plugins.key")]
    key: PathBuf,
    /// File of the public key
    #[arg(long, value_name = "FILE", default_value = "plugins.pub")]
    public: PathBuf,
}

/// Sign a plugin: writes FILE.minisig beside it
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate plugin sign redis.wasm --key plugins.key
  headgate plugin sign redis.wasm --key plugins.key --comment 'redis 1.2.0, built by ci'
  minisign -V -p plugins.pub -m redis.wasm         verifies it, too

Put both files into the plugin folder. The comment is signed with the file, and shown by `headgate plugin show`.")]
pub(in crate::cli) struct Sign {
    /// The plugin
    file: PathBuf,
    /// The secret key's file, without a password
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What is signed with the file; time and name of the file where it is not given
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
}

impl Keygen {
    pub(super) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        for file in [&self.key, &self.public] {
            if file.exists() {
                let why = "is there already; name another file, or remove it first";
                return Err(Failure::Refused(format!("{} {why}", file.display())));
            }
        }
        let (mut seed, mut id) = (Zeroizing::new([0; 32]), [0; 8]);
        let random = SystemRandom::new();
        random.fill(&mut seed[..]).and_then(|()| random.fill(&mut id)).map_err(|_unspecified| {
            Failure::Failed("the secure random source of the machine failed".to_owned())
        })?;
        let (key, text) = SecretKey::make(&seed, id).map_err(|error| Failure::Failed(error.to_string()))?;
        write(&self.key, text.as_bytes(), 0o600)?;
        write(&self.public, key.public().file().as_bytes(), 0o644)?;
        let (secret, public) = (self.key.display(), self.public.display());
        session
            .terminal
            .line(format_args!("{secret}: the secret key {}; keep it to yourself", key.public().id()))?;
        session.terminal.line(format_args!("{public}: {}", key.public()))?;
        session.terminal.line(format_args!(
            "\nsign: headgate plugin sign FILE --key {secret}\nhosts: headgate serve --plugin-signatures enforce --plugin-key {public}"
        ))?;
        Ok(Exit::Done)
    }
}

impl Sign {
    pub(super) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| Failure::File { path, source }
        };
        let text = Zeroizing::new(fs::read_to_string(&self.key).map_err(unreadable(&self.key))?);
        let refused = |error: crate::domain::minisign::SecretKeyError| {
            Failure::Input(format!("{}: {error}", self.key.display()))
        };
        let key = SecretKey::parse(&text).map_err(refused)?;
        let content = fs::read(&self.file).map_err(unreadable(&self.file))?;
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        let comment = self
            .comment
            .clone()
            .unwrap_or_else(|| format!("timestamp:{}\tfile:{name}\thashed", session.now_ms() / 1_000));
        let signature = key.sign(&content, &comment).map_err(refused)?;
        let mut beside = self.file.clone().into_os_string();
        beside.push(SUFFIX);
        let beside = PathBuf::from(beside);
        // First beside it, then renamed: a host that looks meanwhile sees the old one or the new one, and no half.
        let partial = beside.with_file_name(format!(".{name}{SUFFIX}.partial"));
        let failed =
            |error: std::io::Error| Failure::Failed(format!("cannot write {}: {error}", beside.display()));
        fs::write(&partial, signature).and_then(|()| fs::rename(&partial, &beside)).map_err(failed)?;
        session.terminal.line(format_args!(
            "{}: signed with the key {}",
            beside.display(),
            key.public().id()
        ))?;
        Ok(Exit::Done)
    }
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let failed = |error: std::io::Error| Failure::Failed(format!("cannot write {}: {error}", path.display()));
    file.and_then(|mut file| file.write_all(bytes)).map_err(failed)
}
