//! Rules of access as Redis tells them: `user alice on #HASH ~app:* &news -@all +get (~x +set)`.

use headgate_sdk::json::{Map, Value, json};

/// A user as a server tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) enabled: bool,
    /// Any password lets it in.
    pub(crate) nopass: bool,
    pub(crate) passwords: usize,
    /// What it restores is looked at first.
    pub(crate) checks_payloads: bool,
    pub(crate) rules: Rules,
    /// More rules, of which one is enough.
    pub(crate) selectors: Vec<Rules>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// In order: later ones count more. The first is `+@all` or `-@all`.
    pub(crate) commands: Vec<String>,
    pub(crate) keys: Vec<String>,
    pub(crate) channels: Vec<String>,
}

impl User {
    /// One line of `ACL LIST`, with the name in front.
    pub(crate) fn read(line: &str) -> Option<(String, Self)> {
        let mut words = line.split_ascii_whitespace().skip_while(|word| *word == "user");
        let name = words.next()?.to_owned();
        let mut user = Self {
            enabled: false,
            nopass: false,
            passwords: 0,
            checks_payloads: true,
            rules: Rules::default(),
            selectors: Vec::new(),
        };
        let (mut own, mut inside) = (Vec::new(), None::<Vec<&str>>);
        for word in words {
            match (&mut inside, word) {
                // A selector ends behind its commands: a bracket elsewhere is of a pattern.
                (Some(selector), word) => {
                    let is_last = word.ends_with(')') && !word.starts_with(['~', '%', '&']);
                    selector.push(if is_last { word.trim_end_matches(')') } else { word });
                    if is_last {
                        user.selectors.push(Rules::of(selector));
                        inside = None;
                    }
                }
                (None, "on") => user.enabled = true,
                (None, "nopass") => user.nopass = true,
                (None, "skip-sanitize-payload") => user.checks_payloads = false,
                (None, word) if word.starts_with('#') => user.passwords += 1,
                (None, word) if word.starts_with('(') => inside = Some(vec![word.trim_start_matches('(')]),
                (None, word) => own.push(word),
            }
        }
        user.rules = Rules::of(&own);
        Some((name, user))
    }

    pub(crate) fn spec(&self) -> Map<String, Value> {
        let selectors: Vec<Value> = self.selectors.iter().map(|rules| Value::Object(rules.spec())).collect();
        let mut spec = self.rules.spec();
        spec.insert("enabled".to_owned(), self.enabled.into());
        spec.insert("nopass".to_owned(), self.nopass.into());
        spec.insert("selectors".to_owned(), selectors.into());
        spec
    }
}

impl Rules {
    fn of(words: &[&str]) -> Self {
        let of = |signs: &[char]| {
            let words = words.iter().filter(|word| word.starts_with(signs));
            words.map(|word| (*word).to_owned()).collect::<Vec<_>>()
        };
        Self {
            commands: commands(&of(&['+', '-'])),
            keys: keys(&of(&['~', '%'])),
            channels: channels(&of(&['&'])),
        }
    }

    fn spec(&self) -> Map<String, Value> {
        let Self { commands, keys, channels } = self;
        let fields = [("commands", commands), ("keys", keys), ("channels", channels)];
        fields.map(|(name, words)| (name.to_owned(), json!(words))).into_iter().collect()
    }
}

/// What counts for all commands first, and of what is said twice the last, behind the others.
pub(crate) fn commands(rules: &[String]) -> Vec<String> {
    let mut base = "-@all";
    let mut kept: Vec<String> = Vec::new();
    for rule in rules.iter().flat_map(|rule| rule.split_ascii_whitespace()) {
        let rule = rule.to_ascii_lowercase();
        match rule.as_str() {
            "+@all" | "allcommands" => (base, kept) = ("+@all", Vec::new()),
            "-@all" | "nocommands" => (base, kept) = ("-@all", Vec::new()),
            _ => {
                let name = name_of(&rule).to_owned();
                kept.retain(|other| !is_covered(name_of(other), &name));
                kept.push(rule);
            }
        }
    }
    kept.insert(0, base.to_owned());
    kept
}

