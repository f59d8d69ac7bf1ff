//! Leases: the sessions of applications. They come and go, so a listing tells no more than that they are there.

use headgate_sdk::json::{Map, Value, json};
use headgate_sdk::{Error, ErrorKind, Lookup, Resource, Result};

use crate::fields;
use crate::gateway::Gateway;
use crate::types::{self, LEASE, LISTED_MAX};

/// In bytewise order of id.
pub(crate) fn list(gateway: &mut Gateway) -> Result<Vec<Resource>> {
    let answer = gateway.ask("lease/leases", &json!({}))?;
    let leases = fields::items(&answer, "/leases");
    if leases.len() > LISTED_MAX {
        let count = leases.len();
        let message =
            format!("{count} leases are more than the {LISTED_MAX} that are listed; ask for one by its id");
        return Err(Error::new(ErrorKind::Exhausted, message));
    }
    let mut ids: Vec<String> = leases.iter().filter_map(id).collect();
    ids.sort_unstable();
    Ok(ids.iter().map(|id| types::resource(LEASE, id, &json!({}), Map::new())).collect())
}

pub(crate) fn get(gateway: &mut Gateway, ids: &[String]) -> Result<Vec<Lookup>> {
    let numbers: Vec<Option<i64>> = ids.iter().map(|id| number(id)).collect();
    let body = |id: &i64| json!({"ID": id.to_string(), "keys": true});
    let bodies: Vec<Value> = numbers.iter().flatten().map(body).collect();
    let mut answers = gateway.ask_all("lease/timetolive", &bodies)?.into_iter();
    let lookup = |(id, number): (&String, &Option<i64>)| match number.and_then(|_| answers.next()) {
        Some(Ok(answer)) => found(id, &answer),
        Some(Err(error)) if error.kind == ErrorKind::NotFound => Lookup::Absent,
        Some(Err(error)) => Lookup::Failed(error),
        None => Lookup::Absent,
    };
    Ok(ids.iter().zip(&numbers).map(lookup).collect())
}

fn found(id: &str, answer: &Value) -> Lookup {
    // Below zero there is none, or no longer; of one that ends within a second the gateway leaves the zero out.
    let left = answer.pointer("/TTL").map_or(Some(0), |_| fields::number(answer, "/TTL"));
    let Some(left) = left else { return Lookup::Absent };
    let status = [
        ("ttl_s", Value::from(left)),
        ("granted_ttl_s", fields::number(answer, "/grantedTTL").into()),
        ("keys", fields::items(answer, "/keys").len().into()),
    ];
    let status = status.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Lookup::Found(types::resource(LEASE, id, &json!({}), status))
}

/// As etcd's own tools write it: sixteen digits in hexadecimal.
fn id(lease: &Value) -> Option<String> {
    let number = match lease.get("ID")? {
        Value::String(text) => text.parse().ok()?,
        other => other.as_i64()?,
    };
    Some(format!("{:016x}", i64::cast_unsigned(number)))
}

fn number(id: &str) -> Option<i64> {
    let is_own = id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_own.then(|| u64::from_str_radix(id, 16).ok()).flatten().map(u64::cast_signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_number_in_hexadecimal() {
        let shown = id(&json!({"ID": "1868046060124035335"})).unwrap();
        assert_eq!(shown, "19eca1fe8dc2d907");
        assert_eq!(number(&shown), Some(1_868_046_060_124_035_335));
        assert_eq!(id(&json!({"ID": -1})).as_deref(), Some("ffffffffffffffff"));
        assert_eq!((number("7"), number("+9eca1fe8dc2d907")), (None, None));
        assert_eq!(id(&json!({"ID": "x"})), None);
    }

    #[test]
    fn a_lease_that_has_ended_is_absent() {
        assert_eq!(found("a", &json!({"TTL": "-1"})), Lookup::Absent);
        assert!(matches!(found("a", &json!({"grantedTTL": "9"})), Lookup::Found(_)), "its last second");
        let Lookup::Found(lease) = found("a", &json!({"TTL": "5", "grantedTTL": "9", "keys": ["YQ=="]}))
        else {
            panic!("it is there")
        };
        assert_eq!(lease.status, r#"{"granted_ttl_s":9,"keys":1,"ttl_s":5}"#);
    }
}
