//! Statements. Their text is made of our words and of the database's own names in quotes; every value is bound.

use std::fmt;

use super::cell::Cell;
use super::table::{Class, Column, Table};

/// What a database understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    Sqlite,
}

/// A text with places for values, and the values.
#[derive(Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) dialect: Dialect,
    pub(super) text: String,
    pub(super) values: Vec<Cell>,
}

impl fmt::Debug for Statement {
    /// Without values: one of them may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Statement {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            text: String::new(),
            values: Vec::new(),
        }
    }

    /// Words of ours.
    pub(super) fn push(&mut self, words: &str) -> &mut Self {
        self.text.push_str(words);
        self
    }

    /// A name in quotes.
    pub(super) fn name(&mut self, name: &str) -> &mut Self {
        self.text.push('"');
        self.text.push_str(&name.replace('"', "\"\""));
        self.text.push('"');
        self
    }

    /// The name of a table.
    pub(super) fn table(&mut self, table: &Table) -> &mut Self {
        self.list(&table.name, ".", |statement, part| {
            statement.name(part);
        })
    }

    /// Several with something between them.
    pub(super) fn list<T>(&mut self, items: &[T], between: &str, each: impl Fn(&mut Self, &T)) -> &mut Self {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.push(between);
            }
            each(self, item);
        }
        self
    }

    /// A place for a value, which PostgreSQL is given as a text.
    pub(super) fn bind(&mut self, value: Cell) -> &mut Self {
        self.values.push(value);
        match self.dialect {
            Dialect::Postgres => self.text.push_str(&format!("${}::text", self.values.len())),
            Dialect::Sqlite => self.text.push_str(&format!("?{}", self.values.len())),
        }
        self
    }

    /// A place for a value of a column.
    pub(super) fn bind_as(&mut self, column: &Column, value: Cell) -> &mut Self {
        match (self.dialect, column.class) {
            (Dialect::Sqlite, _) => self.bind(value),
            (Dialect::Postgres, Class::Bytes) => self.push("decode(").bind(value).push(", 'base64')"),
            // The name of the type is the database's own, and already in quotes where it needs them.
            (Dialect::Postgres, _) => self.bind(value).push("::").push(&column.cast),
        }
    }

    /// The same where it is compared.
    pub(super) fn bind_ordered(&mut self, column: &Column, value: Cell) -> &mut Self {
        self.bind(value);
        match self.dialect {
            Dialect::Sqlite => self,
            Dialect::Postgres => self.push("::").push(column.order_cast()),
        }
    }

    /// The value of a column as it is read.
    pub(super) fn value(&mut self, column: &Column) -> &mut Self {
        match (self.dialect, column.class) {
            (Dialect::Sqlite, _) => self.name(&column.name),
            (Dialect::Postgres, Class::Bytes) => self.push("encode(").name(&column.name).push(", 'base64')"),
            (Dialect::Postgres, _) => self.name(&column.name).push("::text"),
        }
    }

    /// The key as it is read: not as Base64.
    pub(super) fn key(&mut self, table: &Table) -> &mut Self {
        self.name(&table.key.name);
        match self.dialect {
            Dialect::Sqlite => self,
            Dialect::Postgres => self.push("::text"),
        }
    }

    /// The condition that a row has this id, exactly. The column's own comparison comes first, so that an index is used.
    pub(super) fn has_uid(&mut self, table: &Table, uid: &str) -> &mut Self {
        match self.dialect {
            Dialect::Postgres => self
                .name(&table.key.name)
                .push(" = ")
                .bind_ordered(&table.key, uid.into())
                .push(" AND ")
                .key(table)
                .push(" COLLATE \"C\" = ")
                .bind(uid.into()),
            Dialect::Sqlite => {
                let number = uid.parse::<i64>().map_or_else(|_| uid.into(), Cell::Integer);
                self.name(&table.key.name)
                    .push(" IN (")
                    .bind(uid.into())
                    .push(", ")
                    .bind(number)
                    .push(") AND CAST(")
                    .name(&table.key.name)
                    .push(" AS TEXT) = ")
                    .bind(uid.into())
                    .push(" COLLATE BINARY")
            }
        }
    }
}
