//! Znodes: the roots of the subtrees that applications keep, two levels deep, with who may do what to them. Any other can be
//! asked for by its path.

use headgate_sdk::json::{self, Map, Value};
use headgate_sdk::{ErrorKind, Lookup, Place, Resource, ResourceKey, Result};

use crate::ensemble::Ensemble;
use crate::types::ZNODE;
use crate::wire::{ACL, Acl, CHILDREN, DESCENDANTS, EXISTS, Stat};

/// `/services/orders`: deeper lie the instances, the locks, the queue's entries.
const DEPTH_MAX: usize = 2;

/// Listed at most. Of a parent with more children than there is room for, none is listed: they are data, not roots.
const LISTED_MAX: usize = 1_000;

const FORBIDDEN: &str = "forbidden";

/// ZooKeeper's own.
const INTERNAL: &str = "/zookeeper";

struct Znode {
    path: String,
    /// None where they may not be read, both of them.
    stat: Option<Stat>,
    acl: Option<Vec<Acl>>,
    /// Why its children are not listed.
    not_listed: Option<&'static str>,
}

/// In bytewise order of path. What goes away meanwhile is left out.
pub(crate) fn list(ensemble: &mut Ensemble) -> Result<Vec<Resource>> {
    ensemble.catch_up()?;
    let (mut found, mut level) = (Vec::new(), vec!["/".to_owned()]);
    for depth in 0..=DEPTH_MAX {
        let mut here: Vec<Znode> = read(ensemble, &level)?.into_iter().flatten().collect();
        level = Vec::new();
        if depth < DEPTH_MAX {
            level = below(ensemble, &mut here, LISTED_MAX.saturating_sub(found.len()))?;
        }
        found.append(&mut here);
    }
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(found.iter().map(|znode| znode.resource(znode.seldom_changes())).collect())
}

/// With the counts, which a server makes by walking over all znodes that it has.
pub(crate) fn get(ensemble: &mut Ensemble, paths: &[String]) -> Result<Vec<Lookup>> {
    ensemble.catch_up()?;
    let found = read(ensemble, paths)?;
    // Releases before 3.6 end the session over this question.
    let counts = ensemble.ask(&DESCENDANTS, paths).unwrap_or_default();
    let mut counts = counts.into_iter().map(Result::ok);
    let lookup = |znode: Option<Znode>| {
        let count = counts.next().flatten();
        znode.map_or(Lookup::Absent, |znode| Lookup::Found(znode.resource(znode.all(count))))
    };
    Ok(found.into_iter().map(lookup).collect())
}

/// Each as far as it may be read; none for what is not there.
fn read(ensemble: &mut Ensemble, paths: &[String]) -> Result<Vec<Option<Znode>>> {
    let stats = ensemble.ask(&EXISTS, paths)?;
    let acls = ensemble.ask(&ACL, paths)?;
    let each = paths.iter().zip(stats).zip(acls).map(|((path, stat), acl)| {
        let (stat, not_listed) = match stat {
            Ok(stat) => (Some(stat), None),
            Err(error) if error.kind == ErrorKind::PermissionDenied => (None, Some(FORBIDDEN)),
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::InvalidArgument) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        Ok(Some(Znode { path: path.clone(), stat, acl: acl.ok(), not_listed }))
    });
    each.collect()
}

