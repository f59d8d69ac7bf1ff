//! What a plugin costs, measured in a scratch folder that goes with the command.

use std::fs;

use super::KitError;
use crate::clock::SharedClock;
use crate::plugins::measure::{Effort, measure};
pub use crate::plugins::measure::{MeasureError, Measured};

impl Measured {
    /// So many of a hundred took no longer.
    pub fn quantile(&self, percent: usize) -> std::time::Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(at).copied().unwrap_or_default()
    }
}

/// `name` stands in messages.
pub async fn bench(name: &str, bytes: &[u8], clock: SharedClock) -> Result<Vec<Measured>, KitError> {
    let scratch = std::env::temp_dir().join(format!("headgate-bench-{}", uuid::Uuid::now_v7().simple()));
    fs::create_dir(&scratch).map_err(KitError::io(&scratch))?;
    let measured = measure(name, bytes, &scratch, clock, Effort::default()).await;
    fs::remove_dir_all(&scratch).map_err(KitError::io(&scratch))?;
    measured.map_err(KitError::Measure)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_times() {
        let times = (1..=200).rev().map(Duration::from_micros).collect();
        let measured = Measured { what: String::new(), times };
        let micros = [50, 99, 100].map(|percent| measured.quantile(percent).as_micros());
        assert_eq!(micros, [100, 198, 200]);
        let none = Measured { what: String::new(), times: Vec::new() };
        assert_eq!(none.quantile(50), Duration::ZERO);
    }
}
