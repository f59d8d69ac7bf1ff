//! Divergence: resources whose copies on groups or nodes differ, and the plan that makes them alike.

use std::collections::BTreeSet;

use super::caller::Caller;
use super::connection::Wrong;
use super::engine::{Proposal, ProposeOptions, Wanted};
use super::resources::Ages;
use super::{App, AppError, NamedPlan};
use crate::domain::cluster::{Cluster, Node, homes};
use crate::domain::contract::{Divergence, MetadataType, Scope};
use crate::domain::divergence::{Diverged, compare, repair};
use crate::domain::fields;
use crate::domain::place::Place;
use crate::domain::policy::{PolicyEntry, resolve};
use crate::domain::resource::Resource;
use crate::store::ResourceFilter;

/// Resources whose copies are compared at a time.
const IDS_PAGE: u32 = 200;
/// Copies that are read at a time.
const COPIES_PAGE: u32 = 1_000;

/// Which differences are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DivergenceQuery {
    pub metadata_type: Option<String>,
    /// Those that are allowed too.
    pub allowed: bool,
    /// Only those in which the copy at this place is not like most.
    pub place: Option<Place>,
    /// Type and id.
    pub after: Option<(String, String)>,
    pub limit: u32,
}

impl DivergenceQuery {
    fn wants(&self, diverged: &Diverged) -> bool {
        (self.allowed || diverged.forbidden) && self.place.as_ref().is_none_or(|place| diverged.is_odd(place))
    }
}

/// What comparing takes beside the copies, of one cluster.
struct Ground {
    nodes: Vec<Node>,
    policies: Vec<PolicyEntry>,
    ages: Ages,
}

/// One type of a cluster, with what comparing its copies takes.
struct Compared<'a> {
    cluster: &'a Cluster,
    shape: &'a MetadataType,
    homes: Vec<Place>,
    ground: &'a Ground,
}

impl Ground {
    fn compared<'a>(&'a self, cluster: &'a Cluster, shape: &'a MetadataType) -> Compared<'a> {
        Compared { cluster, shape, homes: homes(shape, self.nodes.iter()), ground: self }
    }
}

impl App {
    /// In order of type and id.
    pub async fn list_divergence(
        &self,
        caller: &Caller,
        cluster: &str,
        query: DivergenceQuery,
    ) -> Result<Vec<Diverged>, AppError> {
        let cluster = self.find_cluster(caller, cluster).await?;
        let mut types = match &query.metadata_type {
            Some(name) => vec![self.type_of(&cluster, name).await?],
            None => self.types_of(&cluster).await?,
        };
        types.sort_by(|one, other| one.name.cmp(&other.name));
        let ground = self.ground(&cluster).await?;
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        for shape in types.iter().filter(|shape| has_copies(shape)) {
            let after = match &query.after {
                Some((name, _)) if shape.name < *name => continue,
                Some((name, id)) if shape.name == *name => Some(id.clone()),
                Some(_) | None => None,
            };
            self.compare_all(&ground.compared(&cluster, shape), after, &query, limit, &mut found).await?;
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }

    /// The copies of one type's resources that may not differ and do, by id and place.
    pub(super) async fn diverged_copies(
        &self,
        cluster: &Cluster,
        metadata_type: &str,
        filter: &ResourceFilter,
        after: Option<(String, Place)>,
        limit: u32,
    ) -> Result<Vec<Resource>, AppError> {
        let shape = self.type_of(cluster, metadata_type).await?;
        if !has_copies(&shape) {
            return Ok(Vec::new());
        }
        let ground = self.ground(cluster).await?;
        let compared = ground.compared(cluster, &shape);
        let (query, page) = (DivergenceQuery::default(), usize::try_from(IDS_PAGE).unwrap_or(usize::MAX));
        let mut found: Vec<Resource> = Vec::new();
        let mut ids: Vec<String> = after.iter().map(|(id, _)| id.clone()).collect();
        let mut after = after;
        loop {
            if !ids.is_empty() {
                let left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
                let filter = ResourceFilter { ids: ids.clone(), ..filter.clone() };
                found.extend(self.store.list_resources(&cluster.id, &filter, after.take(), left).await?);
            }
            if found.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
                return Ok(found);
            }
            let mut diverged = Vec::new();
            self.compare_all(&compared, ids.pop(), &query, page, &mut diverged).await?;
            ids = diverged.into_iter().map(|diverged| diverged.id).collect();
            if ids.is_empty() {
                return Ok(found);
            }
        }
    }

    async fn ground(&self, cluster: &Cluster) -> Result<Ground, AppError> {
        let nodes = self.store.list_nodes(&cluster.id).await?;
        Ok(Ground {
            nodes: nodes.into_iter().map(|(node, _)| node).collect(),
            policies: self.policies_of(cluster).await?,
            ages: self.ages(cluster).await?,
        })
    }

