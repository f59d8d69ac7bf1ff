//! What `headgate serve` was asked for, and whether it may be done.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::domain::signature::{SignaturePolicy, SignatureRules};
use crate::store::sqlite_url;

/// Where the host listens when nobody says.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:7654";

/// The owner's token, below the data folder.
pub const TOKEN_FILE: &str = "token";

/// The address of the running host, below the data folder.
pub const URL_FILE: &str = "url";

/// Seals the secrets of clusters, below the data folder.
pub const KEY_FILE: &str = "key";

/// The database where no other is named, below the data folder.
pub const DATABASE_FILE: &str = "headgate.db";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM, the chain beginning with the host's own.
    pub cert: PathBuf,
    /// PEM.
    pub key: PathBuf,
}

/// The options of `headgate serve`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeConfig {
    pub listen: SocketAddr,
    /// Made where it is not there, mode 0700.
    pub data: PathBuf,
    /// Holds plugins beside the built-in ones.
    pub plugins: Option<PathBuf>,
    /// `sqlite://PATH` or `postgres://…`; SQLite below `data` when absent.
    pub database_url: Option<String>,
    /// The sealing key, 32 bytes; made below `data` when absent.
    pub key: Option<PathBuf>,
    pub tls: Option<TlsFiles>,
    /// Listens beyond loopback without TLS.
    pub insecure: bool,
    /// What becomes of plugins that are not signed.
    pub signatures: SignatureRules,
    /// Names beside `localhost` and the loopback addresses that a request's `Host` may hold.
    pub allowed_hosts: Vec<String>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    #[error(
        "{0} can be reached from other machines: give --tls-cert and --tls-key, listen on 127.0.0.1, or say --insecure \
         to send tokens and secrets in the clear"
    )]
    InTheClear(SocketAddr),
    #[error(
        "signatures of plugins are held against keys, and there is none: give --plugin-key FILE (`headgate plugin keygen` makes a pair)"
    )]
    NoKeys,
}

impl ServeConfig {
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.signatures.policy != SignaturePolicy::Off && self.signatures.keys.is_empty() {
            return Err(ConfigError::NoKeys);
        }
        if self.listen.ip().is_loopback() || self.tls.is_some() || self.insecure {
            return Ok(());
        }
        Err(ConfigError::InTheClear(self.listen))
    }

    pub fn database_url(&self) -> String {
        match &self.database_url {
            Some(url) => url.clone(),
            None => sqlite_url(&self.data.join(DATABASE_FILE)),
        }
    }

    /// Whether hosts on other machines can have the same database.
    pub fn shares_database(&self) -> bool {
        self.database_url.as_ref().is_some_and(|url| !url.starts_with("sqlite:"))
    }

    pub fn key_file(&self) -> PathBuf {
        self.key.clone().unwrap_or_else(|| self.data.join(KEY_FILE))
    }

    pub fn url_file(&self) -> PathBuf {
        self.data.join(URL_FILE)
    }

    pub fn token_file(&self) -> PathBuf {
        self.data.join(TOKEN_FILE)
    }

    /// A page in a browser must not reach a loopback listener under a name of its own (DNS rebinding).
    pub fn guards_host(&self) -> bool {
        self.listen.ip().is_loopback() && self.tls.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(listen: &str) -> ServeConfig {
        ServeConfig {
            listen: listen.parse().unwrap(),
            data: PathBuf::from("data"),
            plugins: None,
            database_url: None,
            key: None,
            tls: None,
            insecure: false,
            signatures: SignatureRules::default(),
            allowed_hosts: Vec::new(),
        }
    }

    #[test]
    fn signatures_that_are_asked_for_need_keys() {
        for policy in [SignaturePolicy::Warn, SignaturePolicy::Enforce] {
            let signatures = SignatureRules { policy, keys: Vec::new() };
            let wanted = ServeConfig { signatures, ..config("127.0.0.1:0") };
            assert_eq!(wanted.check(), Err(ConfigError::NoKeys));
        }
    }

    #[test]
    fn other_machines_are_served_only_with_tls_or_a_clear_word() {
        assert_eq!(config("127.0.0.1:0").check(), Ok(()));
        assert_eq!(config("[::1]:0").check(), Ok(()));
        let open = config("0.0.0.0:7654");
        assert_eq!(open.check(), Err(ConfigError::InTheClear(open.listen)));
        assert_eq!(ServeConfig { insecure: true, ..open.clone() }.check(), Ok(()));
        let tls = TlsFiles { cert: PathBuf::from("c"), key: PathBuf::from("k") };
        assert_eq!(ServeConfig { tls: Some(tls), ..open }.check(), Ok(()));
    }
}
