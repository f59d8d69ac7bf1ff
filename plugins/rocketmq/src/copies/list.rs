//! Pages of copies: every master tells all that it holds, all asked at once, and the rows are kept for the sweep.

use std::collections::BTreeMap;
use std::rc::Rc;

use headgate_sdk::json::{self, json};
use headgate_sdk::{Failure, Page, Place, Query, Result};

use super::dump::{Known, dumps_since};
use super::table::Specs;
use super::{Kind, dumps};
use crate::cluster::Servers;
use crate::fields::text::SpecText;

/// The listing that is being paged through.
#[derive(Default)]
pub(crate) struct Sweep {
    /// In order of id, then group.
    rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    id: String,
    group: Rc<str>,
    spec: Rc<str>,
    internal: bool,
}

/// Stands between id and group in a cursor; no name holds it.
const SEPARATOR: char = '\n';

struct Listing {
    rows: Vec<Row>,
    failures: Vec<Failure>,
    version: Option<String>,
}

impl Sweep {
    pub(crate) fn page(
        &mut self,
        servers: &mut Servers,
        kind: &'static Kind,
        query: &Query,
        limit: usize,
    ) -> Result<Page> {
        let mut page =
            Page { resources: Vec::new(), failures: Vec::new(), next: None, version: None, extra: None };
        if query.cursor.is_none() || self.rows.is_empty() {
            let since = query.since.as_ref().filter(|_| query.cursor.is_none());
            let Some(listing) = listing(servers, kind, &query.place, since.map(String::as_str))? else {
                self.rows.clear();
                return Ok(Page { version: query.since.clone(), ..page });
            };
            page.failures = listing.failures;
            page.version = listing.version;
            self.rows = listing.rows;
        }
        let from = match &query.cursor {
            Some(cursor) => {
                let (id, group) = cursor.split_once(SEPARATOR).unwrap_or((cursor, ""));
                self.rows.partition_point(|row| (row.id.as_str(), &*row.group) <= (id, group))
            }
            None => 0,
        };
        let to = self.rows.len().min(from + limit);
        let rows = self.rows.get(from..to).unwrap_or_default();
        let last = rows.last().filter(|_| to < self.rows.len());
        page.next = last.map(|row| format!("{}{SEPARATOR}{}", row.id, row.group));
        let resource = |row: &Row| kind.resource(&row.id, &row.group, row.spec.to_string(), row.internal);
        page.resources = rows.iter().map(resource).collect();
        if page.next.is_none() {
            self.rows = Vec::new();
        }
        Ok(page)
    }
}

/// What each group's master told of itself: the version of a listing.
type Versions = BTreeMap<String, Known>;

/// A group whose master does not answer is a failure, and its copies are not listed. None where all stands as it did.
fn listing(
    servers: &mut Servers,
    kind: &'static Kind,
    place: &Place,
    since: Option<&str>,
) -> Result<Option<Listing>> {
    servers.refresh()?;
    let masters = match place {
        Place::Cluster => servers.members.masters(),
        place => {
            let group = kind.group(place)?;
            vec![(group.to_owned(), servers.members.master(group))]
        }
    };
    let (mut asked, mut failures) = (Vec::new(), Vec::new());
    let failure = |group: String, error| Failure {
        metadata_type: kind.metadata_type.to_owned(),
        id: None,
        place: Place::Group(group),
        error,
    };
    for (group, master) in masters {
        match master {
            Ok(address) => asked.push((group, address)),
            Err(error) => failures.push(failure(group, error)),
        }
    }
    let keep = Specs(SpecText::of(kind.fields));
    let told = match since.and_then(|since| known(since, &asked, &failures)) {
        Some(known) => dumps_since(servers, kind, &known, &keep),
        None => {
            let addresses: Vec<String> = asked.iter().map(|(_, address)| address.clone()).collect();
            Some(dumps(servers, kind, &addresses, &keep))
        }
    };
    let Some(told) = told else { return Ok(None) };
    let (mut rows, mut versions) = (Vec::new(), Versions::new());
    for ((group, _), dump) in asked.into_iter().zip(told) {
        match dump {
            Ok(mut dump) => {
                versions.insert(group.clone(), dump.known());
                let objects = std::mem::take(&mut dump.objects);
                let group: Rc<str> = Rc::from(group);
                rows.extend(objects.into_iter().map(|(id, spec)| Row {
                    group: Rc::clone(&group),
                    spec,
                    internal: dump.is_internal(kind, servers, &id),
                    id,
                }));
            }
            Err(error) => failures.push(failure(group, error)),
        }
    }
    // The masters' rows are sorted each: runs, which a stable sort merges.
    rows.sort();
    let version = failures.is_empty().then(|| json::text(&json!(versions)));
    Ok(Some(Listing { rows, failures, version }))
}

/// What is known of each of these masters; nothing where the groups are others than they were.
fn known(since: &str, asked: &[(String, String)], failures: &[Failure]) -> Option<Vec<(String, Known)>> {
    let mut versions: Versions = serde_json::from_str(since).ok()?;
    let of = |(group, address): &(String, String)| Some((address.clone(), versions.remove(group)?));
    let known: Option<Vec<(String, Known)>> = asked.iter().map(of).collect();
    known.filter(|_| versions.is_empty() && failures.is_empty())
}
