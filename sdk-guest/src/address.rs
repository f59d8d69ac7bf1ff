//! Addresses as people write them in a connection form.

use crate::NamedNode;

/// (host, port)
pub type Address = (String, u16);

/// `host`, `host:PORT`, `[::1]:PORT`; `port` where none is named.
pub fn parse(text: &str, port: u16) -> Option<Address> {
    let (host, named) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, port.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port: u16 = named.map_or(Some(port), |named| named.parse().ok())?;
    let good = !host.is_empty() && !host.contains(['/', ' ', '@']) && port > 0;
    good.then(|| (host.to_owned(), port))
}

/// Each once, in order, with one of the separators between. What is no address is the error.
pub fn list<'a>(text: &'a str, separators: &[char], port: u16) -> Result<Vec<Address>, &'a str> {
    let mut addresses = Vec::new();
    for part in text.split(separators).map(str::trim).filter(|part| !part.is_empty()) {
        let address = parse(part, port).ok_or(part)?;
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// Those that a person named beside the form, behind those of the form, each once. The host has checked that they are addresses.
pub fn extend<'a>(addresses: &mut Vec<Address>, nodes: impl IntoIterator<Item = &'a NamedNode>, port: u16) {
    for address in nodes.into_iter().filter_map(|node| parse(&node.address, port)) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
}

/// `host:PORT`, `[::1]:PORT`
pub fn shown((host, port): &Address) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The JSON Schema `pattern` of a list with commas; the plugin's own words are better, but come later than the form's.
pub const PATTERN: &str = r"^\s*(\[[0-9A-Fa-f:.]+\]|[^\s,:/@\[\]]+)(:[0-9]{1,5})?\s*(,\s*(\[[0-9A-Fa-f:.]+\]|[^\s,:/@\[\]]+)(:[0-9]{1,5})?\s*)*,?\s*$";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_each_address_once_and_names_what_is_none() {
        let address = |host: &str, port| (host.to_owned(), port);
        let found = list("a; b.c:12,[::1]:1;a:9,", &[',', ';'], 9);
        assert_eq!(found, Ok(vec![address("a", 9), address("b.c", 12), address("::1", 1)]));
        assert_eq!(found.unwrap().iter().map(shown).collect::<Vec<_>>(), ["a:9", "b.c:12", "[::1]:1"]);
        for bad in ["a:b", "a:0", ":9", "http://a:9", "a:70000", "[::1:1"] {
            assert_eq!(list(&format!("good,{bad}"), &[','], 9), Err(bad));
        }
        assert_eq!(list(" , ", &[','], 9), Ok(Vec::new()));
    }

    #[test]
    fn named_nodes_come_behind_and_stand_once() {
        let node = |address: &str| NamedNode {
            id: address.to_owned(),
            roles: Vec::new(),
            address: address.to_owned(),
        };
        let mut addresses = vec![("a".to_owned(), 9)];
        extend(&mut addresses, &[node("b:1"), node("a:9"), node("b:1")], 9);
        assert_eq!(addresses.iter().map(shown).collect::<Vec<_>>(), ["a:9", "b:1"]);
    }
}
