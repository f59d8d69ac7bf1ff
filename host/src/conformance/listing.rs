//! Paging: whatever the size of the pages, a listing is the same resources, each once, in order, and ends.

use super::report::Finding;
use crate::domain::resource::ResourceKey;

/// One listing of a type at one size of pages.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub(super) limit: u32,
    pub(super) keys: Vec<ResourceKey>,
    pub(super) pages: usize,
    /// Whether the last page came before it was given up.
    pub(super) whole: bool,
}

const ORDER: &str = "resources in bytewise order of id and place over all pages, each once";

/// The walks of one type, the one with the largest pages first.
pub(super) fn judge(metadata_type: &str, walks: &[Walk]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = walks.iter().filter_map(|walk| order(metadata_type, walk)).collect();
    let Some((reference, others)) = walks.split_first() else { return findings };
    findings.extend(others.iter().filter_map(|walk| same(metadata_type, reference, walk)));
    findings
}

fn order(metadata_type: &str, walk: &Walk) -> Option<Finding> {
    let (before, after) = walk.keys.iter().zip(walk.keys.iter().skip(1)).find(|(one, next)| one >= next)?;
    let how = if before == after { "twice" } else { "out of order" };
    let found =
        format!("{metadata_type}, pages of {}: `{}` {how}, behind `{}`", walk.limit, after.id, before.id);
    Some(Finding::new(
        ORDER,
        found,
        "sort before a page is cut, and begin each page behind the last id of the one before",
    ))
}

/// A listing that was given up is compared as far as it came.
fn same(metadata_type: &str, reference: &Walk, walk: &Walk) -> Option<Finding> {
    let count = if walk.whole && reference.whole {
        walk.keys.len().max(reference.keys.len())
    } else {
        walk.keys.len().min(reference.keys.len())
    };
    let differ = (0..count).find(|index| walk.keys.get(*index) != reference.keys.get(*index))?;
    let at = |walk: &Walk| walk.keys.get(differ).map_or("its end".to_owned(), |key| format!("`{}`", key.id));
    let found = format!(
        "{metadata_type}: as resource {} pages of {} hold {}, pages of {} hold {}",
        differ + 1,
        walk.limit,
        at(walk),
        reference.limit,
        at(reference)
    );
    let advice =
        "a page holds as many as were asked for while there are more; its cursor says where the next begins";
    Some(Finding::new("the same resources at every size of pages", found, advice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::Place;

    fn walk(limit: u32, ids: &[&str], whole: bool) -> Walk {
        let key = |id: &&str| ResourceKey {
            metadata_type: "topic".to_owned(),
            id: (*id).to_owned(),
            place: Place::Cluster,
        };
        Walk { limit, keys: ids.iter().map(key).collect(), pages: 1, whole }
    }

    fn found(walks: &[Walk]) -> Vec<String> {
        judge("topic", walks).into_iter().map(|finding| finding.found).collect()
    }

    #[test]
    fn a_listing_that_is_the_same_at_every_size_passes() {
        let all = ["B", "a", "b"];
        assert_eq!(
            found(&[walk(1_000, &all, true), walk(1, &all, true), walk(2, &all[..2], false)]),
            [""; 0]
        );
    }

    #[test]
    fn what_is_lost_doubled_or_out_of_order_is_named() {
        let all = walk(1_000, &["a", "b", "c"], true);
        let cases = [
            (walk(2, &["a", "b"], true), "as resource 3 pages of 2 hold its end, pages of 1000 hold `c`"),
            (walk(2, &["a", "b", "b", "c"], true), "`b` twice"),
            (walk(1, &["b", "a", "c"], true), "`a` out of order, behind `b`"),
            (walk(1, &["a", "c"], false), "as resource 2 pages of 1 hold `c`"),
        ];
        for (other, part) in cases {
            let found = found(&[all.clone(), other]);
            assert!(found.iter().any(|one| one.contains(part)), "no `{part}`: {found:?}");
        }
    }
}
