//! The name servers' part of a deleted topic: its route goes with its last copy, in all of them.
//!
//! While another group has the topic, its route stays as it is, and goes on naming the group that deleted it: a name
//! server takes back a whole route only, and the other group's part would be missing until that broker calls again, up to
//! thirty seconds. Where a group cannot be asked, the route stays too, because the topic may be there.

use headgate_sdk::log;

use super::{NamesAmong, TOPIC, dumps};
use crate::cluster::Servers;
use crate::wire::{Request, codes};

/// Takes back the routes of those of these topics that no group has any more. What fails is logged, not reported: the
/// copies are gone, and a route without a topic only makes a client's error come later.
pub(super) fn clear(servers: &mut Servers, deleted: &[&str]) {
    let mut addresses = Vec::new();
    for (group, master) in servers.members.masters() {
        match master {
            Ok(address) => addresses.push(address),
            Err(error) => return kept(&format!("{group} may have them: {}", error.message)),
        }
    }
    let mut held = Vec::new();
    let wanted = NamesAmong(deleted.iter().copied().collect());
    for dump in dumps(servers, &TOPIC, &addresses, &wanted) {
        match dump {
            Ok(dump) => held.push(dump),
            Err(error) => return kept(&error.message),
        }
    }
    let nowhere = |topic: &&&str| !held.iter().any(|dump| dump.objects.contains_key(**topic));
    let cluster = servers.members.cluster.clone().unwrap_or_default();
    let mut questions = Vec::new();
    for topic in deleted.iter().filter(nowhere) {
        let request = Request::new(codes::DELETE_TOPIC_IN_NAME_SERVER)
            .field("topic", topic)
            .field("clusterName", &cluster);
        let told = |address| (address, request.clone());
        questions.extend(servers.name_servers().into_iter().map(told));
    }
    for answer in servers.write_each(&questions) {
        if let Err(error) = answer.map_err(Into::into).and_then(|answer| answer.checked("take back a route"))
        {
            log::warn("a route was not taken back", &[("because", &error.message)]);
        }
    }
}

fn kept(because: &str) {
    log::warn("the routes of deleted topics stay", &[("because", because)]);
}
