//! `call`: what a guest may ask of the call that runs it.

use std::time::Instant;

use crate::plugins::bindings::headgate::host::call::Host;
use crate::plugins::guest::Guest;

impl Host for Guest {
    fn cancelled(&mut self) -> wasmtime::Result<bool> {
        self.enter("call")?;
        Ok(self.call.wait.cancelled())
    }

    fn remaining_ms(&mut self) -> wasmtime::Result<u64> {
        self.enter("call")?;
        // On a tape it may not depend on how fast the backend was: requests hold it.
        let left = match self.track.is_on() {
            true => self.call.wall,
            false => self.call.wait.deadline.saturating_duration_since(Instant::now()),
        };
        Ok(u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
    }

    fn progress(&mut self, done: u64, total: Option<u64>, note: Option<String>) -> wasmtime::Result<()> {
        self.enter("call")?;
        let (plugin, cluster, call) = (&*self.plugin, self.cluster.as_str(), self.call.name);
        tracing::debug!(plugin, cluster, call, done, total, note, "progress");
        Ok(())
    }
}
