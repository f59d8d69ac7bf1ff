//! Computes replicas: as many as are wanted, none on brokers that are drained, over racks and brokers as evenly as the
//! topic's own replicas allow, and moving nothing that may stay.

use std::collections::{BTreeMap, BTreeSet};

/// Replicas of a partition, the preferred leader first.
pub(crate) type Replicas = Vec<i32>;

/// By partition.
pub(crate) type Assignment = BTreeMap<i32, Replicas>;

/// What the new replicas must be like.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Goal {
    /// As many as there are, where none is said.
    pub(crate) replication_factor: Option<usize>,
    /// Brokers that hold none any more.
    pub(crate) drained: BTreeSet<i32>,
}

/// Brokers that are there, with their racks.
pub(crate) type Racks = BTreeMap<i32, Option<String>>;

/// So many replicas of a partition have no broker to be on.
#[derive(Debug, PartialEq)]
pub(crate) struct TooFew {
    pub(crate) partition: i32,
    pub(crate) wanted: usize,
    pub(crate) brokers: usize,
}

/// How many replicas each broker holds of the topic, and how many of them come first.
#[derive(Default)]
struct Load {
    replicas: BTreeMap<i32, usize>,
    first: BTreeMap<i32, usize>,
}

impl Load {
    fn replicas(&self, broker: i32) -> usize {
        self.replicas.get(&broker).copied().unwrap_or_default()
    }

    fn first(&self, broker: i32) -> usize {
        self.first.get(&broker).copied().unwrap_or_default()
    }

    fn add(&mut self, broker: i32) {
        *self.replicas.entry(broker).or_default() += 1;
    }

    fn remove(&mut self, broker: i32) {
        if let Some(count) = self.replicas.get_mut(&broker) {
            *count = count.saturating_sub(1);
        }
    }
}

pub(crate) fn assign(current: &Assignment, racks: &Racks, goal: &Goal) -> Result<Assignment, TooFew> {
    let mut load = Load::default();
    let mut next = Assignment::new();
    for (partition, replicas) in current {
        let kept: Replicas = replicas.iter().copied().filter(|id| !goal.drained.contains(id)).collect();
        kept.iter().for_each(|id| load.add(*id));
        next.insert(*partition, kept);
    }
    // All that is dropped first, so that what is added sees the room.
    for (partition, replicas) in &mut next {
        let wanted = wanted(current, *partition, goal);
        while replicas.len() > wanted {
            drop_one(replicas, racks, &mut load);
        }
    }
    for (partition, replicas) in &mut next {
        let wanted = wanted(current, *partition, goal);
        while replicas.len() < wanted {
            let Some(broker) = best(*partition, replicas, racks, goal, &load) else {
                let brokers = racks.keys().filter(|id| !goal.drained.contains(id)).count();
                return Err(TooFew { partition: *partition, wanted, brokers });
            };
            load.add(broker);
            replicas.push(broker);
        }
    }
    lead(current, &mut next, &mut load);
    Ok(next)
}

fn wanted(current: &Assignment, partition: i32, goal: &Goal) -> usize {
    let now = current.get(&partition).map(Vec::len).unwrap_or_default();
    goal.replication_factor.unwrap_or(now).max(1)
}

/// Never the preferred leader; rather who is away, then who shares a rack, then who holds most.
fn drop_one(replicas: &mut Replicas, racks: &Racks, load: &mut Load) {
    let worth = |index: &usize| {
        let id = replicas.get(*index).copied().unwrap_or(-1);
        (!racks.contains_key(&id), in_rack(id, replicas, racks), load.replicas(id), *index)
    };
    let Some(index) = (1..replicas.len()).max_by_key(worth) else {
        replicas.truncate(1);
        return;
    };
    load.remove(replicas.remove(index));
}

/// A rack that the partition is least in, then the broker that holds least, then one that is another for each partition.
fn best(partition: i32, replicas: &Replicas, racks: &Racks, goal: &Goal, load: &Load) -> Option<i32> {
    let free = |id: &&i32| !replicas.contains(id) && !goal.drained.contains(id);
    let count = i32::try_from(racks.len()).unwrap_or(i32::MAX).max(1);
    let turn = |id: i32| id.wrapping_sub(partition).rem_euclid(count);
    let cost = |id: &&i32| (in_rack(**id, replicas, racks), load.replicas(**id), turn(**id), **id);
    racks.keys().filter(free).min_by_key(cost).copied()
}

/// How many of these replicas are in a broker's rack. A broker without one is in a rack of its own.
fn in_rack(id: i32, replicas: &Replicas, racks: &Racks) -> usize {
    let rack_of = |id: i32| racks.get(&id).and_then(Option::as_ref);
    match rack_of(id) {
        Some(rack) => replicas.iter().filter(|other| rack_of(**other) == Some(rack)).count(),
        None => 0,
    }
}

