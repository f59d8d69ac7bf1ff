//! How fast the running plugins look, wait and speak. Handed in, so that tests need not wait.

use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Pace {
    /// A file has to keep still for so long: most copies pause for less.
    pub settle: Duration,
    /// A file that is not there for so long is gone: tools that replace one delete it first.
    pub gone: Duration,
    /// Between two looks at a directory of which nothing is heard.
    pub rescan: Duration,
    /// Between two exchanges with other hosts on the same database.
    pub meet: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            settle: Duration::from_millis(500),
            gone: Duration::from_secs(2),
            rescan: Duration::from_secs(2),
            meet: Duration::from_secs(20),
        }
    }
}
