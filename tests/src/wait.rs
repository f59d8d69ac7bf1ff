//! Level-triggered waiting: look until it is so, or fail with what was seen last.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Between two looks. Each may start a process, so this is no busy loop.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks until `look` gives something. At the deadline it fails with `dump`, which says how things stand.
///
/// # Errors
/// The deadline passed, or `look` itself failed: an error is no reason to look again.
pub fn until<T>(
    what: &str,
    deadline: Duration,
    dump: impl Fn() -> String,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if started.elapsed() > deadline {
            bail!("not within {deadline:?}: {what}\n{}", dump());
        }
        std::thread::sleep(PAUSE);
    }
}
