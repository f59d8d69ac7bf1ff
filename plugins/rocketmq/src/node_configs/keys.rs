//! Keys of configurations that are not like the others.

/// Parts of names that mean a credential: servers tell them in the clear.
const SECRET: [&str; 5] = ["password", "passwd", "secret", "credential", "authenticationuser"];

/// What a server is, and where its files lie: it takes another value at once, and is lost.
pub(crate) const FIXED: [&str; 14] = [
    "brokerClusterName",
    "brokerConfigPath",
    "brokerId",
    "brokerName",
    "clusterName",
    "configBlackList",
    "configStorePath",
    "haListenPort",
    "kvConfigPath",
    "listenPort",
    "rocketmqHome",
    "storePathCommitLog",
    "storePathRootDir",
    "storeType",
];

/// Never shown, and not written here: it would be kept in plans and rows.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET.iter().any(|part| key.contains(part))
}

/// Why a key cannot be written; none where it can.
pub(crate) fn fault(key: &str) -> Option<String> {
    if is_secret(key) {
        Some(format!("{key} holds a credential: set it in the server's own file"))
    } else if FIXED.contains(&key) || key.starts_with("storePath") {
        Some(format!("{key} cannot change while the server runs: set it in its own file, and restart it"))
    } else if key.is_empty() || key.contains(['=', ':', '#', '!', '\\']) || key.contains(char::is_whitespace)
    {
        Some(format!("{key:?} is no name of a setting"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dangerous_keys_are_refused() {
        for bad in
            ["brokerName", "storePathRootDir", "innerClientAuthenticationCredentials", "a b", "", "a=b"]
        {
            assert!(fault(bad).is_some(), "{bad} was taken");
        }
        assert_eq!(fault("flushDiskType"), None);
    }
}
