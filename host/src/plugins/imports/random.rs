//! `random`: bytes of the system's generator.

use ring::rand::{SecureRandom, SystemRandom};

use super::HostRefusal;
use crate::plugins::bindings::headgate::host::random::Host;
use crate::plugins::guest::Guest;
use crate::plugins::limits::RANDOM_BYTES_MAX;

impl Host for Guest {
    fn bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        self.enter("random")?;
        if count > RANDOM_BYTES_MAX {
            let text = format!("it asked for {count} random bytes at once; {RANDOM_BYTES_MAX} is the most");
            return Err(HostRefusal(text).into());
        }
        if let Some(counted) = self.track.random(count as usize) {
            return Ok(counted);
        }
        let mut bytes = vec![0; count as usize];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_unspecified| HostRefusal("the system gave no random bytes".to_owned()))?;
        Ok(bytes)
    }
}
