//! Pages and look-ups: one question to each master names all that it keeps of a type.

use std::collections::BTreeMap;

use headgate_sdk::json;
use headgate_sdk::{Error, ErrorKind, Failure, Lookup, Page, Place, Query, ResourceKey, Result};

use super::{Kept, Kind, kept};
use crate::cluster::Servers;

/// The listing that is being paged through.
#[derive(Default)]
pub(crate) struct Sweep {
    /// Specs by id and group.
    rows: BTreeMap<(String, String), String>,
}

/// Stands between id and group in a cursor; no name of a group holds it.
const SEPARATOR: char = '\n';

impl Sweep {
    pub(crate) fn page(
        &mut self,
        servers: &mut Servers,
        kind: &Kind,
        query: &Query,
        limit: usize,
    ) -> Result<Page> {
        let mut failures = Vec::new();
        if query.cursor.is_none() || self.rows.is_empty() {
            (self.rows, failures) = listing(servers, kind, &query.place)?;
        }
        if let Some(cursor) = &query.cursor {
            let unknown = || Error::invalid_argument(format_args!("{cursor:?} is no cursor of this listing"));
            let (id, group) = cursor.rsplit_once(SEPARATOR).ok_or_else(unknown)?;
            let last = (id.to_owned(), group.to_owned());
            self.rows = self.rows.split_off(&last);
            self.rows.remove(&last);
        }
        let page: Vec<_> = self.rows.iter().take(limit).collect();
        let more = self.rows.len() > limit;
        let next = page.last().filter(|_| more).map(|((id, group), _)| format!("{id}{SEPARATOR}{group}"));
        let resources =
            page.into_iter().map(|((id, group), spec)| kind.resource(id, group, spec.clone())).collect();
        if next.is_none() {
            self.rows.clear();
        }
        Ok(Page { resources, failures, next, version: None, extra: None })
    }
}

type Rows = BTreeMap<(String, String), String>;

/// A broker that keeps none lists nothing: that is an answer, not a failure.
fn listing(servers: &mut Servers, kind: &Kind, place: &Place) -> Result<(Rows, Vec<Failure>)> {
    servers.refresh()?;
    let groups: Vec<String> = match place {
        Place::Cluster => servers.members.groups.keys().cloned().collect(),
        place => vec![kind.group(place)?.to_owned()],
    };
    let (mut rows, mut failures) = (Rows::new(), Vec::new());
    for (group, kept) in by_group(servers, kind, groups.iter().map(String::as_str)) {
        match kept {
            Ok(kept) => {
                rows.extend(kept.into_iter().map(|(id, spec)| ((id, group.clone()), json::text(&spec))));
            }
            Err(error) if error.kind == ErrorKind::Unsupported => {}
            Err(error) => failures.push(Failure {
                metadata_type: kind.metadata_type.to_owned(),
                id: None,
                place: Place::Group(group),
                error,
            }),
        }
    }
    Ok((rows, failures))
}

pub(crate) fn get(servers: &mut Servers, kind: &Kind, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    servers.refresh()?;
    let groups = keys.iter().filter_map(|key| kind.group(&key.place).ok());
    let kept = by_group(servers, kind, groups);
    let look_up = |key: &&ResourceKey| {
        let group = match kind.group(&key.place) {
            Ok(group) => group,
            Err(error) => return Lookup::Failed(error),
        };
        match kept.get(group) {
            Some(Ok(kept)) => match kept.get(&key.id) {
                Some(spec) => Lookup::Found(kind.resource(&key.id, group, json::text(spec))),
                None => Lookup::Absent,
            },
            Some(Err(error)) => Lookup::Failed(error.clone()),
            None => Lookup::Failed(Error::internal("the group was not asked")),
        }
    };
    Ok(keys.iter().map(look_up).collect())
}

/// What these groups' masters keep; each is asked once.
pub(super) fn by_group<'a>(
    servers: &mut Servers,
    kind: &Kind,
    groups: impl Iterator<Item = &'a str>,
) -> BTreeMap<String, Result<Kept>> {
    let mut masters: BTreeMap<String, Result<String>> = BTreeMap::new();
    for group in groups {
        masters.entry(group.to_owned()).or_insert_with(|| servers.members.master(group));
    }
    let addresses: Vec<String> = masters.values().flatten().cloned().collect();
    let mut told = kept(servers, kind, &addresses).into_iter();
    let missing = || Err(Error::internal("the group was not asked"));
    let answer = |(group, master): (String, Result<String>)| {
        let kept = master.and_then(|_| told.next().unwrap_or_else(missing));
        (group, kept)
    };
    masters.into_iter().map(answer).collect()
}
