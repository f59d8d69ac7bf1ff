//! JSON Schemas that plugins bring: bounded before they are used, as a small text can describe endless work.
//!
//! Invariant: checking a value against a schema from here ends, after at most as many steps as the value has parts times
//! `PARTS_MAX`.

use std::collections::HashMap;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

/// Parts of a schema, those behind references counted wherever they are referred to. The largest forms that are known
/// have about 3,000; thirty definitions that refer to each other twice have a billion.
const PARTS_MAX: u64 = 50_000;

/// Levels of a schema, references among them: each is a frame of the host's stack.
const LEVELS_MAX: u32 = 64;

/// Of one compiled pattern: `(a{1000}){1000}` would take gigabytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Checks values. An error says what is wrong with the schema.
pub fn validator(schema: &Value) -> Result<Validator, String> {
    check(schema)?;
    // This engine takes time linear in the text, which patterns with look-around cannot be checked in.
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
    jsonschema::draft202012::options()
        .with_pattern_options(patterns)
        .build(schema)
        .map_err(|error| error.to_string())
}

/// Whether a schema is small enough to be used.
pub fn check(schema: &Value) -> Result<(), String> {
    let mut sizes = Sizes { root: schema, known: HashMap::new() };
    let parts = sizes.of(schema, 0)?.parts;
    if parts > PARTS_MAX {
        return Err(format!("it has more than {PARTS_MAX} parts, those behind its references included"));
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Size {
    parts: u64,
    levels: u32,
}

struct Sizes<'a> {
    root: &'a Value,
    /// By address; `None` while a part is being measured.
    known: HashMap<*const Value, Option<Size>>,
}

impl<'a> Sizes<'a> {
    fn of(&mut self, value: &'a Value, level: u32) -> Result<Size, String> {
        let size = match self.known.get(&std::ptr::from_ref(value)) {
            Some(None) => return Err("a part of it refers to itself, which could go on for ever".to_owned()),
            Some(Some(size)) => *size,
            None => {
                self.known.insert(value, None);
                let size = self.measured(value, level)?;
                self.known.insert(value, Some(size));
                size
            }
        };
        if level.saturating_add(size.levels) > LEVELS_MAX {
            return Err(format!("it has more than {LEVELS_MAX} levels, references among them"));
        }
        Ok(size)
    }

    fn measured(&mut self, value: &'a Value, level: u32) -> Result<Size, String> {
        let mut size = Size { parts: 1, levels: 1 };
        if level > LEVELS_MAX {
            // Told by who asked.
            return Ok(size);
        }
        let inner: Vec<&Value> = match value {
            Value::Object(fields) => {
                let field = |(key, field): (&'a String, &'a Value)| self.field(key, field, level);
                fields.iter().map(field).collect::<Result<_, _>>()?
            }
            Value::Array(items) => items.iter().collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        for part in inner {
            let part = self.of(part, level + 1)?;
            size.parts = size.parts.saturating_add(part.parts);
            size.levels = size.levels.max(part.levels + 1);
        }
        Ok(size)
    }

    /// What a field leads to: where it refers to a place, that place.
    fn field(&self, key: &str, field: &'a Value, level: u32) -> Result<&'a Value, String> {
        let Value::String(text) = field else { return Ok(field) };
        match key {
            "$ref" => {
                let found = text.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
                found.ok_or_else(|| {
                    format!(
                        "it refers to `{text}`: only places in itself can be referred to, as `#/$defs/name`"
                    )
                })
            }
            // They change what a reference means.
            "$dynamicRef" | "$recursiveRef" => Err(format!("it uses `{key}`: use `$ref`")),
            "$id" | "$schema" if level > 0 => {
                Err(format!("a part of it has a `{key}` of its own: leave it out"))
            }
            _ => Ok(field),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(schema: &Value) -> String {
        validator(schema).err().unwrap_or_else(|| panic!("taken: {schema}"))
    }

    /// Each definition refers twice to the next: 2 to the power of `levels` checks for any value.
    fn laughs(levels: usize) -> Value {
        let mut all = json!({"d0": {"type": "string"}});
        for level in 1..=levels {
            let next = json!({"$ref": format!("#/$defs/d{}", level - 1)});
            all[format!("d{level}")] = json!({"allOf": [next, next]});
        }
        json!({"$defs": all, "$ref": format!("#/$defs/d{levels}")})
    }

    #[test]
    fn a_schema_with_endless_work_is_refused_with_the_reason() {
        let wide = json!({"enum": (0..60_000).collect::<Vec<u32>>()});
        let deep = (0..80).fold(json!({}), |inner, _| json!({"not": inner}));
        let cases = [
            (json!({"$ref": "#"}), "refers to itself"),
            (
                json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}}),
                "refers to itself",
            ),
            (json!({"properties": {"next": {"$ref": "#"}}}), "refers to itself"),
            (json!({"$ref": "https://example.org/schema"}), "only places in itself"),
            (json!({"$ref": "#/$defs/missing"}), "only places in itself"),
            (json!({"not": {"$id": "b", "$ref": "#/$defs/x"}}), "`$id` of its own"),
            (json!({"$dynamicRef": "#"}), "use `$ref`"),
            (laughs(20), "more than 50000 parts"),
            (laughs(40), "more than 64 levels"),
            (wide, "more than 50000 parts"),
            (deep, "more than 64 levels"),
            (json!({"pattern": "((a{1000}){1000}){1000}"}), "regex"),
            (json!({"pattern": "(?=a)(a+)+$"}), "regex"),
            (json!({"type": "strange"}), "strange"),
        ];
        for (schema, part) in cases {
            let message = refusal(&schema);
            assert!(message.contains(part), "no `{part}`: {message}");
        }
    }

    #[test]
    fn an_ordinary_schema_with_references_checks_values() {
        let ordinary = validator(&laughs(8)).unwrap();
        assert!(ordinary.is_valid(&json!("text")) && !ordinary.is_valid(&json!(1)));
        let named = json!({"properties": {"$ref": {"type": "string", "pattern": "^(a+)+$"}}});
        let named = validator(&named).unwrap();
        let slow = "a".repeat(10_000) + "!";
        assert!(!named.is_valid(&json!({"$ref": slow})));
    }
}
