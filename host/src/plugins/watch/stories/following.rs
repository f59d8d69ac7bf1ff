//! A host that stands by follows what the active one keeps.

use std::sync::Arc;
use std::time::Duration;

use super::{Memory, Pace, World, toy};
use crate::domain::plugin::{PluginRecord, PluginState, Stopped};
use crate::plugins::registry::{Options, Registry};
use crate::plugins::stories::options;

async fn world_that_follows() -> World {
    let (directory, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let memory = Arc::new(Memory::default());
    let fast = Duration::from_millis(50);
    let pace = Pace { settle: fast, gone: fast, rescan: fast, meet: fast };
    let ledger = Arc::<Memory>::clone(&memory);
    let options = Options { pace, ledger, follows: true, ..options(directory.path(), data.path()) };
    let registry = Arc::new(Registry::start(options).await.unwrap());
    World { registry, memory, directory, data }
}

#[tokio::test]
async fn its_generation_its_stops_and_its_way_back_are_the_active_host_s() {
    let world = world_that_follows().await;
    for version in ["1.0.0", "1.1.0"] {
        world.put("toy.wasm", &toy(version));
        world.until_version(version).await;
    }
    let change = |change: &dyn Fn(&mut PluginRecord)| {
        change(world.memory.records.lock().unwrap().get_mut("toy").unwrap());
    };
    assert_eq!(world.status("toy").unwrap().generation, 2, "counted by itself");
    change(&|record| record.generation = 7);
    world.until("the same generation", |world| world.status("toy").unwrap().generation == 7).await;

    change(&|record| drop(record.take_back("it failed 2 of its first 2 calls", "headgate", 5)));
    world.until_version("1.0.0").await;
    world.until("the same generation again", |world| world.status("toy").unwrap().generation == 8).await;
    assert_eq!(world.status("toy").unwrap().taken_back[0].version, "1.1.0");

    let stopped = Stopped { by: "token:ann".to_owned(), at_ms: 6 };
    change(&|record| record.disabled = Some(stopped.clone()));
    world.until("it is stopped", |world| world.status("toy").unwrap().state == PluginState::Disabled).await;
    change(&|record| record.disabled = None);
    world.until("it serves again", |world| world.status("toy").unwrap().state == PluginState::Active).await;
}
