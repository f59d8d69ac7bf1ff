//! Who belongs together: the nodes that a cluster tells of, or masters and replicas that name each other.

use headgate_sdk::Result;
use headgate_sdk::address::{self, Address};

use crate::info::Info;
use crate::members::Member;

/// The lines of `CLUSTER NODES`. A node that does not know its own address yet has the one that it was asked at.
///
/// Redis before 7.2 has no name for a master with its replicas that outlives a failover, so a group is called by the first of
/// its slots: that moves only where slots do.
pub(crate) fn of_cluster(text: &str, asked: &Address) -> Vec<Member> {
    let lines: Vec<Line<'_>> = text.lines().filter_map(|line| Line::read(line, asked)).collect();
    let group = |line: &Line<'_>| {
        let master = line.master.and_then(|id| lines.iter().find(|other| other.id == id)).unwrap_or(line);
        master.first_slot.map_or_else(
            || format!("no-slots-{}", master.id.get(..8).unwrap_or(master.id)),
            |first| format!("shard-{first}"),
        )
    };
    let member = |line: &Line<'_>| Member {
        id: line.id.to_owned(),
        address: line.address.clone(),
        is_master: line.flags.contains(&"master"),
        group: group(line),
        failed: line.flags.iter().find(|flag| flag.starts_with("fail")).map(|flag| (*flag).to_owned()),
        slots: line.slots,
    };
    let mut members: Vec<Member> = lines.iter().map(member).collect();
    members.sort_by(|one, other| one.id.cmp(&other.id));
    members
}

struct Line<'a> {
    id: &'a str,
    address: Address,
    flags: Vec<&'a str>,
    master: Option<&'a str>,
    slots: u32,
    first_slot: Option<u32>,
}

impl<'a> Line<'a> {
    /// `ID HOST:PORT@BUS[,HOSTNAME…] FLAGS MASTER PING PONG EPOCH LINK [SLOTS…]`. None of who only introduces itself, and
    /// of who has no address.
    fn read(line: &'a str, asked: &Address) -> Option<Self> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [id, place, flags, master, _, _, _, _, slots @ ..] = words.as_slice() else { return None };
        let flags: Vec<&str> = flags.split(',').collect();
        if flags.contains(&"handshake") || flags.contains(&"noaddr") {
            return None;
        }
        let mut address = address(place);
        if flags.contains(&"myself") {
            address = Some(address.unwrap_or_else(|| asked.clone()));
        }
        // `[93-<-…]` is a slot on its way.
        let ranges = slots.iter().filter(|slots| !slots.starts_with('[')).filter_map(|slots| range(slots));
        let ranges: Vec<(u32, u32)> = ranges.collect();
        Some(Self {
            id,
            address: address?,
            flags,
            master: Some(*master).filter(|master| *master != "-"),
            slots: ranges.iter().map(|(first, last)| last - first + 1).sum(),
            first_slot: ranges.iter().map(|(first, _)| *first).min(),
        })
    }
}

fn range(text: &str) -> Option<(u32, u32)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}

/// The address that it is known by, else its host name.
fn address(place: &str) -> Option<Address> {
    let (place, names) = place.split_once(',').unwrap_or((place, ""));
    let (host, port) = place.split('@').next()?.rsplit_once(':')?;
    let host = if host.is_empty() { names.split(',').next()? } else { host };
    let text = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    address::parse(&text, 0)
}

/// Servers without a cluster, by their addresses. Who does not answer is what it was told to be before. One that answers at
/// two addresses stands under the first.
pub(crate) fn of_servers(told: &[(Address, Result<Info>)], before: &[Member]) -> Vec<Member> {
    let first = |address: &Address| first_of(told, address);
    let member = |(address, told): &(Address, Result<Info>)| {
        let id = address::shown(address);
        let earlier = before.iter().find(|member| member.address == *address);
        let (is_master, group) = match (told, earlier) {
            (Ok(info), _) => {
                let master = info.master.as_ref().filter(|_| !info.is_master).map(first);
                (info.is_master, master.map_or_else(|| id.clone(), |master| address::shown(&master)))
            }
            (Err(_), Some(earlier)) => (earlier.is_master, earlier.group.clone()),
            (Err(_), None) => (true, id.clone()),
        };
        Member { id, address: address.clone(), is_master, group, failed: None, slots: 0 }
    };
    told.iter().filter(|(address, _)| first(address) == *address).map(member).collect()
}

