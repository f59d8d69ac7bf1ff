//! What lives on the cluster and is told by its brokers: who was told by a broker that is silent now may still be there.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::{Error, Failure, Place};

/// The brokers of each id.
pub(crate) type Seen = BTreeMap<String, BTreeSet<String>>;

/// The brokers of each id, as this session saw them last.
#[derive(Default)]
pub(crate) struct Known {
    last: Seen,
}

impl Known {
    /// Takes note of what was seen now. Gives a failure for each broker that is silent, and for each id that is not seen and
    /// was told by one of them: without it the id would be absent.
    pub(crate) fn failures(
        &mut self,
        metadata_type: &str,
        mut seen: Seen,
        silent: &BTreeMap<String, Error>,
    ) -> Vec<Failure> {
        let failure = |id: Option<String>, place, error: &Error| Failure {
            metadata_type: metadata_type.to_owned(),
            id,
            place,
            error: error.clone(),
        };
        let of_broker =
            |(broker, error): (&String, &Error)| failure(None, Place::Group(broker.clone()), error);
        let mut failures: Vec<Failure> = silent.iter().map(of_broker).collect();
        for (id, brokers) in std::mem::take(&mut self.last) {
            let error = brokers.iter().find_map(|broker| silent.get(broker));
            if let Some(error) = error.filter(|_| !seen.contains_key(&id)) {
                failures.push(failure(Some(id.clone()), Place::Cluster, error));
                seen.insert(id, brokers);
            }
        }
        self.last = seen;
        failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(ids: &[(&str, &[&str])]) -> Seen {
        let brokers = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        ids.iter().map(|(id, names)| (id.to_string(), brokers(names))).collect()
    }

    fn silent(brokers: &[&str]) -> BTreeMap<String, Error> {
        brokers.iter().map(|broker| (broker.to_string(), Error::unavailable("gone"))).collect()
    }

    fn named(failures: &[Failure]) -> Vec<(Option<&str>, Place)> {
        failures.iter().map(|failure| (failure.id.as_deref(), failure.place.clone())).collect()
    }

    #[test]
    fn a_broker_that_is_silent_makes_nothing_absent() {
        let mut known = Known::default();
        let all = seen(&[("on-a", &["a"]), ("on-b", &["b"]), ("on-both", &["a", "b"])]);
        assert_eq!(named(&known.failures("client", all, &silent(&[]))), []);
        let expected = [(None, Place::Group("b".to_owned())), (Some("on-b"), Place::Cluster)];
        for _ in 0..2 {
            let rest = seen(&[("on-a", &["a"]), ("on-both", &["a"])]);
            assert_eq!(
                named(&known.failures("client", rest, &silent(&["b"]))),
                expected,
                "and it is not forgotten"
            );
        }
        assert_eq!(named(&known.failures("client", Seen::new(), &silent(&[]))), [], "it left");
    }
}
