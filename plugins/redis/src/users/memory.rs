//! What users were allowed as it was set. Redis 7.0 keeps the permissions and not the words: it tells `+@all -@dangerous +keys` as
//! a list of single commands, which nobody wished. So what it tells of a wish is kept beside the wish.
//!
//! Both say the same, so that what is out of date here is never wrong, and what is lost only shows Redis' own words.

use std::collections::BTreeMap;

use headgate_sdk::json::{self, Map, Value};
use headgate_sdk::{Action, Edit, Write, log, state};
use serde::{Deserialize, Serialize};

use super::rules::User;
use super::spec::{SELECTORS, normal, texts};

const STATE_KEY: &str = "rules";

/// Of one user: it has few, and other nodes may tell others.
const TOLD_MAX: usize = 8;

/// By user, by what is told of its commands.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Memory(BTreeMap<String, BTreeMap<String, Vec<String>>>);

/// The commands that a write allows.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Wished {
    own: Option<Vec<String>>,
    selectors: Vec<Vec<String>>,
}

impl Memory {
    pub(super) fn restore() -> Self {
        let kept = state::get(STATE_KEY).unwrap_or_else(|error| {
            log::debug("rules are not remembered", &[("because", &error.message)]);
            None
        });
        kept.and_then(|kept| serde_json::from_slice(&kept).ok()).unwrap_or_default()
    }

    pub(super) fn save(&self) {
        if let Err(error) = state::set(STATE_KEY, json::text(self).as_bytes()) {
            log::debug("rules are not remembered", &[("because", &error.message)]);
        }
    }

    /// In the words in which it was set, where those are known.
    pub(super) fn recall(&self, name: &str, mut user: User) -> User {
        let Some(known) = self.0.get(name) else { return user };
        for rules in [&mut user.rules].into_iter().chain(&mut user.selectors) {
            if let Some(set) = known.get(&rules.commands.join(" ")) {
                rules.commands.clone_from(set);
            }
        }
        user
    }

    pub(super) fn learn(&mut self, name: &str, told: &User, wished: &Wished) {
        let selectors = told.selectors.iter().zip(&wished.selectors);
        let own = wished.own.as_ref().map(|own| (&told.rules, own));
        for (told, set) in selectors.chain(own).filter(|(told, set)| told.commands != **set) {
            let known = self.0.entry(name.to_owned()).or_default();
            if known.len() >= TOLD_MAX {
                known.clear();
            }
            known.insert(told.commands.join(" "), set.clone());
        }
    }

    pub(super) fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }
}

/// None where the write says nothing of commands.
pub(super) fn wished(write: &Write) -> Option<Wished> {
    let fields: Map<String, Value> = match &write.action {
        Action::Create(spec) | Action::Replace(spec) => json::parse(spec, "read the wish").ok()?,
        Action::Edit(edits) => {
            let field = |edit: &Edit| {
                let name = json::pointer_tokens(&edit.path).join("/");
                Some((name, json::parse(edit.value.as_deref()?, "read the edit").ok()?))
            };
            edits.iter().filter_map(field).collect()
        }
        Action::Delete | Action::Run(_) => return None,
    };
    let field = |name: &str| fields.get(name).map(|value| normal(name, value.clone()));
    let commands = |value: &Value| texts(value.as_array()?);
    let selectors = field(SELECTORS);
    let selectors = selectors.as_ref().and_then(Value::as_array).into_iter().flatten();
    let selectors: Vec<Vec<String>> =
        selectors.filter_map(|selector| commands(selector.get("commands")?)).collect();
    let own = field("commands").as_ref().and_then(commands);
    (own.is_some() || !selectors.is_empty()).then_some(Wished { own, selectors })
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;
    use headgate_sdk::{Place, ResourceKey};

    use super::*;

    fn write(action: Action) -> Write {
        let place = Place::Node("n".to_owned());
        let key = ResourceKey { metadata_type: "user".to_owned(), id: "bob".to_owned(), place };
        Write { key, action, revision: None, incarnation: None, extra: None }
    }

    fn told(commands: &str) -> User {
        User::read(&format!("user bob on {commands} (~x resetchannels -@all +get)")).unwrap().1
    }

    #[test]
    fn a_wish_is_shown_in_its_own_words_until_something_else_is_told() {
        let wish = json!({"commands": ["+@all", "-@dangerous", "+keys"], "selectors": [{"commands": "+get +get|x"}]});
        let wished = wished(&write(Action::Create(wish.to_string()))).unwrap();
        let mut memory = Memory::default();
        memory.learn("bob", &told("+@all -flushall -sort"), &wished);
        memory.save();
        let memory = Memory::restore();
        let shown = memory.recall("bob", told("+@all -flushall -sort"));
        assert_eq!(shown.rules.commands.join(" "), "+@all -@dangerous +keys");
        assert_eq!(shown.selectors[0].commands.join(" "), "-@all +get +get|x");
        let other = memory.recall("bob", told("+@all -sort"));
        assert_eq!(other.rules.commands.join(" "), "+@all -sort");
        assert_eq!(memory.recall("eve", told("+@all -flushall -sort")), told("+@all -flushall -sort"));
    }

    #[test]
    fn what_is_told_as_it_was_set_is_not_kept() {
        let edit = Edit { path: "/commands".to_owned(), value: Some("[\"+get\"]".to_owned()) };
        let mut memory = Memory::default();
        memory.learn("bob", &told("-@all +get"), &wished(&write(Action::Edit(vec![edit]))).unwrap());
        assert_eq!(memory, Memory::default());
        assert_eq!(wished(&write(Action::Delete)), None);
        assert_eq!(wished(&write(Action::Replace("{}".to_owned()))), None);
    }
}