/// The first address at which the server answers that answers at this one.
fn first_of(told: &[(Address, Result<Info>)], address: &Address) -> Address {
    let run = |(_, told): &(Address, Result<Info>)| told.as_ref().ok().map(|info| info.run_id.clone());
    let own = told.iter().find(|(other, _)| other == address).and_then(run);
    let same = told.iter().find(|one| own.is_some() && run(one) == own);
    same.map_or_else(|| address.clone(), |(first, _)| first.clone())
}

/// Whom these name beside themselves.
pub(crate) fn named(told: &[(Address, Result<Info>)]) -> Vec<Address> {
    let others = |info: &Info| info.replicas.iter().chain(&info.master).cloned().collect::<Vec<_>>();
    let all = told.iter().filter_map(|(_, told)| told.as_ref().ok()).flat_map(others);
    let mut named: Vec<Address> = Vec::new();
    for address in all {
        if !named.contains(&address) && !told.iter().any(|(known, _)| *known == address) {
            named.push(address);
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use headgate_sdk::Error;

    use super::*;

    fn at(host: &str, port: u16) -> Address {
        (host.to_owned(), port)
    }

    #[test]
    fn a_cluster_tells_of_masters_replicas_and_the_dead() {
        let text = "bb 10.0.0.2:7001@17001,redis-2 slave aa 0 1 1 connected\n\
            aa :7000@17000 myself,master - 0 0 1 connected 5461-10922 0-9 [93-<-cc]\n\
            cc fd00::3:7002@17002 master,fail - 1 2 3 disconnected 10-5460 11000\n\
            dd 10.0.0.4:7003@17003 master - 0 0 0 connected\n\
            ee :0@0 master,noaddr - 0 0 0 disconnected\nff 10.0.0.6:1@2 handshake - 0 0 0 connected\n";
        let members = of_cluster(text, &at("asked", 7000));
        let shown: Vec<_> = members
            .iter()
            .map(|one| {
                (one.id.as_str(), address::shown(&one.address), one.is_master, one.group.as_str(), one.slots)
            })
            .collect();
        let expected = [
            ("aa", "asked:7000".to_owned(), true, "shard-0", 5_472),
            ("bb", "10.0.0.2:7001".to_owned(), false, "shard-0", 0),
            ("cc", "[fd00::3]:7002".to_owned(), true, "shard-10", 5_452),
            ("dd", "10.0.0.4:7003".to_owned(), true, "no-slots-dd", 0),
        ];
        assert_eq!(shown, expected);
        assert_eq!(members[2].failed.as_deref(), Some("fail"));
    }

    fn info(run_id: &str, master: Option<Address>, replicas: &[Address]) -> Info {
        let (run_id, is_master) = (run_id.to_owned(), master.is_none());
        Info { run_id, is_master, master, replicas: replicas.to_vec(), ..Info::default() }
    }

    #[test]
    fn masters_and_replicas_name_each_other_and_one_server_stands_once() {
        let mut all = vec![(at("localhost", 1), Ok(info("m", None, &[at("127.0.0.1", 2)])))];
        assert_eq!(named(&all), [at("127.0.0.1", 2)]);
        all.push((at("127.0.0.1", 2), Ok(info("r", Some(at("127.0.0.1", 1)), &[]))));
        assert_eq!(named(&all), [at("127.0.0.1", 1)]);
        all.push((at("127.0.0.1", 1), Ok(info("m", None, &[at("127.0.0.1", 2)]))));
        assert_eq!(named(&all), []);
        all.push((at("gone", 1), Err(Error::unavailable("refused"))));
        let earlier = Member { is_master: false, ..of_servers(&all, &[]).pop().unwrap() };
        let members = of_servers(&all, &[Member { group: "localhost:1".to_owned(), ..earlier }]);
        let shown: Vec<_> =
            members.iter().map(|one| (one.id.as_str(), one.is_master, one.group.as_str())).collect();
        let expected = [
            ("localhost:1", true, "localhost:1"),
            ("127.0.0.1:2", false, "localhost:1"),
            ("gone:1", false, "localhost:1"),
        ];
        assert_eq!(shown, expected);
    }
}
