//! What a write asks for: credentials of a user, set or taken away, one after the other.

use headgate_sdk::json::{self, Map, Value, pointer_tokens};
use headgate_sdk::{Action, Edit, Error, ErrorKind, Place, Result, Write};

use super::list::Kept;
use super::{
    Credentials, ITERATIONS, ITERATIONS_MAX, ITERATIONS_MIN, KNOWN, MECHANISMS, Mechanism, PASSWORD,
    known_names, mechanism, secret_name,
};

/// One credential of a user.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Alteration {
    Set {
        mechanism: Mechanism,
        iterations: i32,
        secret: String,
    },
    /// By its number: what a newer broker knows is taken away as well.
    Remove(i8),
}

/// What a wish names; no iterations take the mechanism away.
#[derive(Default)]
struct Named {
    mechanisms: Vec<(Mechanism, Option<i32>)>,
    secret: Option<String>,
}

/// `login` is whom this connection is logged in as, where that is a user of this kind. Nothing to do is no error: what was
/// cut off half-way is finished by its repetition.
pub(super) fn alterations(write: &Write, kept: &Kept, login: Option<&str>) -> Result<Vec<Alteration>> {
    if write.key.place != Place::Cluster {
        return Err(Error::invalid_argument("users live on the cluster, not on a node"));
    }
    let name = write.key.id.as_str();
    if login == Some(name) {
        let message =
            format!("user {name} is the one that Headgate logs in as: change it with another login");
        return Err(Error::conflict(message).code("OWN_USER"));
    }
    let none = Credentials::new();
    match (&write.action, kept.get(name)) {
        (Action::Delete, there) => {
            Ok(there.unwrap_or(&none).keys().map(|code| Alteration::Remove(*code)).collect())
        }
        (Action::Create(_), Some(_)) => {
            let message = format!("user {name} is there already: adopt it, or edit it");
            Err(Error::new(ErrorKind::AlreadyExists, message).code("ALREADY_EXISTS"))
        }
        (Action::Create(spec), None) => {
            let spec = json::parse(spec, &format!("read the spec of user {name}"))?;
            some(name, Named::of(&spec)?, &none)
        }
        (Action::Edit(_), None) => {
            let message = format!("there is no user {name} any more");
            Err(Error::not_found(message).code("NOT_FOUND"))
        }
        (Action::Edit(edits), Some(there)) => some(name, Named::edited(edits)?.with_all(there), there),
        (Action::Replace(_), _) => {
            Err(Error::unsupported("a user is edited mechanism by mechanism, never replaced"))
        }
        (Action::Run((operation, _)), _) => {
            Err(Error::unsupported(format_args!("users have no operation {operation}")))
        }
    }
}

/// What is set comes first, so that there is always something to log in with.
fn some(name: &str, named: Named, there: &Credentials) -> Result<Vec<Alteration>> {
    if named.mechanisms.is_empty() {
        let message = format!("user {name}: there is no mechanism to write");
        return Err(Error::invalid_argument(message));
    }
    let (mut set, mut removed) = (Vec::new(), Vec::new());
    for (mechanism, iterations) in named.mechanisms {
        match iterations {
            Some(iterations) => {
                let secret = named.secret.clone().ok_or_else(|| no_password(name))?;
                set.push(Alteration::Set { mechanism, iterations, secret });
            }
            None if there.contains_key(&mechanism.code) => removed.push(Alteration::Remove(mechanism.code)),
            None => {}
        }
    }
    set.extend(removed);
    Ok(set)
}

impl Named {
    fn of(spec: &Map<String, Value>) -> Result<Self> {
        let mut named = Self::default();
        for (field, value) in spec {
            match (field.as_str(), value) {
                (MECHANISMS, Value::Object(each)) => {
                    each.iter().try_for_each(|(name, value)| named.mechanism(name, value))?;
                }
                (PASSWORD, value) => named.password(value)?,
                (field, _) => return Err(no_field(field)),
            }
        }
        Ok(named)
    }

