//! Statements whose length depends on their data: filters, and many rows at once.

use serde::Serialize;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, AnyConnection, Arguments, AssertSqlSafe, Encode, Type};

use super::columns::word;
use super::error::StoreError;

/// Rows of one statement: with 24 columns 12,000 values, below SQLite's 32,766 and PostgreSQL's 65,535.
pub(super) const ROWS_MAX: usize = 500;

/// Stands for the next bound value until it is known which database reads the statement.
const PLACEHOLDER: char = '\u{1}';

/// SQL under construction. Only text of this program is pushed; everything else is bound.
pub(super) struct Statement {
    /// With a `PLACEHOLDER` for each argument, in order.
    sql: String,
    arguments: AnyArguments,
    failed: Option<sqlx::Error>,
}

impl Statement {
    pub(super) fn new(sql: &'static str) -> Self {
        Self { sql: sql.to_owned(), arguments: AnyArguments::default(), failed: None }
    }

    pub(super) fn push(&mut self, sql: &'static str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Writes a placeholder and binds it.
    pub(super) fn bind<'t, T: Encode<'t, Any> + Type<Any>>(&mut self, value: T) -> &mut Self {
        if let Err(error) = self.arguments.add(value) {
            self.failed = Some(sqlx::Error::Encode(error));
        }
        self.sql.push(PLACEHOLDER);
        self
    }

    /// `(row), (row)`: `bind_row` binds the values of one, each after a `comma`.
    pub(super) fn rows<R>(
        &mut self,
        rows: &[R],
        mut bind_row: impl FnMut(&mut Row<'_>, &R) -> Result<(), StoreError>,
    ) -> Result<&mut Self, StoreError> {
        for (position, row) in rows.iter().enumerate() {
            self.push(if position == 0 { "(" } else { ", (" });
            bind_row(&mut Row { statement: self, first: true }, row)?;
            self.push(")");
        }
        Ok(self)
    }

    /// `value, value, …`
    pub(super) fn list<'t, T: Encode<'t, Any> + Type<Any>>(
        &mut self,
        values: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        let mut row = Row { statement: self, first: true };
        for value in values {
            row.bind(value);
        }
        self
    }

    /// ` and COLUMN in (word, …)`. No values: all are wanted, and nothing is written.
    pub(super) fn among<T: Serialize>(
        &mut self,
        column: &'static str,
        values: &[T],
    ) -> Result<&mut Self, StoreError> {
        if values.is_empty() {
            return Ok(self);
        }
        let words = values.iter().map(|value| word(column, value)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.push(" and ").push(column).push(" in (").list(words).push(")"))
    }

    pub(super) async fn fetch_all(self, connection: &mut AnyConnection) -> Result<Vec<AnyRow>, StoreError> {
        let query = self.finish(connection)?;
        Ok(query.fetch_all(connection).await?)
    }

    pub(super) async fn execute(self, connection: &mut AnyConnection) -> Result<u64, StoreError> {
        let query = self.finish(connection)?;
        Ok(query.execute(connection).await?.rows_affected())
    }

    fn finish(
        self,
        connection: &AnyConnection,
    ) -> Result<sqlx::query::Query<'static, Any, AnyArguments>, StoreError> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        // SQLite takes `$1` for a name and looks each name up among all before it: 500 rows took seconds.
        let numbered = connection.backend_name() == "PostgreSQL";
        let mut sql = String::with_capacity(self.sql.len() * 2);
        for (position, part) in self.sql.split(PLACEHOLDER).enumerate() {
            match (position, numbered) {
                (0, _) => {}
                (_, false) => sql.push('?'),
                (_, true) => {
                    sql.push('$');
                    sql.push_str(&position.to_string());
                }
            }
            sql.push_str(part);
        }
        // Not kept prepared: each length would be a statement of its own.
        Ok(sqlx::query_with(AssertSqlSafe(sql), self.arguments).persistent(false))
    }
}

/// One row of values.
pub(super) struct Row<'s> {
    statement: &'s mut Statement,
    first: bool,
}

impl Row<'_> {
    pub(super) fn bind<'t, T: Encode<'t, Any> + Type<Any>>(&mut self, value: T) -> &mut Self {
        if !std::mem::take(&mut self.first) {
            self.statement.push(", ");
        }
        self.statement.bind(value);
        self
    }
}