/// Who led goes on to lead; where that one went, whoever leads least.
fn lead(current: &Assignment, next: &mut Assignment, load: &mut Load) {
    let mut orphaned = Vec::new();
    for (partition, replicas) in &*next {
        let was = current.get(partition).and_then(|replicas| replicas.first());
        match replicas.first() {
            Some(first) if Some(first) == was => *load.first.entry(*first).or_default() += 1,
            _ => orphaned.push(*partition),
        }
    }
    for partition in orphaned {
        let Some(replicas) = next.get_mut(&partition) else { continue };
        let least =
            (0..replicas.len()).min_by_key(|index| (replicas.get(*index).map(|id| load.first(*id)), *index));
        let Some(least) = least else { continue };
        let first = replicas.remove(least);
        replicas.insert(0, first);
        *load.first.entry(first).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(replicas: &[&[i32]]) -> Assignment {
        let numbered = replicas.iter().enumerate();
        numbered.map(|(index, replicas)| (i32::try_from(index).unwrap(), replicas.to_vec())).collect()
    }

    fn racks(racks: &[(i32, &str)]) -> Racks {
        racks.iter().map(|(id, rack)| (*id, (!rack.is_empty()).then(|| (*rack).to_owned()))).collect()
    }

    fn without_racks(brokers: i32) -> Racks {
        (1..=brokers).map(|id| (id, None)).collect()
    }

    fn copies(count: usize) -> Goal {
        Goal { replication_factor: Some(count), ..Goal::default() }
    }

    fn drained(ids: &[i32]) -> Goal {
        Goal { drained: ids.iter().copied().collect(), ..Goal::default() }
    }

    fn check(current: &[&[i32]], racks: &Racks, goal: &Goal, expected: &[&[i32]]) {
        let found = assign(&assignment(current), racks, goal).unwrap();
        assert_eq!(found, assignment(expected));
        assert_eq!(assign(&found, racks, goal).unwrap(), found, "done twice, it moves something");
    }

    fn counts(assignment: &Assignment, of: impl Fn(&Replicas) -> Vec<i32>) -> Vec<usize> {
        let mut counts: BTreeMap<i32, usize> = BTreeMap::new();
        for id in assignment.values().flat_map(of) {
            *counts.entry(id).or_default() += 1;
        }
        counts.into_values().collect()
    }

    #[test]
    fn what_is_as_wished_stays() {
        check(&[&[1, 2], &[2, 3], &[3, 1]], &without_racks(3), &copies(2), &[&[1, 2], &[2, 3], &[3, 1]]);
        check(&[&[1, 2]], &without_racks(3), &drained(&[3]), &[&[1, 2]]);
    }

    #[test]
    fn more_copies_are_added_where_there_is_room() {
        check(&[&[1], &[1], &[2]], &without_racks(3), &copies(2), &[&[1, 3], &[1, 2], &[2, 3]]);
        check(&[&[1], &[2], &[3]], &without_racks(3), &copies(3), &[&[1, 3, 2], &[2, 1, 3], &[3, 2, 1]]);
    }

    #[test]
    fn copies_go_to_other_racks() {
        let racks = racks(&[(1, "a"), (2, "a"), (3, "b"), (4, "b")]);
        check(&[&[1], &[2], &[3], &[4]], &racks, &copies(2), &[&[1, 4], &[2, 3], &[3, 2], &[4, 1]]);
    }

    #[test]
    fn fewer_copies_keep_the_leader_and_the_racks() {
        let racks = racks(&[(1, "a"), (2, "a"), (3, "b")]);
        check(&[&[1, 2, 3]], &racks, &copies(2), &[&[1, 3]]);
        check(&[&[1, 9, 3]], &racks, &copies(2), &[&[1, 3]]);
        check(&[&[2, 1, 3], &[1, 2, 3]], &racks, &copies(1), &[&[2], &[1]]);
    }

    #[test]
    fn a_drained_broker_hands_over_its_replicas_and_its_leaders() {
        check(
            &[&[1, 2], &[2, 3], &[3, 1], &[1, 3]],
            &without_racks(4),
            &drained(&[1]),
            &[&[4, 2], &[2, 3], &[3, 4], &[3, 4]],
        );
    }

    #[test]
    fn many_partitions_stay_balanced() {
        let replicas: Vec<Replicas> =
            (0..60).map(|index| vec![1 + index % 6, 1 + (index + 1) % 6, 1 + (index + 2) % 6]).collect();
        let replicas: Vec<&[i32]> = replicas.iter().map(Vec::as_slice).collect();
        let found = assign(&assignment(&replicas), &without_racks(6), &drained(&[6])).unwrap();
        // What is chosen one after the other, and may not go where the partition is already, ends near the mean.
        let (all, leaders) =
            (counts(&found, Clone::clone), counts(&found, |replicas| replicas[..1].to_vec()));
        assert!(all.iter().all(|count| (35..=37).contains(count)), "{all:?}");
        assert!(leaders.iter().all(|count| (10..=14).contains(count)), "{leaders:?}");
        let moved: usize = found
            .iter()
            .map(|(index, after)| {
                let before = replicas[usize::try_from(*index).unwrap()];
                after.iter().filter(|id| !before.contains(id)).count()
            })
            .sum();
        assert_eq!(moved, 30, "only what was on the drained broker moves");
    }

    #[test]
    fn more_copies_than_brokers_are_refused() {
        let too_few = |partition, wanted, brokers| Err(TooFew { partition, wanted, brokers });
        assert_eq!(assign(&assignment(&[&[1]]), &without_racks(3), &copies(4)), too_few(0, 4, 3));
        assert_eq!(assign(&assignment(&[&[1, 2, 3]]), &without_racks(3), &drained(&[3])), too_few(0, 3, 2));
    }
}
