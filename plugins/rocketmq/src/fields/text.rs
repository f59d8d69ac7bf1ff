//! A broker's object as the text of a spec, without the steps between: a listing reads tens of thousands of them.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use headgate_sdk::json::{self, Value};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{FieldDef, Shape};

/// Gives the same as `fields::spec`, as text.
pub(crate) struct SpecText {
    /// In order of their names, as maps are written.
    fields: Vec<&'static FieldDef>,
    /// The values that were read last, and their text: most objects of a broker look like the one before.
    last: RefCell<(Vec<Value>, Rc<str>)>,
}

impl SpecText {
    pub(crate) fn of(fields: &'static [FieldDef]) -> Self {
        let mut fields: Vec<&FieldDef> = fields.iter().collect();
        fields.sort_by_key(|field| field.name);
        Self { fields, last: RefCell::new((Vec::new(), Rc::from(""))) }
    }

    pub(crate) fn read<'de, D: Deserializer<'de>>(&self, object: D) -> Result<Rc<str>, D::Error> {
        let values = object.deserialize_map(Object(self))?;
        let mut last = self.last.borrow_mut();
        if last.0 != values {
            *last = (values, Rc::from(""));
            last.1 = Rc::from(self.text(&last.0));
        }
        Ok(Rc::clone(&last.1))
    }

    /// What a wish can set, where it is there.
    fn text(&self, values: &[Value]) -> String {
        let mut text = String::with_capacity(128);
        text.push('{');
        for (field, value) in self.fields.iter().zip(values) {
            let is_empty =
                field.shape == Shape::Attributes && value.as_object().is_none_or(json::Map::is_empty);
            if value.is_null() || is_empty {
                continue;
            }
            text.push_str(if text.len() > 1 { ",\"" } else { "\"" });
            text.push_str(field.name);
            text.push_str("\":");
            text.push_str(&json::text(&field.read(value)));
        }
        text.push('}');
        text
    }
}

struct Object<'a>(&'a SpecText);

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = vec![Value::Null; self.0.fields.len()];
        while let Some(place) = map.next_key_seed(Key(self.0))? {
            match place.and_then(|place| values.get_mut(place)) {
                Some(value) => *value = map.next_value()?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(values)
    }
}

/// The place of a field, by what it is called on the wire.
struct Key<'a>(&'a SpecText);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.fields.iter().position(|field| field.wire == key))
    }
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;

    use super::super::{GROUP, TOPIC, spec};
    use super::*;

    #[test]
    fn the_text_is_that_of_the_spec() {
        let objects = [
            json!({"attributes": {"message.type": "FIFO", "a\"b": "c"}, "order": false, "perm": 6, "readQueueNums": 8,
                "topicFilterType": "SINGLE_TAG", "topicName": "orders", "writeQueueNums": 4}),
            json!({"perm": null, "attributes": {}, "order": true}),
            json!({"perm": 99, "attributes": 7, "readQueueNums": {"odd": [1]}, "consumeEnable": true, "brokerId": 1}),
            json!({"retryMaxTimes": 16, "groupRetryPolicy": {"type": "CUSTOMIZED"}, "attributes": {"+x": "y"}}),
            json!({}),
        ];
        for fields in [TOPIC, GROUP] {
            for object in &objects {
                let expected = json::text(&Value::Object(spec(fields, object.as_object().unwrap())));
                assert_eq!(*SpecText::of(fields).read(object.clone()).unwrap(), *expected);
                let text = object.to_string();
                let mut strict = serde_json::Deserializer::from_str(&text);
                assert_eq!(*SpecText::of(fields).read(&mut strict).unwrap(), *expected, "{text}");
            }
            // One reader for all: what was read before is not what is read now.
            let (one, texts) = (SpecText::of(fields), objects.iter().chain(&objects));
            for object in texts {
                let alone = SpecText::of(fields).read(object.clone()).unwrap();
                assert_eq!(one.read(object.clone()).unwrap(), alone);
            }
        }
    }
}
