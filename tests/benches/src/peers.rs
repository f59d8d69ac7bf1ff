//! The peers, doing the same work on the same cluster: Kafka's Java Admin client and Go's franz-go `kadm`.

pub(crate) mod rocketmq;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Where the peers' programs lie.
const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline");

/// What a peer printed of its rounds.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) wall_ms: f64,
    pub(crate) cpu_ms: f64,
    pub(crate) memory_mb: f64,
}

/// The fastest of the settings that were tried of it: four clients, batches of 1,000, the serial collector.
pub(crate) fn java_lists(bootstrap: &str) -> Result<Peer> {
    let printed = java(
        &["read", bootstrap, "clients=4", "batch=1000", "warmup=15", "rounds=7"],
        "-Xmx512m -XX:+UseSerialGC",
    )?;
    let line = printed
        .lines()
        .find(|line| line.starts_with("summary all three"))
        .context("no summary of the Admin client")?;
    Ok(Peer {
        name: "Java Admin",
        wall_ms: number_after(line, "median ")?,
        cpu_ms: number_after(line, "cpu mean ")?,
        memory_mb: number_after(&printed, "VmHWM: ")? / 1024.0,
    })
}

/// `None` where Go is not installed.
pub(crate) fn go_lists(bootstrap: &str, folder: &Path) -> Result<Option<Peer>> {
    if Command::new("go").arg("version").output().is_err() {
        return Ok(None);
    }
    let program = folder.join("kadm");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(format!("{BASELINE}/kadm"))
        .output()?;
    if !built.status.success() {
        bail!("go build: {}", String::from_utf8_lossy(&built.stderr));
    }
    let printed = run(Command::new(&program).args([bootstrap, "7", "10", "2500", "2"]))?;
    Ok(Some(Peer {
        name: "Go kadm",
        wall_ms: number_after(&printed, "wall median ")?,
        cpu_ms: number_after(&printed, "cpu median ")?,
        memory_mb: number_after(&printed, "VmHWM: ")? / 1024.0,
    }))
}

/// Milliseconds until the last of so many topics was listed.
pub(crate) fn java_creates(bootstrap: &str, count: u32, batch: u32, prefix: &str) -> Result<f64> {
    let (count, batch, prefix) =
        (format!("count={count}"), format!("batch={batch}"), format!("prefix={prefix}"));
    let printed = java(&["create", bootstrap, &count, &batch, &prefix], "-Xmx512m")?;
    let line =
        printed.lines().find(|line| line.starts_with("listed")).context("the Admin client listed nothing")?;
    number_after(line, ": ")
}

pub(crate) fn java_deletes(bootstrap: &str, prefix: &str) -> Result<()> {
    java(&["delete", bootstrap, "batch=2500", &format!("prefix={prefix}")], "-Xmx512m").map(drop)
}

fn java(arguments: &[&str], options: &str) -> Result<String> {
    run(script("kafka", options).args(arguments))
}

/// A peer in a JVM with these options.
pub(crate) fn script(kind: &str, options: &str) -> Command {
    let mut command = Command::new(format!("{BASELINE}/run.sh"));
    command.arg(kind).env("BENCH_JVM_OPTS", options);
    command
}

pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

pub(crate) fn number_after(text: &str, words: &str) -> Result<f64> {
    let (_, rest) = text.split_once(words).with_context(|| format!("no `{words}` in: {text}"))?;
    let digits: String = rest.trim_start().chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    digits.parse().with_context(|| format!("no number after `{words}` in: {text}"))
}
