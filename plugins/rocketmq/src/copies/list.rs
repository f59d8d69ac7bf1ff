//! Pages of copies: every master tells all that it holds, all asked at once, and the rows are kept for the sweep.

use std::rc::Rc;

use headgate_sdk::{Failure, Page, Place, Query, Result};

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
            let listing = listing(servers, kind, &query.place)?;
            page.failures = listing.failures;
            page.version = listing.version;
            if page.version.is_some() && page.version == query.since && query.cursor.is_none() {
                self.rows.clear();
                return Ok(page);
            }
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

/// A group whose master does not answer is a failure, and its copies are not listed.
fn listing(servers: &mut Servers, kind: &'static Kind, place: &Place) -> Result<Listing> {
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
    let addresses: Vec<String> = asked.iter().map(|(_, address)| address.clone()).collect();
    let (mut rows, mut versions) = (Vec::new(), Vec::new());
    let keep = Specs(SpecText::of(kind.fields));
    for ((group, _), dump) in asked.into_iter().zip(dumps(servers, kind, &addresses, &keep)) {
        match dump {
            Ok(mut dump) => {
                versions.push(format!("{group} {}", dump.version));
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
    let version = failures.is_empty().then(|| versions.join("; "));
    Ok(Listing { rows, failures, version })
}
