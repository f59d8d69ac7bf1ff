//! Pages: what all servers told, in order of id and then of node, cut where the page ends.

use headgate_sdk::json::{self, Map, Value};
use headgate_sdk::{Failure, Page, Place, Query, Resource, ResourceKey};

/// A page that the host asks for without a limit.
const PAGE_ROWS_MAX: usize = 1_000;

/// Stands between id and node in a cursor; no name holds it.
const SEPARATOR: char = '\n';

/// Who asks for less than all has the servers read anew for each page. What failed is told with the first.
pub(crate) fn page(mut resources: Vec<Resource>, failures: Vec<Failure>, query: &Query) -> Page {
    let limit = match query.limit as usize {
        0 => PAGE_ROWS_MAX,
        limit => limit.min(PAGE_ROWS_MAX),
    };
    resources.sort_by(|one, other| place_of(&one.key).cmp(&place_of(&other.key)));
    if let Some(cursor) = &query.cursor {
        let after = cursor.split_once(SEPARATOR).unwrap_or((cursor, ""));
        resources.retain(|one| place_of(&one.key) > after);
    }
    let is_last = resources.len() <= limit;
    resources.truncate(limit);
    let last = resources.last().filter(|_| !is_last).map(|one| place_of(&one.key));
    let next = last.map(|(id, node)| format!("{id}{SEPARATOR}{node}"));
    let failures = if query.cursor.is_none() { failures } else { Vec::new() };
    Page { resources, failures, next, version: None, extra: None }
}

fn place_of(key: &ResourceKey) -> (&str, &str) {
    (&key.id, node_of(key).unwrap_or_default())
}

/// Everything that Redis holds for itself lies on a node.
pub(crate) fn node_of(key: &ResourceKey) -> Option<&str> {
    match &key.place {
        Place::Node(node) => Some(node),
        Place::Cluster | Place::Group(_) => None,
    }
}

pub(crate) fn resource(
    metadata_type: &str,
    id: &str,
    node: &str,
    spec: Map<String, Value>,
    status: Map<String, Value>,
) -> Resource {
    Resource {
        key: ResourceKey {
            metadata_type: metadata_type.to_owned(),
            id: id.to_owned(),
            place: Place::Node(node.to_owned()),
        },
        revision: None,
        incarnation: None,
        spec: json::text(&Value::Object(spec)),
        effective: None,
        status: json::text(&Value::Object(status)),
        internal: false,
        partial: false,
        extra: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_go_on_behind_the_last_row() {
        let rows = || {
            [("b", "1"), ("a", "2"), ("a", "1"), ("a-b", "1")]
                .map(|(id, node)| resource("user", id, node, Map::new(), Map::new()))
                .to_vec()
        };
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let query = Query {
                metadata_type: "user".to_owned(),
                place: Place::Cluster,
                brief: false,
                fields: Vec::new(),
                since: None,
                cursor,
                limit: 1,
                extra: None,
            };
            let page = page(rows(), Vec::new(), &query);
            found.extend(page.resources.iter().map(|one| format!("{:?}", place_of(&one.key))));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, [r#"("a", "1")"#, r#"("a", "2")"#, r#"("a-b", "1")"#, r#"("b", "1")"#]);
    }
}
