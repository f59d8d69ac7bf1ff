//! Keys of configurations that are not like the others.

/// Servers tell them in the clear.
const SECRET: [&str; 2] = ["requirepass", "masterauth"];

/// What a server is, where it listens and where its files lie: it takes no other value while it runs, or is lost with it.
pub(crate) const FIXED: [&str; 38] = [
    "aclfile",
    "always-show-logo",
    "aof_rewrite_cpulist",
    "appenddirname",
    "appendfilename",
    "bgsave_cpulist",
    "bind",
    "bio_cpulist",
    "cluster-config-file",
    "cluster-enabled",
    "cluster-port",
    "daemonize",
    "databases",
    "dbfilename",
    "dir",
    "disable-thp",
    "enable-debug-command",
    "enable-module-command",
    "enable-protected-configs",
    "io-threads",
    "io-threads-do-reads",
    "logfile",
    "pidfile",
    "port",
    "rdbchecksum",
    "replicaof",
    "server_cpulist",
    "set-proc-title",
    "slaveof",
    "socket-mark-id",
    "supervised",
    "syslog-enabled",
    "syslog-facility",
    "syslog-ident",
    "tcp-backlog",
    "tls-port",
    "unixsocket",
    "unixsocketperm",
];

/// Names before Redis 5 and 7, part by part, and what became of them.
const RENAMED: [(&str, &str); 3] =
    [("slave", "replica"), ("ziplist", "listpack"), ("lua-time-limit", "busy-reply-threshold")];

/// Never shown, and not written here: it would be kept in plans and rows.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET.contains(&key.as_str())
        || key.ends_with("-pass")
        || key.contains("password")
        || key.contains("secret")
}

/// What a setting is called since.
pub(crate) fn newer(key: &str) -> Option<String> {
    let (old, new) = RENAMED.iter().find(|(old, _)| key.contains(old))?;
    Some(key.replace(old, new))
}

/// Why a key cannot be written; none where it can.
pub(crate) fn fault(key: &str) -> Option<String> {
    if is_secret(key) {
        Some(format!("{key} holds a credential: set it in the server's own file, or give a user a password"))
    } else if key == "replicaof" || key == "slaveof" {
        Some(format!("{key} is not edited here: who follows whom is settled by a failover"))
    } else if FIXED.contains(&key) {
        Some(format!("{key} cannot change while the server runs: set it in its own file, and restart it"))
    } else if key.is_empty() || key.contains(|sign: char| sign.is_whitespace() || sign.is_ascii_uppercase()) {
        Some(format!("{key:?} is no name of a setting: they are in lower case, without spaces"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_says_why() {
        for bad in ["requirepass", "tls-key-file-pass", "port", "replicaof", "Maxmemory", "a b", ""] {
            assert!(fault(bad).is_some(), "{bad} was taken");
        }
        assert_eq!(fault("maxmemory-policy"), None);
        assert!(FIXED.is_sorted());
    }

    #[test]
    fn settings_have_newer_names() {
        assert_eq!(newer("min-slaves-to-write").as_deref(), Some("min-replicas-to-write"));
        assert_eq!(newer("list-max-ziplist-size").as_deref(), Some("list-max-listpack-size"));
        assert_eq!(newer("maxmemory"), None);
    }
}
