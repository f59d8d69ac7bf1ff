//! `headgate plugin bench`: what a plugin costs on this machine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::check;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::kit::bench::{Measured, bench};

/// Measure what loading and calling a plugin costs; no cluster is needed
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate plugin bench dist/wine-cellar.wasm
  headgate plugin bench dist/wine-cellar.wasm -o json

Calls that decide run on a fresh instance each, so each line of them holds one `instantiate`. A plugin is compiled once for a
content and then taken from the cache. An unoptimised host compiles ten to twenty times as slowly.")]
pub(in crate::cli) struct Bench {
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

impl Bench {
    pub(super) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let bytes = check::read(&self.file)?;
        let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        session
            .terminal
            .note("measuring: this takes some seconds, and minutes where an interpreter is compiled")?;
        let clock = Arc::clone(&session.clock);
        let found = check::runtime()?.block_on(bench(&name, &bytes, clock)).map_err(Failure::from)?;
        if self.output.printed(&json!(found.iter().map(figures).collect::<Vec<_>>()), session.terminal)? {
            return Ok(Exit::Done);
        }
        let mut table = Table::new(&["what", "times", "median", "p99", "worst"]);
        for one in &found {
            let (what, count) = (one.what.as_str(), one.times.len());
            table.row(vec![
                what.into(),
                count.into(),
                shown(one.quantile(50)).into(),
                shown(one.quantile(99)).into(),
                shown(one.quantile(100)).into(),
            ]);
        }
        table.print("", session.terminal)?;
        Ok(Exit::Done)
    }
}

fn figures(one: &Measured) -> serde_json::Value {
    let micros = |percent| u64::try_from(one.quantile(percent).as_micros()).unwrap_or(u64::MAX);
    json!({
        "what": one.what, "times": one.times.len(), "median_us": micros(50), "p99_us": micros(99), "worst_us": micros(100),
    })
}

fn shown(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..100_000 => format!("{:.1} ms", time.as_secs_f64() * 1_000.0),
        100_000..1_000_000 => format!("{} ms", time.as_millis()),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_own_size() {
        let told = [7, 1_500, 250_000, 12_340_000].map(|micros| shown(Duration::from_micros(micros)));
        assert_eq!(told, ["7 µs", "1.5 ms", "250 ms", "12.3 s"]);
    }
}
