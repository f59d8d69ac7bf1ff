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
    cpu_told(&fs::read_to_string(format!("/proc/{pid}/stat"))?)
}

/// Of the threads that are called so, as long as they live.
pub(crate) fn threads_cpu_ms(pid: u32, name: &str) -> Result<f64> {
    let mut all = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?.path();
        // A thread may end between the list and the look.
        let Ok(found) = fs::read_to_string(task.join("comm")) else { continue };
        if found.trim_end() == name
            && let Ok(stat) = fs::read_to_string(task.join("stat"))
        {
            all += cpu_told(&stat)?;
        }
    }
    Ok(all)
}

fn cpu_told(stat: &str) -> Result<f64> {
    // The command's name, in parentheses, may hold spaces.
    let fields: Vec<&str> =
        stat.rsplit_once(')').context("stat without a name")?.1.split_whitespace().collect();
    let tick = |index: usize| -> Result<f64> { Ok(fields.get(index).context("short stat")?.parse()?) };
    Ok((tick(11)? + tick(12)?) * 10.0)
}

/// Threads that it has now.
pub(crate) fn threads(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/task"))?.count())
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

pub(crate) fn median(values: Vec<f64>) -> f64 {
    percentile(values, 50)
}

/// So many of a hundred are smaller.
pub(crate) fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() * percent / 100).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "a handful of rounds")]
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
