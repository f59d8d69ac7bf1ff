//! What a session holds: of a thousand clusters of one kind, the host keeps open those that were asked last.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use headgate::plugins::driver::CallError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::guests;
use super::world::World;
use crate::measure::memory_mb;
use crate::plugin::cluster;
use crate::table::{Row, Table};
use crate::{say, share};

const SESSIONS: u32 = 1_000;

/// A plugin and the cluster that its sessions are asked about. Neither holds anything of a backend: what is measured is
/// the instance, and what the host keeps beside it.
struct Guest {
    kind: &'static str,
    component: Vec<u8>,
    connection: Value,
}

impl Guest {
    fn named(name: &str) -> Result<Self> {
        match name {
            "rust" => Ok(Self { kind: "hostile", component: guests::hostile()?, connection: json!({}) }),
            // It may reach nothing, and says so: as a session with a registry that is down.
            "js" => Ok(Self {
                kind: "nacos",
                component: guests::nacos()?,
                connection: json!({"addresses": "127.0.0.1:1"}),
            }),
            other => bail!("{other} is neither rust nor js"),
        }
    }
}

/// What a child process prints for its parent.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    /// Open in the end.
    kept: u64,
    /// Resident with one session, with as many as are kept, and after all of them.
    one_mb: f64,
    kept_mb: f64,
    all_mb: f64,
}

pub(crate) fn rows(table: &mut Table) -> Result<()> {
    let sessions = share(SESSIONS)?;
    for (name, title) in [("rust", "Rust"), ("js", "JavaScript")] {
        say(&format!("{sessions} sessions of a plugin in {title}"))?;
        let folder = tempfile::tempdir()?;
        // What the compiler takes is not a session's: the first child leaves the compiled code.
        child(name, folder.path(), 1)?;
        let told = child(name, folder.path(), sessions)?;
        #[expect(clippy::cast_precision_loss, reason = "hundreds of sessions")]
        let kept = told.kept as f64;
        let what = format!("{sessions} clusters of a plugin in {title}: sessions kept");
        table.add(&Row::figure(&what, "sessions", kept, None))?;
        let each = (told.kept_mb - told.one_mb) * 1024.0 / (kept - 1.0);
        table.add(&Row::figure("  resident, each of them", "KiB", each, None))?;
        let others = f64::from(sessions) - kept;
        if others > 0.0 {
            let each = (told.all_mb - told.kept_mb) * 1024.0 / others;
            table.add(&Row::figure("  resident, each that was closed for another", "KiB", each, None))?;
        }
        table.add(&Row::figure("  resident, the whole process", "MB", told.all_mb, None))?;
    }
    Ok(())
}

fn child(name: &str, folder: &Path, sessions: u32) -> Result<Told> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args(["sessions", name]).arg(folder).arg(sessions.to_string()).output()?;
    if !output.status.success() {
        bail!("sessions {name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("the child process printed something else")
}

/// Opens so many, compiled code kept in that folder.
pub(crate) fn print(name: &str, folder: &Path, count: &str) -> Result<()> {
    // As `headgate serve` does.
    headgate::memory::share_heaps();
    let count = count.parse().context("COUNT is no number")?;
    let guest = Guest::named(name)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let told = runtime.block_on(opened(&guest, folder, count))?;
    serde_json::to_writer(std::io::stdout().lock(), &told)?;
    Ok(())
}

async fn opened(guest: &Guest, folder: &Path, count: u32) -> Result<Told> {
    let world = World::of(&[(guest.kind, &guest.component)], folder).await?;
    let (pid, kept) = (std::process::id(), || anyhow::Ok(world.status(guest.kind)?.traffic.sessions));
    let resident_mb = || {
        headgate::memory::give_back();
        anyhow::Ok(memory_mb(pid)?.0)
    };
    open(&world, guest, 0).await?;
    let one_mb = resident_mb()?;
    let (mut number, mut is_full) = (1, false);
    while number < count && !is_full {
        open(&world, guest, number).await?;
        number += 1;
        // One was closed for it, or will be in a moment.
        is_full = kept()? < u64::from(number);
    }
    let kept_mb = resident_mb()?;
    for number in number..count {
        open(&world, guest, number).await?;
    }
    Ok(Told { kept: kept()?, one_mb, kept_mb, all_mb: resident_mb()? })
}

async fn open(world: &World, guest: &Guest, number: u32) -> Result<()> {
    let cluster = cluster(guest.kind, &format!("cluster-{number}"), guest.connection.clone());
    let before = world.status(guest.kind)?.traffic.calls;
    match world.driver(&cluster).await?.discover().await {
        Ok(_) | Err(CallError::Backend(_)) => {}
        Err(failed) => return Err(failed.into()),
    }
    ensure!(world.status(guest.kind)?.traffic.calls > before, "{} was not asked", guest.kind);
    Ok(())
}
