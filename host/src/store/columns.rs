//! From rows to values: columns are read in the order in which they were selected.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::any::AnyRow;
use sqlx::{Any, Decode, Row, Type};

use super::error::StoreError;

/// Reads one row from left to right.
pub(super) struct Columns<'r> {
    row: &'r AnyRow,
    table: &'static str,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r AnyRow, table: &'static str) -> Self {
        Self { row, table, next: 0 }
    }

    fn take<T: Decode<'r, Any> + Type<Any>>(&mut self) -> Result<T, StoreError> {
        let index = self.next;
        self.next += 1;
        self.row.try_get(index).map_err(|error| self.unreadable(error))
    }

    fn unreadable(&self, problem: impl std::fmt::Display) -> StoreError {
        StoreError::Row { table: self.table, problem: format!("column {}: {problem}", self.next) }
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        self.take()
    }

    pub(super) fn text_maybe(&mut self) -> Result<Option<String>, StoreError> {
        self.take()
    }

    pub(super) fn int(&mut self) -> Result<i64, StoreError> {
        self.take()
    }

    pub(super) fn int_maybe(&mut self) -> Result<Option<i64>, StoreError> {
        self.take()
    }

    /// A number that is never negative and fits `N`.
    pub(super) fn number<N: TryFrom<i64>>(&mut self) -> Result<N, StoreError> {
        let value = self.int()?;
        N::try_from(value).map_err(|_out_of_range| self.unreadable(format!("{value} is out of range")))
    }

    pub(super) fn flag(&mut self) -> Result<bool, StoreError> {
        Ok(self.int()? != 0)
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.take()
    }

    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        let text: &str = self.take()?;
        serde_json::from_str(text).map_err(|error| self.unreadable(error))
    }

    pub(super) fn json_maybe<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        let Some(text) = self.take::<Option<&str>>()? else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|error| self.unreadable(error))
    }

    /// A unit variant by its name, such as `synced`.
    pub(super) fn word<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        let text = self.text()?;
        serde_json::from_value(serde_json::Value::String(text)).map_err(|error| self.unreadable(error))
    }

    /// What reads itself from text, such as a place.
    pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self) -> Result<T, StoreError> {
        self.text()?.parse().map_err(|error: T::Err| self.unreadable(error))
    }
}

pub(super) fn json<T: Serialize + ?Sized>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Value { what, problem: error.to_string() })
}

pub(super) fn json_maybe<T: Serialize>(
    what: &'static str,
    value: Option<&T>,
) -> Result<Option<String>, StoreError> {
    value.map(|value| json(what, value)).transpose()
}

/// The name of a unit variant, as serde spells it.
pub(super) fn word<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => Ok(text),
        Ok(other) => Err(StoreError::Value { what, problem: format!("{other} is not one word") }),
        Err(error) => Err(StoreError::Value { what, problem: error.to_string() }),
    }
}

pub(super) fn integer<N: TryInto<i64>>(what: &'static str, value: N) -> Result<i64, StoreError> {
    value
        .try_into()
        .map_err(|_out_of_range| StoreError::Value { what, problem: "the number is too large".to_owned() })
}
