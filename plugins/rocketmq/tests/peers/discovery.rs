//! Who is there, and what brokers are asked to find that out.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use headgate_sdk::StorageDriver;
use headgate_sdk::json::json;

use super::{Fake, cluster, open, query};

#[test]
fn one_of_two_name_servers_is_enough() {
    let fake = Fake::start(cluster);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut plugin = open(&format!("{nobody};{}", fake.address));
    let cluster = plugin.discover().unwrap();
    assert_eq!(cluster.identity.as_deref(), Some("c"));
    let health = |id: &str| cluster.nodes.iter().find(|node| node.id == id).unwrap().health;
    assert_eq!(health(&nobody), headgate_sdk::Health::Down);
    assert_eq!(health(&fake.address), headgate_sdk::Health::Up);
    assert_eq!(plugin.list_resources(&query(0, None)).unwrap().resources.len(), 2);
}

#[test]
fn a_broker_tells_its_state_seldom_and_again_once_it_is_back() {
    let gone = Arc::new(Mutex::new(false));
    let hangs_up = Arc::clone(&gone);
    let fake = Fake::start(move |asked, own| match asked.code {
        28 => Some((0, json!({"table": {"brokerVersionDesc": "V5_3_1"}}).to_string())),
        26 if std::mem::take(&mut *hangs_up.lock().unwrap()) => None,
        _ => cluster(asked, own),
    });
    let mut plugin = open(&fake.address);
    let mut version = || {
        let found = plugin.discover().unwrap();
        assert!(found.nodes.iter().all(|node| node.health == headgate_sdk::Health::Up), "{:?}", found.nodes);
        found.version
    };
    for _ in 0..3 {
        assert_eq!(version().as_deref(), Some("5.3.1"));
    }
    assert_eq!((fake.asked(28).len(), fake.asked(26).len()), (1, 2));
    *gone.lock().unwrap() = true;
    assert_eq!(version().as_deref(), Some("5.3.1"));
    assert_eq!(fake.asked(28).len(), 2, "who was started anew may be another version");
}
