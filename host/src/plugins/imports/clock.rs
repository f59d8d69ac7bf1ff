//! `clock`: the host's clock, and time since the session began.

use crate::plugins::bindings::headgate::host::clock::Host;
use crate::plugins::guest::Guest;

impl Host for Guest {
    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        self.enter("clock")?;
        let system = || u64::try_from(self.clock.now_ms()).unwrap_or(0);
        Ok(self.track.now_ms().unwrap_or_else(system))
    }

    fn monotonic_ns(&mut self) -> wasmtime::Result<u64> {
        self.enter("clock")?;
        let passed = self.track.passed().unwrap_or_else(|| self.born.elapsed());
        Ok(u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX))
    }
}