    /// `/mechanisms/SCRAM-SHA-256` with `{"iterations": 8192}` or nothing, and `/password`.
    fn edited(edits: &[Edit]) -> Result<Self> {
        let mut named = Self::default();
        for edit in edits {
            let value: Option<Value> =
                edit.value.as_deref().map(|text| json::parse(text, &edit.path)).transpose()?;
            let value = value.unwrap_or_default();
            match pointer_tokens(&edit.path).iter().map(AsRef::as_ref).collect::<Vec<&str>>().as_slice() {
                [MECHANISMS, name] => named.mechanism(name, &value)?,
                [PASSWORD] => named.password(&value)?,
                _ => return Err(no_field(&edit.path)),
            }
        }
        Ok(named)
    }

    /// A password counts for every mechanism: those that are not named keep their iterations.
    fn with_all(mut self, there: &Credentials) -> Self {
        if self.secret.is_some() {
            let named = |code: i8| self.mechanisms.iter().any(|(mechanism, _)| mechanism.code == code);
            let others = KNOWN.into_iter().filter(|known| !named(known.code));
            let kept: Vec<_> =
                others.filter_map(|known| Some((known, Some(*there.get(&known.code)?)))).collect();
            self.mechanisms.extend(kept);
        }
        self
    }

    fn mechanism(&mut self, name: &str, value: &Value) -> Result<()> {
        let Some(mechanism) = mechanism(name) else {
            let message = format!("{name} is no mechanism of users: it can be {}", known_names());
            return Err(Error::invalid_argument(message).code("UNSUPPORTED_SASL_MECHANISM"));
        };
        let iterations = match value {
            Value::Null => None,
            value => Some(iterations(value).ok_or_else(|| {
                let message = format!(
                    "{ITERATIONS} of {name} can be {ITERATIONS_MIN} to {ITERATIONS_MAX}, not {value}"
                );
                Error::invalid_argument(message).code("UNACCEPTABLE_CREDENTIAL")
            })?),
        };
        self.mechanisms.push((mechanism, iterations));
        Ok(())
    }

    /// Deliberately without the value in what is said: it may be a password.
    fn password(&mut self, value: &Value) -> Result<()> {
        let refused = || {
            let message = "a password is never written down: name a secret, as in password: {$secret: NAME}";
            Error::invalid_argument(message).code("NO_PASSWORD")
        };
        self.secret = Some(secret_name(value).ok_or_else(refused)?.to_owned());
        Ok(())
    }
}

fn iterations(value: &Value) -> Option<i32> {
    let told = i32::try_from(value.get(ITERATIONS)?.as_i64()?).ok()?;
    (ITERATIONS_MIN..=ITERATIONS_MAX).contains(&told).then_some(told)
}

fn no_field(name: &str) -> Error {
    Error::invalid_argument(format_args!("a user has no field {name}: it has {MECHANISMS}, {PASSWORD}"))
}

fn no_password(name: &str) -> Error {
    let message = format!(
        "user {name}: a mechanism is written with the password only: name a secret, as in password: {{$secret: NAME}}"
    );
    Error::invalid_argument(message).code("NO_PASSWORD")
}

#[cfg(test)]
mod tests {
    use headgate_sdk::ResourceKey;
    use headgate_sdk::json::json;

    use super::*;

    fn wished(action: Action, kept: &[(i8, i32)], login: Option<&str>) -> Result<Vec<Alteration>> {
        let key =
            ResourceKey { metadata_type: "user".to_owned(), id: "alice".to_owned(), place: Place::Cluster };
        let write = Write { key, action, revision: None, incarnation: None, extra: None };
        let there = (!kept.is_empty()).then(|| ("alice".to_owned(), kept.iter().copied().collect()));
        alterations(&write, &there.into_iter().collect(), login)
    }

    fn set(mechanism: Mechanism, iterations: i32, secret: &str) -> Alteration {
        Alteration::Set { mechanism, iterations, secret: secret.to_owned() }
    }

    fn edit(path: &str, value: Option<Value>) -> Edit {
        Edit { path: path.to_owned(), value: value.map(|value| value.to_string()) }
    }

    fn create(spec: &Value) -> Action {
        Action::Create(spec.to_string())
    }

    fn refusal(action: Action, kept: &[(i8, i32)]) -> String {
        wished(action, kept, None).unwrap_err().code.unwrap_or_default()
    }

