//! The limits of a plan: what one review can take in, and how to raise each once.

use std::collections::{BTreeMap, BTreeSet};

use super::{Raised, Snapshot};
use crate::domain::plan::{Base, Exceeded, Plan, Step, Verb};
use crate::domain::policy::{EDITS_LIMITED_FROM, Effective, resolve};
use crate::domain::resource::ResourceKey;

const DELETES: &str = "deletes_max";
const DELETES_PERCENT: &str = "deletes_percent_max";
const EDITS_PERCENT: &str = "edits_percent_max";
const DESTRUCTIVE: &str = "destructive";

/// Resources that are deleted, or are ours, were found absent and are made again.
pub fn deletes(steps: &[Step], base: &[Base]) -> u32 {
    count(deleted(steps, base).len())
}

/// The limits that the plan goes beyond, and that were not raised.
pub(super) fn exceeded(steps: &[Step], base: &[Base], snapshot: &Snapshot, raised: &Raised) -> Vec<Exceeded> {
    let deleted = deleted(steps, base);
    let mut exceeded = Vec::new();
    let whole = count(deleted.len());
    // For the whole plan, what is said of the cluster; for a type, what is said of the type.
    let cluster = resolve(&snapshot.policies, snapshot.authority, "", None);
    let mut too_many = (whole > cluster.deletes_max).then(|| many(whole, cluster.deletes_max, None));
    for (metadata_type, number) in by_type(&deleted) {
        let policy = resolve(&snapshot.policies, snapshot.authority, metadata_type, None);
        if number > policy.deletes_max && too_many.is_none() {
            too_many = Some(many(number, policy.deletes_max, Some(metadata_type)));
        }
        exceeded.extend(deletes_percent(metadata_type, number, &policy, snapshot));
    }
    exceeded.extend(too_many);
    exceeded.retain(|_| raised.deletes_max.is_none_or(|most| whole > most));
    exceeded.extend(edits_percent(steps, snapshot, raised.edits_percent_max));
    exceeded.sort_by(|one, other| one.limit.cmp(&other.limit));
    exceeded
}

/// What still refuses the plan, with what its approval raises; empty where it may begin.
pub fn refusals(plan: &Plan, raised: &Raised) -> Vec<Exceeded> {
    let number = deletes(&plan.steps, &plan.base);
    let most = raised.deletes_max.max(plan.deletes_max);
    let is_raised = |limit: &Exceeded| {
        (limit.limit == DELETES || limit.limit == DELETES_PERCENT) && most.is_some_and(|most| number <= most)
    };
    let mut refusals: Vec<Exceeded> =
        plan.exceeded.iter().filter(|limit| !is_raised(limit)).cloned().collect();
    let destructive = plan.steps.iter().filter(|step| step.destructive).count();
    if destructive > 0 && !raised.allow_destructive && !plan.allow_destructive {
        let message = match destructive {
            1 => "1 step is destructive; allow it once with --allow-destructive".to_owned(),
            more => format!("{more} steps are destructive; allow them once with --allow-destructive"),
        };
        refusals.push(Exceeded { limit: DESTRUCTIVE.to_owned(), message });
    }
    refusals
}

fn deleted<'a>(steps: &'a [Step], base: &'a [Base]) -> BTreeSet<&'a ResourceKey> {
    let deletes = steps.iter().filter(|step| step.verb == Verb::Delete).map(|step| &step.key);
    let creates: BTreeSet<&ResourceKey> =
        steps.iter().filter(|step| step.verb == Verb::Create).map(|step| &step.key).collect();
    let lost = base.iter().filter(|base| base.owned && base.observed.is_none()).map(|base| &base.key);
    deletes.chain(lost.filter(|key| creates.contains(key))).collect()
}

fn by_type<'a>(keys: &BTreeSet<&'a ResourceKey>) -> BTreeMap<&'a str, u32> {
    let mut numbers = BTreeMap::new();
    for key in keys {
        *numbers.entry(key.metadata_type.as_str()).or_default() += 1;
    }
    numbers
}

fn many(number: u32, most: u32, metadata_type: Option<&str>) -> Exceeded {
    let of = metadata_type.map_or(String::new(), |name| format!(" of type {name}"));
    Exceeded {
        limit: DELETES.to_owned(),
        message: format!(
            "{number} deletes or re-creations{of}, at most {most} are allowed in one plan; \
             raise it once with --max-deletes {number}"
        ),
    }
}

fn deletes_percent(
    metadata_type: &str,
    number: u32,
    policy: &Effective,
    snapshot: &Snapshot,
) -> Option<Exceeded> {
    let total = snapshot.totals.get(metadata_type).copied().unwrap_or(0);
    // One is always allowed: a type with three resources could never lose any.
    let is_within = number <= 1 || is_part(number, policy.deletes_percent_max, total);
    (!is_within).then(|| Exceeded {
        limit: DELETES_PERCENT.to_owned(),
        message: format!(
            "{number} deletes or re-creations of {total} resources of type {metadata_type}, at most {} % are allowed \
             in one plan; raise it once with --max-deletes {number}",
            policy.deletes_percent_max
        ),
    })
}

fn edits_percent(steps: &[Step], snapshot: &Snapshot, raised: Option<u32>) -> Vec<Exceeded> {
    let edited: BTreeSet<&ResourceKey> =
        steps.iter().filter(|step| step.verb == Verb::Edit).map(|step| &step.key).collect();
    let exceeded = |(metadata_type, number): (&str, u32)| {
        let total = snapshot.totals.get(metadata_type).copied().unwrap_or(0);
        let policy = resolve(&snapshot.policies, snapshot.authority, metadata_type, None);
        let most = raised.unwrap_or(0).max(policy.edits_percent_max);
        let is_within = total < EDITS_LIMITED_FROM || is_part(number, most, total);
        let needed = percent(number, total);
        (!is_within).then(|| Exceeded {
            limit: EDITS_PERCENT.to_owned(),
            message: format!(
                "{number} edits of {total} resources of type {metadata_type}, at most {most} % are allowed in one plan; \
                 hand in fewer at once, plan again with --max-edits-percent {needed}, \
                 or raise it for good: headgate policy set {} {metadata_type} --max-edits-percent {needed}",
                snapshot.cluster
            ),
        })
    };
    by_type(&edited).into_iter().filter_map(exceeded).collect()
}

fn is_part(number: u32, percent: u32, total: u64) -> bool {
    u64::from(number) * 100 <= u64::from(percent) * total
}

/// Rounded up, so that raising to it suffices.
fn percent(number: u32, total: u64) -> u64 {
    (u64::from(number) * 100).div_ceil(total.max(1))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
