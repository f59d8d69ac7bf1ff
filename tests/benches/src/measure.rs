//! Wall clock, CPU and resident memory of a process, as Linux accounts them.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// What one piece of work took.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) wall_ms: f64,
    pub(crate) cpu_ms: f64,
}

/// A running measurement of a process.
pub(crate) struct Start {
    pid: u32,
    wall: Instant,
    cpu_ms: f64,
}

impl Start {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        Ok(Self { pid, wall: Instant::now(), cpu_ms: cpu_ms(pid)? })
    }

    pub(crate) fn stop(self) -> Result<Sample> {
        let wall_ms = self.wall.elapsed().as_secs_f64() * 1e3;
        Ok(Sample { wall_ms, cpu_ms: cpu_ms(self.pid)? - self.cpu_ms })
    }
}

/// User and system time of all threads, ended ones too. The kernel counts it in ticks of 10 ms: sum over several rounds.
fn cpu_ms(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The command's name, in parentheses, may hold spaces.
    let fields: Vec<&str> =
        stat.rsplit_once(')').context("stat without a name")?.1.split_whitespace().collect();
    let tick = |index: usize| -> Result<f64> { Ok(fields.get(index).context("short stat")?.parse()?) };
    Ok((tick(11)? + tick(12)?) * 10.0)
}

/// Megabytes resident now, and at most.
pub(crate) fn memory_mb(pid: u32) -> Result<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib = |name: &str| -> Result<f64> {
        let line = status.lines().find(|line| line.starts_with(name)).context("no such line")?;
        Ok(line.split_whitespace().nth(1).context("no number")?.parse()?)
    };
    Ok((kib("VmRSS")? / 1024.0, kib("VmHWM")? / 1024.0))
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "a handful of rounds")]
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