fn name_of(rule: &str) -> &str {
    rule.strip_prefix(['+', '-']).unwrap_or(rule)
}

/// A rule about a command says something about all of its subcommands.
fn is_covered(name: &str, by: &str) -> bool {
    name.strip_prefix(by).is_some_and(|rest| rest.is_empty() || rest.starts_with('|'))
}

/// `~PATTERN`, `%R~PATTERN` to read only and `%W~PATTERN` to write only; a pattern alone is for both, and so is one that stands
/// once for each.
pub(crate) fn keys(patterns: &[String]) -> Vec<String> {
    let mut kept: Vec<(String, String)> = Vec::new();
    for pattern in patterns {
        let (rights, rest) = match pattern.split_once('~') {
            _ if pattern == "allkeys" => (String::new(), "*"),
            Some((rights, rest)) if rights.is_empty() || rights.starts_with('%') => {
                let rights = rights.to_ascii_uppercase();
                (if ["%RW", "%WR"].contains(&rights.as_str()) { String::new() } else { rights }, rest)
            }
            _ => (String::new(), pattern.as_str()),
        };
        let is_right = |rights: &str| ["", "%R", "%W"].contains(&rights);
        match kept.iter_mut().find(|(known, other)| other == rest && is_right(known)) {
            Some((known, _)) if *known == rights => {}
            Some((known, _)) if is_right(&rights) => *known = String::new(),
            _ => kept.push((rights, rest.to_owned())),
        }
    }
    kept.into_iter().map(|(rights, rest)| format!("{rights}~{rest}")).collect()
}

/// `&PATTERN`; a pattern alone is one, too.
pub(crate) fn channels(patterns: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for pattern in patterns {
        let normal = match pattern.as_str() {
            "allchannels" => "&*".to_owned(),
            pattern if pattern.starts_with('&') => pattern.to_owned(),
            pattern => format!("&{pattern}"),
        };
        if !kept.contains(&normal) {
            kept.push(normal);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_line_is_read_with_its_selectors() {
        let line = "user bob off skip-sanitize-payload nopass #aa #bb ~a(b %R~log:* &* +@all -flushall \
            (~x) &y resetchannels -@all +get) (%W~w resetchannels +@all)";
        let (name, user) = User::read(line).unwrap();
        assert_eq!((name.as_str(), user.enabled, user.nopass), ("bob", false, true));
        assert_eq!((user.passwords, user.checks_payloads), (2, false));
        let expected = json!({
            "enabled": false, "nopass": true, "commands": ["+@all", "-flushall"], "keys": ["~a(b", "%R~log:*"],
            "channels": ["&*"],
            "selectors": [
                {"commands": ["-@all", "+get"], "keys": ["~x)"], "channels": ["&y"]},
                {"commands": ["+@all"], "keys": ["%W~w"], "channels": []}
            ]
        });
        assert_eq!(Value::Object(user.spec()), expected);
        assert!(User::read("user").is_none());
    }

    fn check(rules: &[&str], expected: &[&str]) {
        let once = commands(&owned(rules));
        assert_eq!(once, owned(expected));
        assert_eq!(commands(&once), once, "done twice, it changes nothing");
    }

    #[test]
    fn of_what_is_said_twice_the_last_counts() {
        check(&[], &["-@all"]);
        check(&["+GET", "+@read"], &["-@all", "+get", "+@read"]);
        check(&["+get +set", "-get"], &["-@all", "+set", "-get"]);
        check(&["+config|get", "+get", "+config"], &["-@all", "+get", "+config"]);
        check(&["+get", "allcommands", "-@dangerous"], &["+@all", "-@dangerous"]);
    }

    #[test]
    fn patterns_have_their_sign_and_stand_once() {
        assert_eq!(
            keys(&owned(&["a:*", "~a:*", "%rw~b", "%r~c", "%W~d", "%W~c", "%R~b", "allkeys", "x~y", "%x~c"])),
            owned(&["~a:*", "~b", "~c", "%W~d", "~*", "~x~y", "%X~c"])
        );
        assert_eq!(channels(&owned(&["news", "&news", "allchannels"])), owned(&["&news", "&*"]));
    }
}
