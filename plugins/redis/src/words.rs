//! Words for people, and the word that was probably meant.

use headgate_sdk::json::{Map, Value};
use headgate_sdk::{Issue, Severity};

/// `: did you mean NAME?`, or nothing where no name is near.
pub(crate) fn did_you_mean<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let near = names.map(|known| (distance(name, known), known)).min();
    match near {
        Some((distance, known)) if distance <= known.len().div_ceil(4) => format!(": did you mean {known}?"),
        _ => String::new(),
    }
}

/// Letters to put in, take out or exchange to come from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, sign) in from.chars().enumerate() {
        let mut next = vec![index + 1];
        for ((other, corner), above) in to.iter().zip(&row).zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or_default();
            let exchange = corner + usize::from(sign != *other);
            next.push(exchange.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

pub(crate) fn issue(path: &str, message: impl Into<String>) -> Issue {
    Issue { severity: Severity::Error, path: path.to_owned(), message: message.into() }
}

pub(crate) fn warning(path: &str, message: impl Into<String>) -> Issue {
    Issue { severity: Severity::Warning, path: path.to_owned(), message: message.into() }
}

pub(crate) fn object(spec: Value) -> Result<Map<String, Value>, Vec<Issue>> {
    match spec {
        Value::Object(spec) => Ok(spec),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(vec![issue("", "a spec is an object of fields")])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_meant() {
        assert_eq!(distance("kitten", "sitting"), 3);
        let names = ["maxmemory", "maxmemory-policy"];
        assert_eq!(did_you_mean("maxmemroy", names.into_iter()), ": did you mean maxmemory?");
        assert_eq!(did_you_mean("colour", names.into_iter()), "");
    }
}
