//! How often clusters are looked at, and how long what happened is kept.

use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Settings {
    /// Between two cycles of a cluster that answers, give or take a tenth.
    pub interval: Duration,
    /// Between two cycles that ask for all of every resource; those between ask for what a listing gives for nothing.
    pub full_every: Duration,
    /// Clusters that were added by another way than the API are found within this.
    pub refresh: Duration,
    /// Between two questions about what runs for long in the backend.
    pub poll: Duration,
    /// A batch in flight has so long to end when the host stops.
    pub grace: Duration,
    pub housekeeping_every: Duration,
    /// Changes of status are kept so long.
    pub transitions_kept: Duration,
    pub events_kept: Duration,
    pub records_kept: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A year and a month: whoever looks back over a year finds its first day too.
const RECORDS_KEPT: Duration = DAY.saturating_mul(400);

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(30),
            full_every: Duration::from_secs(300),
            refresh: Duration::from_secs(5),
            poll: Duration::from_secs(2),
            grace: Duration::from_secs(5),
            housekeeping_every: Duration::from_secs(60 * 60),
            transitions_kept: DAY.saturating_mul(30),
            events_kept: DAY.saturating_mul(30),
            records_kept: RECORDS_KEPT,
        }
    }
}
