//! What `/metrics` of a host says: sums of its series, and quantiles of its histograms.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use headgate_tests::Host;

/// All series at one time.
pub(crate) struct Exposition(String);

impl Exposition {
    pub(crate) fn of(host: &Host) -> Result<Self> {
        let answer = host.api("GET", "/metrics", None)?;
        let text = answer.status_is(200)?.as_str().context("/metrics is no text")?;
        Ok(Self(text.to_owned()))
    }

    /// Of all series with the name and these labels, written as `name="value"`.
    pub(crate) fn sum(&self, name: &str, labels: &[&str]) -> Result<f64> {
        self.series(name, labels).map(|(_, value)| parse(value)).sum()
    }

    fn series<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [&'a str],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let lines = self.0.lines().filter_map(|line| line.rsplit_once(' '));
        lines.filter(move |(series, _)| {
            series.split('{').next() == Some(name) && labels.iter().all(|label| series.contains(label))
        })
    }

    /// Cumulative counts by upper bound, all series with these labels together.
    fn buckets(&self, histogram: &str, labels: &[&str]) -> Result<Vec<(f64, f64)>> {
        let name = format!("{histogram}_bucket");
        let mut buckets: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
        for (series, count) in self.series(&name, labels) {
            let (_, rest) = series.split_once("le=\"").context("a bucket without a bound")?;
            let bound = rest.split('"').next().context("a bound without an end")?;
            let bound = if bound == "+Inf" { f64::INFINITY } else { parse(bound)? };
            // Positive numbers are in the order of their bits.
            buckets.entry(bound.to_bits()).or_insert((bound, 0.0)).1 += parse(count)?;
        }
        Ok(buckets.into_values().collect())
    }

    /// What so much of the observations since `before` stayed below: straight between the bounds of its bucket.
    pub(crate) fn quantile(&self, before: &Self, histogram: &str, labels: &[&str], part: f64) -> Result<f64> {
        let earlier: BTreeMap<u64, f64> = before
            .buckets(histogram, labels)?
            .into_iter()
            .map(|(bound, count)| (bound.to_bits(), count))
            .collect();
        let counts = self.buckets(histogram, labels)?;
        let counts = counts
            .into_iter()
            .map(|(bound, count)| (bound, count - earlier.get(&bound.to_bits()).copied().unwrap_or(0.0)));
        let counts: Vec<(f64, f64)> = counts.collect();
        let all = counts.last().map_or(0.0, |(_, count)| *count);
        if all == 0.0 {
            return Ok(f64::NAN);
        }
        let mut below = (0.0, 0.0);
        for (bound, count) in counts {
            if count >= all * part {
                let (low, passed) = below;
                let share = if count > passed { (all * part - passed) / (count - passed) } else { 1.0 };
                return Ok(if bound.is_finite() { low + (bound - low) * share } else { f64::INFINITY });
            }
            below = (bound, count);
        }
        Ok(f64::INFINITY)
    }
}

fn parse(text: &str) -> Result<f64> {
    text.parse().with_context(|| format!("`{text}` is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_between_the_bounds_of_its_bucket() {
        let text = |one: u32, two: u32, all: u32| {
            Exposition(format!(
                "lag_bucket{{le=\"1.0\",a=\"b\"}} {one}\nlag_bucket{{le=\"2.0\",a=\"b\"}} {two}\nlag_bucket{{le=\"+Inf\",a=\"b\"}} {all}\nlag_count{{a=\"b\"}} {all}\n"
            ))
        };
        let (before, after) = (text(5, 5, 5), text(5, 15, 15));
        assert_eq!(after.quantile(&before, "lag", &["a=\"b\""], 0.5).unwrap(), 1.5);
        assert_eq!(text(5, 15, 115).quantile(&before, "lag", &[], 0.99).unwrap(), f64::INFINITY);
        assert!(before.quantile(&before, "lag", &[], 0.5).unwrap().is_nan());
        assert_eq!(after.sum("lag_count", &["a=\"b\""]).unwrap(), 15.0);
        assert_eq!(after.sum("lag_count", &["a=\"c\""]).unwrap(), 0.0);
    }
}