    /// A plan that makes the copies of a resource alike, where their differing is forbidden: like one of them, or like most.
    pub async fn repair_divergence(
        &self,
        caller: &Caller,
        cluster: &str,
        metadata_type: &str,
        id: &str,
        like: Option<Place>,
    ) -> Result<NamedPlan, AppError> {
        caller.may_write()?;
        let found = self.find_cluster(caller, cluster).await?;
        let shape = self.type_of(&found, metadata_type).await?;
        let ground = self.ground(&found).await?;
        let compared = ground.compared(&found, &shape);
        let copies = self.copies(&compared, &[id.to_owned()]).await?;
        if copies.is_empty() {
            return Err(AppError::not_found("resource", format!("{metadata_type} {id}")));
        }
        if let Some(like) = &like
            && !copies.iter().any(|copy| copy.key.place == *like)
        {
            return Err(AppError::not_found("copy", format!("{metadata_type} {id} at {like}")));
        }
        let wishes = match compared.compare(&copies) {
            Some(diverged) => {
                repair(&shape, &diverged, &copies, like.as_ref()).map_err(|path| tied(&path, &copies))?
            }
            None => std::collections::BTreeMap::new(),
        };
        let standing = |place: &Place| {
            copies.iter().find(|copy| copy.key.place == *place).and_then(|copy| copy.desired.as_ref())
        };
        let wanted = wishes.into_iter().map(|(place, wish)| Wanted {
            metadata_type: metadata_type.to_owned(),
            id: id.to_owned(),
            // A document replaces the wish that stands: what that one says beside is kept.
            spec: Some(standing(&place).map_or(wish.clone(), |standing| fields::overlay(standing, &wish))),
            at: Some(place),
            delete: false,
        });
        let proposal = Proposal::Repair(wanted.collect());
        let options = ProposeOptions { store: true, ..ProposeOptions::default() };
        self.propose_plan(caller, cluster, proposal, options).await
    }

    async fn compare_all(
        &self,
        compared: &Compared<'_>,
        mut after: Option<String>,
        query: &DivergenceQuery,
        limit: usize,
        found: &mut Vec<Diverged>,
    ) -> Result<(), AppError> {
        let (id, name) = (&compared.cluster.id, compared.shape.name.as_str());
        loop {
            let uneven = self
                .store
                .list_uneven_ids(id, name, compared.homes.len(), after.as_deref(), IDS_PAGE)
                .await?;
            let Some(last) = uneven.last() else { return Ok(()) };
            let copies = self.copies(compared, &uneven).await?;
            let each = copies.chunk_by(|one, other| one.key.id == other.key.id);
            let differ = each.filter_map(|copies| compared.compare(copies));
            found.extend(differ.filter(|diverged| query.wants(diverged)));
            if found.len() >= limit || uneven.len() < usize::try_from(IDS_PAGE).unwrap_or(usize::MAX) {
                found.truncate(limit);
                return Ok(());
            }
            after = Some(last.clone());
        }
    }

    /// In order of id and place; what was silent for long is not compared.
    async fn copies(&self, compared: &Compared<'_>, ids: &[String]) -> Result<Vec<Resource>, AppError> {
        let filter = ResourceFilter {
            metadata_type: Some(compared.shape.name.clone()),
            ids: ids.to_vec(),
            ..ResourceFilter::default()
        };
        let mut copies: Vec<Resource> = Vec::new();
        loop {
            let after = copies.last().map(|copy| (copy.key.id.clone(), copy.key.place.clone()));
            let rows = self.store.list_resources(&compared.cluster.id, &filter, after, COPIES_PAGE).await?;
            let is_last = rows.len() < usize::try_from(COPIES_PAGE).unwrap_or(usize::MAX);
            copies.extend(rows.into_iter().map(|row| compared.ground.ages.known(row).resource));
            if is_last {
                return Ok(copies);
            }
        }
    }
}

impl Compared<'_> {
    fn compare(&self, copies: &[Resource]) -> Option<Diverged> {
        let id = copies.first().map(|copy| copy.key.id.as_str());
        let effective = resolve(&self.ground.policies, self.cluster.authority, &self.shape.name, id);
        compare(self.shape, effective.divergence, copies, &self.homes)
    }
}

fn has_copies(shape: &MetadataType) -> bool {
    shape.scope != Scope::Cluster && shape.divergence != Divergence::Single
}

fn tied(path: &str, copies: &[Resource]) -> AppError {
    let places: BTreeSet<String> = copies.iter().map(|copy| copy.key.place.to_string()).collect();
    let places = places.into_iter().collect::<Vec<_>>().join(", ");
    AppError::Invalid {
        code: "no-majority",
        message: format!(
            "no value of `{path}` is that of most copies: say which copy to follow, of {places}"
        ),
        wrong: vec![Wrong { pointer: "/like".to_owned(), message: "is needed here".to_owned() }],
    }
}
