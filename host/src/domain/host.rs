//! The hosts on one database: one is active, the others stand by.

use serde::{Deserialize, Serialize};

/// The host that acts on the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveHost {
    /// Its name: the machine's, and what tells two hosts on one machine apart.
    pub host: String,
    /// Where it listens.
    pub url: String,
}

/// What a host that stands by says of itself. `None`: it is not known which host is active.
pub fn standing_by(active: Option<&ActiveHost>) -> String {
    match active {
        Some(ActiveHost { host, url, .. }) => {
            format!("this host stands by and changes nothing: `{host}` is active, at {url}")
        }
        None => "this host stands by and changes nothing: another one on its database is active".to_owned(),
    }
}

/// What to do about it.
pub fn standing_by_advice(active: Option<&ActiveHost>) -> String {
    let place = active.map_or_else(
        || "to the active host".to_owned(),
        |active| format!("there, with --url {}", active.url),
    );
    format!("send it {place}; this host takes over by itself when that one ends")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_stands_by_names_the_active_one_where_it_is_known() {
        let active = ActiveHost { host: "box-1".to_owned(), url: "http://box:7654".to_owned() };
        let told = standing_by(Some(&active));
        assert!(told.contains("`box-1`") && told.contains("http://box:7654"), "{told}");
        assert!(standing_by_advice(Some(&active)).contains("--url http://box:7654"));
        assert!(standing_by(None).contains("another one"));
        assert!(standing_by_advice(None).contains("the active host"));
    }
}
