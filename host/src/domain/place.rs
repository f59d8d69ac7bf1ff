//! Where a resource lives or a call goes: the cluster, a group (replica set), a node.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// In text: `cluster`, `group:NAME`, `node:ID`. Ordered by that text, bytewise, as stored rows are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    Cluster,
    Group(String),
    Node(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place; write `cluster`, `group:NAME` or `node:ID`")]
pub struct NotAPlace(pub String);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("cluster"),
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Node(id) => write!(f, "node:{id}"),
        }
    }
}

impl FromStr for Place {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        match text.split_once(':') {
            None if text == "cluster" => Ok(Self::Cluster),
            Some(("group", name)) if !name.is_empty() => Ok(Self::Group(name.to_owned())),
            Some(("node", id)) if !id.is_empty() => Ok(Self::Node(id.to_owned())),
            None | Some(_) => Err(NotAPlace(text.to_owned())),
        }
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.to_string().cmp(&other.to_string())
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl utoipa::PartialSchema for Place {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

impl utoipa::ToSchema for Place {}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_as_it_was_written() {
        for text in ["cluster", "group:broker-a", "node:1", "node:a:b"] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        for text in ["", "node", "node:", "planet:earth"] {
            assert_eq!(text.parse::<Place>(), Err(NotAPlace(text.to_owned())));
        }
    }
}
