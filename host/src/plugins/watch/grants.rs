//! The operator's grants: in their file, which is read again when it changes, and as they were decided.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use super::granting::told;
use super::life::Stamp;
use super::{GRANTS_FILE, Watch};
use crate::domain::grant::{Given, GrantDecision, Standing};
use crate::domain::record::By;
use crate::plugins::refusal::{Refusal, Stage};

#[derive(Default)]
pub(super) struct Grants {
    /// By kind, as the file says.
    file: BTreeMap<String, Given>,
    /// By kind, as operators decided. `None`: they were never read.
    pub(super) decided: Option<BTreeMap<String, GrantDecision>>,
    pub(super) decided_at: Option<Instant>,
    /// Why the file, as it lies there, was not read: the grants before it hold.
    pub(super) refusal: Option<Refusal>,
    seen: Option<Stamp>,
    since_ms: u64,
    read: bool,
}

impl Grants {
    /// The file wins: what stands on a machine is what its operator reads there.
    pub(super) fn standing(&self, kind: &str) -> Standing<'_> {
        match (self.file.get(kind), &self.decided) {
            (Some(given), _) => Standing::File(given),
            (None, None) => Standing::Unknown,
            (None, Some(decided)) => decided.get(kind).map_or(Standing::Undecided, Standing::Decided),
        }
    }

    /// Whether it is time to read the file.
    pub(super) fn look(&mut self, stamp: Option<Stamp>, now_ms: u64, settle_ms: u64) -> bool {
        if self.seen != stamp {
            (self.seen, self.since_ms, self.read) = (stamp, now_ms, false);
        }
        let settled = now_ms.saturating_sub(self.since_ms) >= settle_ms;
        let due = !self.read && settled;
        self.read |= due;
        due
    }

    pub(super) fn is_restless(&self) -> bool {
        !self.read && self.seen.is_some()
    }

    /// At the start nothing is waited for.
    pub(super) fn at_start(&mut self, stamp: Option<Stamp>) {
        (self.seen, self.read) = (stamp, true);
    }
}

impl Watch {
    /// Sessions from now on have the new grants; those that are open end what they began with the old ones.
    pub(super) async fn read_grants(&mut self) {
        let Some(directory) = self.directory.clone() else { return };
        let path = directory.join(GRANTS_FILE);
        let read = tokio::task::spawn_blocking(move || read(&path)).await;
        let given = match read.unwrap_or_else(|stopped| Err(refused(stopped.to_string()))) {
            Ok(given) => given,
            Err(refusal) => {
                tracing::error!("{refusal}");
                self.grants.refusal = Some(refusal);
                return self.publish();
            }
        };
        self.grants.refusal = None;
        self.grants.file = given;
        for (kind, before, after) in self.give_anew() {
            let told = told(&kind, &before, &after, &By::host());
            if let Err(error) = self.ledger.tell(&told).await {
                tracing::error!(error, kind, "the change of grants could not be kept");
            }
        }
        self.retry_ungranted(None);
        self.publish();
    }
}

fn refused(found: String) -> Refusal {
    let expected = "a map of kinds, each with `network: [{host, ports}]` and `advertised`";
    let advice = "correct it; until then the grants hold that were read last, and none where there were none";
    Refusal::new(GRANTS_FILE, Stage::Read, expected, found, advice)
}

fn read(file: &Path) -> Result<BTreeMap<String, Given>, Refusal> {
    match fs::read_to_string(file) {
        Ok(text) => serde_saphyr::from_str(&text).map_err(|error| refused(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(refused(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_once_it_has_kept_still_and_again_when_it_changes() {
        let stamp = |bytes| Some(Stamp::File { bytes, modified_ns: 0, inode: 0 });
        let mut grants = Grants::default();
        grants.at_start(stamp(1));
        assert!(!grants.look(stamp(1), 10_000, 500));
        assert!(!grants.look(stamp(2), 10_100, 500) && grants.is_restless());
        assert!(!grants.look(stamp(2), 10_599, 500));
        assert!(grants.look(stamp(2), 10_600, 500));
        assert!(!grants.look(stamp(2), 10_700, 500) && !grants.is_restless());
        assert!(!grants.look(None, 11_000, 500));
        assert!(grants.look(None, 11_500, 500), "a file that is gone grants nothing");
    }
}
