//! Statements whose length depends on their data: filters, and many rows at once.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, AnyConnection, Arguments, AssertSqlSafe, Encode, Type};

use super::error::StoreError;

/// Rows of one statement: with 24 columns 12,000 values, below SQLite's 32,766 and PostgreSQL's 65,535.
pub(super) const ROWS_MAX: usize = 500;

/// SQL under construction. Only text of this program is pushed; everything else is bound.
pub(super) struct Statement {
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

    /// Writes the next `$n` and binds it.
    pub(super) fn bind<'t, T: Encode<'t, Any> + Type<Any>>(&mut self, value: T) -> &mut Self {
        if let Err(error) = self.arguments.add(value) {
            self.failed = Some(sqlx::Error::Encode(error));
        }
        self.sql.push('$');
        self.sql.push_str(&self.arguments.len().to_string());
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

    /// `$1, $2, …`
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

    pub(super) async fn fetch_all(self, connection: &mut AnyConnection) -> Result<Vec<AnyRow>, StoreError> {
        let query = self.finish()?;
        Ok(query.fetch_all(connection).await?)
    }

    pub(super) async fn execute(self, connection: &mut AnyConnection) -> Result<u64, StoreError> {
        let query = self.finish()?;
        Ok(query.execute(connection).await?.rows_affected())
    }

    fn finish(self) -> Result<sqlx::query::Query<'static, Any, AnyArguments>, StoreError> {
        match self.failed {
            Some(error) => Err(error.into()),
            // Not kept prepared: each length would be a statement of its own.
            None => Ok(sqlx::query_with(AssertSqlSafe(self.sql), self.arguments).persistent(false)),
        }
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