/// The paths of the children of those whose children find room, beside these parents themselves.
fn below(ensemble: &mut Ensemble, parents: &mut [Znode], room: usize) -> Result<Vec<String>> {
    let mut room = room.saturating_sub(parents.len());
    let mut asked: Vec<&mut Znode> = Vec::new();
    for parent in parents {
        let count = parent.stat.as_ref().and_then(|stat| usize::try_from(stat.children).ok()).unwrap_or(0);
        if count > room {
            parent.not_listed = Some("too-many");
        } else if count > 0 {
            room -= count;
            asked.push(parent);
        }
    }
    let paths: Vec<String> = asked.iter().map(|parent| parent.path.clone()).collect();
    let answers = ensemble.ask(&CHILDREN, &paths)?;
    let mut children = Vec::new();
    for (parent, answer) in asked.into_iter().zip(answers) {
        match answer {
            Ok(names) => children.extend(names.iter().map(|name| child(&parent.path, name))),
            Err(error) if error.kind == ErrorKind::PermissionDenied => parent.not_listed = Some(FORBIDDEN),
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(children)
}

pub(crate) fn child(parent: &str, name: &str) -> String {
    if parent == "/" { format!("/{name}") } else { format!("{parent}/{name}") }
}

impl Znode {
    fn resource(&self, status: Map<String, Value>) -> Resource {
        let below_internal = self.path.strip_prefix(INTERNAL);
        Resource {
            key: ResourceKey {
                metadata_type: ZNODE.to_owned(),
                id: self.path.clone(),
                place: Place::Cluster,
            },
            revision: None,
            incarnation: self.stat.as_ref().map(|stat| stat.czxid.to_string()),
            spec: json::text(&Value::Object(self.spec())),
            effective: None,
            status: json::text(&Value::Object(status)),
            internal: below_internal.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            partial: self.stat.is_none() || self.acl.is_none(),
            extra: None,
        }
    }

    fn spec(&self) -> Map<String, Value> {
        let mut spec = Map::new();
        let is_ephemeral = self.stat.as_ref().map(|stat| stat.owner != 0);
        spec.extend(is_ephemeral.map(|ephemeral| ("ephemeral".to_owned(), ephemeral.into())));
        spec.extend(self.acl.as_ref().map(|acl| ("acl".to_owned(), acl.iter().map(shown).collect())));
        spec
    }

    fn seldom_changes(&self) -> Map<String, Value> {
        let mut status = Map::new();
        if let Some(stat) = &self.stat {
            status.insert("created_at_ms".to_owned(), stat.created_at_ms.into());
            if stat.owner != 0 {
                status.insert("owner_session".to_owned(), format!("{:#x}", stat.owner).into());
            }
        }
        status.extend(self.not_listed.map(|reason| ("not_listed".to_owned(), reason.into())));
        status
    }

    fn all(&self, descendants: Option<i32>) -> Map<String, Value> {
        let mut status = self.seldom_changes();
        let Some(stat) = &self.stat else { return status };
        let counts: [(&str, Value); 5] = [
            ("children", stat.children.into()),
            ("descendants", descendants.into()),
            ("data_bytes", stat.data_bytes.into()),
            ("data_version", stat.data_version.into()),
            ("modified_at_ms", stat.modified_at_ms.into()),
        ];
        status.extend(counts.map(|(name, value)| (name.to_owned(), value)));
        status
    }
}

/// `world:anyone:cdrwa`. Of a digest only the name: whoever may administer a znode is shown the password's hash too.
fn shown(acl: &Acl) -> String {
    let id = match acl.scheme.as_str() {
        "digest" => acl.id.split(':').next().unwrap_or_default(),
        _ => &acl.id,
    };
    let rights = [(4, 'c'), (8, 'd'), (1, 'r'), (2, 'w'), (16, 'a')];
    let rights: String =
        rights.iter().filter(|(bit, _)| acl.permissions & bit != 0).map(|(_, letter)| letter).collect();
    format!("{}:{id}:{rights}", acl.scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_rule_holds_no_hash() {
        let acl = |permissions, scheme: &str, id: &str| {
            shown(&Acl { permissions, scheme: scheme.to_owned(), id: id.to_owned() })
        };
        assert_eq!(acl(31, "world", "anyone"), "world:anyone:cdrwa");
        assert_eq!(acl(1, "ip", "10.0.0.0/8"), "ip:10.0.0.0/8:r");
        assert_eq!(acl(3, "digest", "ops:3Fxi3eQ="), "digest:ops:rw");
    }
}
