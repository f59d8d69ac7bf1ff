//! What is written to try the writes: given by a person, or the plugin's own examples.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::contract::MetadataType;
use crate::domain::fields;
use crate::domain::place::Place;

/// Of resources that are made from a schema's example.
const NAME: &str = "headgate-conformance";

/// A document as `headgate apply` takes it, of a resource that may be made and deleted.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Wish {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub name: String,
    /// Every place of the type where absent.
    #[serde(default)]
    pub at: Option<Place>,
    pub spec: Value,
}

impl Wish {
    pub(super) fn document(&self) -> Value {
        let Self { metadata_type, name, at, spec } = self;
        let mut document = json!({"type": metadata_type, "name": name, "spec": spec});
        if let (Some(place), Some(fields)) = (at, document.as_object_mut()) {
            fields.insert("at".to_owned(), json!(place.to_string()));
        }
        document
    }

    /// As a cassette holds it.
    pub fn read(document: &Value) -> Option<Self> {
        serde_json::from_value(document.clone()).ok()
    }
}

/// Examples that a schema gives: `examples`, else `default`.
pub(super) fn examples(schema: &Value) -> Vec<&Value> {
    let listed = schema.get("examples").and_then(Value::as_array);
    match listed.filter(|examples| !examples.is_empty()) {
        Some(examples) => examples.iter().collect(),
        None => schema.get("default").filter(|default| default.is_object()).into_iter().collect(),
    }
}

/// A wish for each type that can be made and deleted and gives an example.
pub(super) fn of_examples(types: &[MetadataType]) -> Vec<Wish> {
    let writable = types.iter().filter(|shape| shape.verbs.create && shape.verbs.delete);
    let wish = |shape: &MetadataType| {
        let spec = examples(&shape.spec).into_iter().next()?.clone();
        Some(Wish { metadata_type: shape.name.clone(), name: name(shape, &spec)?, at: None, spec })
    };
    writable.filter_map(wish).collect()
}

/// Of fields of the spec, where those make the id.
fn name(shape: &MetadataType, spec: &Value) -> Option<String> {
    if shape.identity.is_empty() {
        return Some(NAME.to_owned());
    }
    let values: Option<Vec<Value>> =
        shape.identity.iter().map(|path| fields::at(spec, path).cloned()).collect();
    values.map(|values| Value::Array(values).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::shape::tests::writable;

    #[test]
    fn an_example_of_the_schema_makes_a_wish() {
        let mut shape = writable("topic");
        shape.spec = json!({"type": "object", "examples": [{"size": 3}, {"size": 4}]});
        let wishes = of_examples(std::slice::from_ref(&shape));
        assert_eq!(wishes[0].document(), json!({"type": "topic", "name": NAME, "spec": {"size": 3}}));
        assert_eq!(Wish::read(&wishes[0].document()), Some(wishes[0].clone()));
        shape.identity = vec!["/who".to_owned(), "/size".to_owned()];
        shape.spec = json!({"type": "object", "default": {"who": "ann", "size": 3}});
        assert_eq!(of_examples(std::slice::from_ref(&shape))[0].name, r#"["ann",3]"#);
        shape.verbs.delete = false;
        assert_eq!(of_examples(&[shape]), []);
    }
}
