//! Where the host is and which token opens it, so that on the host's own machine neither has to be said.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::config::{TOKEN_FILE, URL_FILE};

/// Where a host listens that nobody configured.
pub(crate) const URL_DEFAULT: &str = "http://127.0.0.1:7654";

/// Reads an environment variable.
pub(crate) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Of the process; empty ones count as not set.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The user's data folder by the platform's convention, or the one that was given.
pub(crate) fn data_folder(given: Option<&Path>, variables: Variables<'_>) -> Result<PathBuf, Failure> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    if let Some(data) = variables("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute()) {
        return Ok(data.join("headgate"));
    }
    let home = variables("HOME").ok_or_else(|| {
        Failure::Input("neither HOME nor XDG_DATA_HOME is set: give --data DIR or HEADGATE_DATA".to_owned())
    })?;
    let below = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/share" };
    Ok(Path::new(&home).join(below).join("headgate"))
}

/// What can be made again: machine code of plugins that tools compiled. No host's.
pub(crate) fn cache_folder(variables: Variables<'_>) -> Result<PathBuf, Failure> {
    let below = Path::new("headgate").join("plugins");
    if let Some(cache) = variables("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute()) {
        return Ok(cache.join(below));
    }
    let home = variables("HOME").ok_or_else(|| {
        Failure::Input("neither HOME nor XDG_CACHE_HOME is set: set one, for what is compiled".to_owned())
    })?;
    let folder = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    Ok(Path::new(&home).join(folder).join(below))
}

/// Where to call, and with which token.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) token: String,
}

/// The token of the data folder goes only to the host that wrote it: not to any address that was typed.
pub(crate) fn target(url: Option<&str>, token: Option<&str>, data: &Path) -> Result<Target, Failure> {
    let stored = read_line(&data.join(URL_FILE));
    let chosen = url.or(stored.as_deref()).unwrap_or(URL_DEFAULT);
    let url = normal_url(chosen)?;
    if let Some(token) = token {
        return Ok(Target { url, token: token.trim().to_owned() });
    }
    let file = data.join(TOKEN_FILE);
    let ours =
        is_loopback(&url) || stored.is_some_and(|stored| normal_url(&stored).is_ok_and(|own| own == url));
    match read_line(&file) {
        Some(token) if ours => Ok(Target { url, token }),
        _ => Err(Failure::NoToken { url, file }),
    }
}

/// Without the slash at its end.
fn normal_url(url: &str) -> Result<String, Failure> {
    let text = url.trim().trim_end_matches('/');
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['?', '#', '@', ' ']) => Ok(text.to_owned()),
        _ => {
            Err(Failure::Input(format!("`{url}` is no address; write http://HOST:PORT or https://HOST:PORT")))
        }
    }
}

pub(crate) fn is_loopback(url: &str) -> bool {
    let authority = url.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn read_line(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(token: Option<&str>, url: Option<&str>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [(TOKEN_FILE, token), (URL_FILE, url)] {
            if let Some(text) = text {
                std::fs::write(folder.path().join(name), format!("{text}\n")).unwrap();
            }
        }
        folder
    }

    #[test]
    fn the_data_folder_follows_the_platform() {
        let variables = |name: &str| match name {
            "HOME" => Some("/home/ada".to_owned()),
            "XDG_DATA_HOME" => Some("/srv/data".to_owned()),
            _ => None,
        };
        assert_eq!(data_folder(None, &variables).unwrap(), Path::new("/srv/data/headgate"));
        assert_eq!(data_folder(Some(Path::new("here")), &variables).unwrap(), Path::new("here"));
        let home = |name: &str| (name == "HOME").then(|| "/home/ada".to_owned());
        assert!(data_folder(None, &home).unwrap().ends_with("headgate"));
        assert!(data_folder(None, &|_| None).unwrap_err().to_string().contains("--data"));
    }

    #[test]
    fn on_the_hosts_own_machine_nothing_has_to_be_said() {
        let folder = folder(Some("hg_own"), Some("http://127.0.0.1:40123/"));
        let found = target(None, None, folder.path()).unwrap();
        assert_eq!((found.url.as_str(), found.token.as_str()), ("http://127.0.0.1:40123", "hg_own"));
    }

    #[test]
    fn the_default_address_stands_where_no_host_wrote_one() {
        let folder = folder(Some("hg_own"), None);
        assert_eq!(target(None, None, folder.path()).unwrap().url, URL_DEFAULT);
    }

    #[test]
    fn what_is_given_goes_first() {
        let folder = folder(Some("hg_own"), Some("http://127.0.0.1:40123"));
        let found = target(Some("https://far.example:7654/"), Some("hg_far"), folder.path()).unwrap();
        assert_eq!((found.url.as_str(), found.token.as_str()), ("https://far.example:7654", "hg_far"));
    }

    #[test]
    fn the_stored_token_does_not_go_to_a_foreign_host() {
        let folder = folder(Some("hg_own"), None);
        let refused = target(Some("http://far.example:7654"), None, folder.path()).err().unwrap();
        assert_eq!(refused.exit().code(), 7);
        assert!(target(Some("http://localhost:1"), None, folder.path()).is_ok());
        assert!(target(Some("http://[::1]:1"), None, folder.path()).is_ok());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let folder = folder(None, None);
        for url in ["localhost:7654", "ftp://a", "http://", "http://a?b", "http://user@a"] {
            assert_eq!(target(Some(url), Some("t"), folder.path()).err().unwrap().exit().code(), 3, "{url}");
        }
    }
}
