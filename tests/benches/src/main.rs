//! `make bench`: what Headgate takes against its peers, the native path and bare wasmtime, each pair measured in one run.
//!
//! ```text
//! bench [kafka] [rocketmq] [fleet] [plugins]
//!                                       these parts, or all, with their own clusters; prints a table each
//! bench list KIND native|component|unchanged ADDRESS ROUNDS [brief | FIELD…]
//! bench sessions rust|js FOLDER COUNT
//!                                       one measured listing, or so many sessions of a plugin whose compiled code is
//!                                       kept in FOLDER, as JSON: the bench's own child processes
//! ```
//!
//! `HEADGATE_BENCH_SHARE=20` makes the sizes of all but Kafka's part a twentieth: to try the benches, never for figures.

mod exposition;
mod fleet;
mod groups;
mod host;
mod kafka;
mod listing;
mod measure;
mod peers;
mod plugin;
mod plugins;
mod rocketmq;
mod silent;
mod table;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::listing::{Kind, Work};
use crate::table::Table;

/// Rounds of a listing that are not counted.
const WARMUP: usize = 10;

const PARTS: [&str; 4] = ["kafka", "rocketmq", "fleet", "plugins"];

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => PARTS.into_iter().try_for_each(part),
        ["list", kind, how, address, rounds, fields @ ..] => list(kind, how, address, rounds, fields),
        ["sessions", guest, folder, count] => plugins::sessions::print(guest, Path::new(folder), count),
        parts => parts.iter().copied().try_for_each(part),
    }
}

fn part(name: &str) -> Result<()> {
    let mut table = Table::new();
    match name {
        "kafka" => kafka::rows(&mut table),
        "rocketmq" => rocketmq::rows(&mut table).and_then(|()| groups::rows(&mut table)),
        "fleet" => fleet::rows(&mut table),
        "plugins" => plugins::rows(&mut table),
        other => bail!("{other} is nothing to measure: {} are", PARTS.join(", ")),
    }
}

fn list(kind: &str, how: &str, address: &str, rounds: &str, fields: &[&str]) -> Result<()> {
    let work = Work {
        kind: Kind::named(kind)?,
        address: address.to_owned(),
        warmup: WARMUP,
        rounds: rounds.parse().context("ROUNDS is no number")?,
        brief: fields == ["brief"],
        fields: fields.iter().filter(|field| **field != "brief").map(|field| (*field).to_owned()).collect(),
    };
    let listing = match how {
        "native" => listing::native(&work)?,
        "component" => listing::component(&work)?,
        "unchanged" => listing::unchanged(&work)?,
        other => bail!("{other} is neither native, component nor unchanged"),
    };
    serde_json::to_writer(std::io::stdout().lock(), &listing)?;
    Ok(())
}

/// A size, or the share of it that `HEADGATE_BENCH_SHARE` asks for.
pub(crate) fn share(size: u32) -> Result<u32> {
    match std::env::var("HEADGATE_BENCH_SHARE") {
        Ok(text) => {
            Ok((size / text.parse::<u32>().context("HEADGATE_BENCH_SHARE is no number")?.max(1)).max(2))
        }
        Err(_) => Ok(size),
    }
}

/// What is measured now, beside the table.
pub(crate) fn say(line: &str) -> Result<()> {
    use std::io::Write;
    Ok(writeln!(std::io::stderr().lock(), "{line}")?)
}
