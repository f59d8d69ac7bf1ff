//! `fields`: headers and trailers.

use hyper::header::{HeaderName, HeaderValue};
use wasmtime::component::{ComponentType, LinkerInstance, Lower, Resource};

use crate::plugins::guest::Guest;
use crate::plugins::imports::wasi::put;

/// Names and values of one message: servers take no more either.
const FIELDS_MAX: usize = 256;

#[derive(Clone, Default)]
pub(in super::super) struct Fields {
    pub(super) all: Vec<(String, Vec<u8>)>,
    /// They belong to a message.
    pub(super) is_fixed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ComponentType, Lower)]
#[component(variant)]
pub(super) enum HeaderError {
    #[component(name = "invalid-syntax")]
    Invalid,
    #[component(name = "forbidden")]
    Forbidden,
    #[component(name = "immutable")]
    Immutable,
}

type Changed = Result<(), HeaderError>;

impl Fields {
    pub(super) fn fixed(self) -> Self {
        Self { is_fixed: true, ..self }
    }

    fn get(&self, name: &str) -> Vec<Vec<u8>> {
        let own = self.all.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value.clone()).collect()
    }

    fn delete(&mut self, name: &str) -> Changed {
        self.may_change()?;
        self.all.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        Ok(())
    }

    fn append(&mut self, name: String, value: Vec<u8>) -> Changed {
        self.may_change()?;
        let is_valid = name.parse::<HeaderName>().is_ok() && HeaderValue::from_bytes(&value).is_ok();
        if !is_valid {
            return Err(HeaderError::Invalid);
        }
        if self.all.len() >= FIELDS_MAX {
            return Err(HeaderError::Forbidden);
        }
        self.all.push((name, value));
        Ok(())
    }

    fn set(&mut self, name: &str, values: Vec<Vec<u8>>) -> Changed {
        // All or nothing.
        let mut changed = self.clone();
        changed.delete(name)?;
        values.into_iter().try_for_each(|value| changed.append(name.to_owned(), value))?;
        *self = changed;
        Ok(())
    }

    fn may_change(&self) -> Changed {
        if self.is_fixed { Err(HeaderError::Immutable) } else { Ok(()) }
    }
}

pub(super) fn lend(linker: &mut LinkerInstance<'_, Guest>, name: &str) -> wasmtime::Result<bool> {
    type This = Resource<Fields>;
    match name {
        "[constructor]fields" => {
            put(linker, name, |guest, (): ()| Ok((guest.table.push(Fields::default())?,)))
        }
        "[static]fields.from-list" => put(linker, name, |guest, (all,): (Vec<(String, Vec<u8>)>,)| {
            let mut fields = Fields::default();
            let added = all.into_iter().try_for_each(|(name, value)| fields.append(name, value));
            Ok((match added {
                Ok(()) => Ok(guest.table.push(fields)?),
                Err(error) => Err(error),
            },))
        }),
        "[method]fields.get" => {
            put(linker, name, |guest, (this, name): (This, String)| Ok((guest.table.get(&this)?.get(&name),)))
        }
        "[method]fields.has" => put(linker, name, |guest, (this, name): (This, String)| {
            Ok((!guest.table.get(&this)?.get(&name).is_empty(),))
        }),
        "[method]fields.set" => {
            put(linker, name, |guest, (this, name, values): (This, String, Vec<Vec<u8>>)| {
                Ok((guest.table.get_mut(&this)?.set(&name, values),))
            })
        }
        "[method]fields.delete" => put(linker, name, |guest, (this, name): (This, String)| {
            Ok((guest.table.get_mut(&this)?.delete(&name),))
        }),
        "[method]fields.append" => {
            put(linker, name, |guest, (this, name, value): (This, String, Vec<u8>)| {
                Ok((guest.table.get_mut(&this)?.append(name, value),))
            })
        }
        "[method]fields.entries" => {
            put(linker, name, |guest, (this,): (This,)| Ok((guest.table.get(&this)?.all.clone(),)))
        }
        "[method]fields.clone" => put(linker, name, |guest, (this,): (This,)| {
            let copy = Fields { is_fixed: false, ..guest.table.get(&this)?.clone() };
            Ok((guest.table.push(copy)?,))
        }),
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_valid_few_and_of_their_message() {
        let mut fields = Fields::default();
        fields.append("Accept".to_owned(), b"a".to_vec()).unwrap();
        fields.append("accept".to_owned(), b"b".to_vec()).unwrap();
        assert_eq!(fields.get("ACCEPT"), [b"a".to_vec(), b"b".to_vec()]);
        let smuggled = fields.append("x".to_owned(), b"a\r\nhost: other".to_vec());
        assert_eq!(smuggled, Err(HeaderError::Invalid));
        assert_eq!(fields.set("accept", vec![b"c".to_vec(), b"\n".to_vec()]), Err(HeaderError::Invalid));
        assert_eq!(fields.get("accept").len(), 2, "all or nothing");
        fields.set("accept", vec![b"c".to_vec()]).unwrap();
        for number in 1..FIELDS_MAX {
            fields.append(format!("x-{number}"), Vec::new()).unwrap();
        }
        assert_eq!(fields.append("one-more".to_owned(), Vec::new()), Err(HeaderError::Forbidden));
        let mut fixed = fields.fixed();
        assert_eq!(fixed.delete("accept"), Err(HeaderError::Immutable));
    }
}
