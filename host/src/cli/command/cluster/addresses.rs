//! `--map INSIDE=OUTSIDE`, `--unmap`, `--prefer`: what is dialled instead of what nodes advertise.

use clap::Args;

use crate::cli::failure::Failure;
use crate::domain::address::{AddressMap, AddressRule, Side};

#[derive(Args)]
pub(super) struct Addresses {
    /// Dial OUTSIDE where a node advertises INSIDE: HOST[:PORT]=HOST[:PORT], `*` in front of a name for any beginning
    #[arg(long, value_name = "INSIDE=OUTSIDE")]
    map: Vec<String>,
    /// Which side is dialled: outside follows the rules, inside keeps them and does not
    #[arg(long, value_name = "SIDE", value_parser = side)]
    prefer: Option<Side>,
}

fn side(text: &str) -> Result<Side, String> {
    match text {
        "inside" => Ok(Side::Inside),
        "outside" => Ok(Side::Outside),
        _ => Err("write inside or outside".to_owned()),
    }
}

impl Addresses {
    pub(super) fn first(&self) -> Result<AddressMap, Failure> {
        Ok(self.changed(&AddressMap::default(), &[])?.unwrap_or_default())
    }

    /// `None`: as it stands. A rule for an inside address that has one takes its place; others go to the end.
    pub(super) fn changed(
        &self,
        standing: &AddressMap,
        unmap: &[String],
    ) -> Result<Option<AddressMap>, Failure> {
        let mut map = standing.clone();
        for inside in unmap {
            let at = map.rules.iter().position(|rule| rule.inside.eq_ignore_ascii_case(inside));
            let Some(at) = at else {
                let known: Vec<&str> = map.rules.iter().map(|rule| rule.inside.as_str()).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Failure::Input(format!(
                    "--unmap {inside}: there is no such rule; there are: {known}"
                )));
            };
            map.rules.remove(at);
        }
        for text in &self.map {
            let rule = rule(text)?;
            match map.rules.iter_mut().find(|known| known.inside.eq_ignore_ascii_case(&rule.inside)) {
                Some(known) => *known = rule,
                None => map.rules.push(rule),
            }
        }
        map.prefer = self.prefer.unwrap_or(map.prefer);
        let is_named = !(self.map.is_empty() && unmap.is_empty() && self.prefer.is_none());
        Ok(is_named.then_some(map))
    }
}

fn rule(text: &str) -> Result<AddressRule, Failure> {
    let sides = text.split_once('=').map(|(inside, outside)| (inside.trim(), outside.trim()));
    match sides.filter(|(inside, outside)| !inside.is_empty() && !outside.is_empty()) {
        Some((inside, outside)) => Ok(AddressRule { inside: inside.to_owned(), outside: outside.to_owned() }),
        None => Err(Failure::Input(format!(
            "--map {text}: write INSIDE=OUTSIDE, such as broker-1:9092=gateway.example.com:19092"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(map: &[&str], unmap: &[&str], prefer: Option<Side>) -> Result<Option<String>, String> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let standing = Addresses { map: owned(&["a:1=x:1", "b:1=y:1"]), prefer: None };
        let addresses = Addresses { map: owned(map), prefer };
        let changed = addresses.changed(&standing.first().unwrap(), &owned(unmap));
        let shown = |map: AddressMap| {
            let rules: Vec<_> =
                map.rules.iter().map(|rule| format!("{}={}", rule.inside, rule.outside)).collect();
            format!("{:?} {}", map.prefer, rules.join(" "))
        };
        changed.map(|map| map.map(shown)).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_rule_takes_the_place_of_the_one_for_its_inside_address() {
        assert_eq!(changed(&[], &[], None), Ok(None));
        assert_eq!(changed(&["A:1=z:9", "c=w"], &["b:1"], None), Ok(Some("Outside A:1=z:9 c=w".to_owned())));
        assert_eq!(changed(&[], &[], Some(Side::Inside)), Ok(Some("Inside a:1=x:1 b:1=y:1".to_owned())));
        assert!(changed(&[], &["c:1"], None).unwrap_err().contains("there are: a:1, b:1"));
        assert!(changed(&["a:1"], &[], None).unwrap_err().contains("write INSIDE=OUTSIDE"));
    }
}