    #[test]
    fn a_new_user_gets_each_mechanism_with_the_password() {
        let [sha256, sha512] = KNOWN;
        let spec = json!({"password": {"$secret": "one", "version": 2}, "mechanisms":
            {"SCRAM-SHA-512": {"iterations": 16384}, "SCRAM-SHA-256": {"iterations": 4096}}});
        let made = wished(create(&spec), &[], Some("admin")).unwrap();
        assert_eq!(made, [set(sha256, 4096, "one"), set(sha512, 16384, "one")]);
    }

    #[test]
    fn an_edit_sets_before_it_takes_away() {
        let [sha256, sha512] = KNOWN;
        let edits = vec![
            edit("/mechanisms/SCRAM-SHA-256", None),
            edit("/mechanisms/SCRAM-SHA-512", Some(json!({"iterations": 8192}))),
            edit("/password", Some(json!({"$secret": "two"}))),
        ];
        let altered = wished(Action::Edit(edits.clone()), &[(1, 4096)], None).unwrap();
        assert_eq!(altered, [set(sha512, 8192, "two"), Alteration::Remove(sha256.code)]);
        let altered = wished(Action::Edit(edits), &[(2, 4096)], None).unwrap();
        assert_eq!(altered, [set(sha512, 8192, "two")], "what is gone is not taken away again");
    }

    #[test]
    fn a_delete_takes_all_away_and_can_be_repeated() {
        let altered = wished(Action::Delete, &[(1, 4096), (3, 9)], None).unwrap();
        assert_eq!(altered, [Alteration::Remove(1), Alteration::Remove(3)]);
        assert_eq!(wished(Action::Delete, &[], None).unwrap(), []);
    }

    #[test]
    fn what_cannot_be_is_never_sent() {
        let sha256 = |iterations: i32| json!({"SCRAM-SHA-256": {"iterations": iterations}});
        let password = json!({"$secret": "one"});
        let spec = |mechanisms: Value, password: Value| {
            create(&json!({"mechanisms": mechanisms, "password": password}))
        };
        assert_eq!(refusal(spec(sha256(4095), password.clone()), &[]), "UNACCEPTABLE_CREDENTIAL");
        assert_eq!(refusal(spec(sha256(16385), password.clone()), &[]), "UNACCEPTABLE_CREDENTIAL");
        let md5 = json!({"SCRAM-MD5": {"iterations": 4096}});
        assert_eq!(refusal(spec(md5, password.clone()), &[]), "UNSUPPORTED_SASL_MECHANISM");
        assert_eq!(refusal(spec(sha256(4096), json!("hunter2")), &[]), "NO_PASSWORD");
        assert_eq!(refusal(create(&json!({"mechanisms": sha256(4096)})), &[]), "NO_PASSWORD");
        assert_eq!(refusal(spec(sha256(4096), password), &[(1, 4096)]), "ALREADY_EXISTS");
        assert_eq!(refusal(Action::Edit(Vec::new()), &[]), "NOT_FOUND");
        assert!(wished(Action::Edit(Vec::new()), &[(1, 4096)], None).is_err());
    }

    #[test]
    fn headgate_does_not_lock_itself_out() {
        let error = wished(Action::Delete, &[(1, 4096)], Some("alice")).unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Conflict, Some("OWN_USER")));
    }

    #[test]
    fn a_password_goes_to_every_mechanism_that_the_user_has() {
        let [sha256, sha512] = KNOWN;
        let password = edit("/password", Some(json!({"$secret": "new"})));
        let kept = [(1, 4096), (2, 8192)];
        let alone = wished(Action::Edit(vec![password.clone()]), &kept, None).unwrap();
        assert_eq!(alone, [set(sha256, 4096, "new"), set(sha512, 8192, "new")]);
        let more = edit("/mechanisms/SCRAM-SHA-512", Some(json!({"iterations": 16384})));
        let both = wished(Action::Edit(vec![more, password]), &kept, None).unwrap();
        assert_eq!(both, [set(sha512, 16384, "new"), set(sha256, 4096, "new")]);
    }
}
