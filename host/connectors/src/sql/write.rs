//! Changing rows. A change is one transaction: it reads the row and keeps it from others, sees that it is what the caller
//! thinks it is, and changes exactly one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Inner;
use super::cell::{self, Cell};
use super::read::{entry, not_unique, readable};
use super::session::{Access, Session};
use super::statement::{Dialect, Statement};
use super::table::{Class, Column, Table};
use crate::connector::{Change, Entry, NAME, NewEntry, PASSWORD, UID};
use crate::definition::{Kind, ObjectType};
use crate::error::Error;
use crate::mapping;

/// What becomes of columns.
type Cells<'a> = Vec<(&'a Column, Cell)>;

impl Inner {
    pub(super) async fn create(&self, kind: &ObjectType, entry: NewEntry) -> Result<String, Error> {
        let table = self.table().await?;
        let mut cells = self.cells(kind, &table, entry.attributes)?;
        if let Some(chosen) = &entry.uid {
            let said = cells.iter().find(|(column, _)| table.is_key(column));
            match said.map(|(_, cell)| cell.uid()).transpose()? {
                Some(said) if said != *chosen => {
                    return Err(Error::Invalid(format!(
                        "the path says '{chosen}', and the object says '{said}'"
                    )));
                }
                Some(_) => {}
                None => cells.push((
                    &table.key,
                    self.cell(&table.key, Kind::Text, &Value::from(chosen.as_str()))?,
                )),
            }
        }
        if self.settings.writes_empty_text {
            let is_unsaid = |column: &Column| !cells.iter().any(|(said, _)| said.name == column.name);
            let empty = table.columns.iter().filter(|column| {
                is_text(column)
                    && !column.takes_null
                    && !column.has_default
                    && is_unsaid(column)
                    && !table.is_key(column)
            });
            let empty: Cells<'_> = empty.map(|column| (column, Cell::from(""))).collect();
            cells.extend(empty);
        }
        let mut statement = Statement::new(self.database.dialect());
        statement.push("INSERT INTO ").table(&table);
        if cells.is_empty() {
            statement.push(" DEFAULT VALUES");
        } else {
            statement.push(" (").list(&cells, ", ", |statement, (column, _)| {
                statement.name(&column.name);
            });
            statement
                .push(") VALUES (")
                .list(&cells, ", ", |statement, (column, cell)| {
                    statement.bind_as(column, cell.clone());
                });
            statement.push(")");
        }
        statement.push(" RETURNING ").key(&table);
        let mut session = self.begin(Access::Write).await?;
        let done = session
            .rows(statement)
            .await
            .and_then(|answer| made(answer.rows, &table));
        let done = settled(session, done).await;
        // Which of its values is taken, the database says; that it is the id is what callers ask about.
        match (done, entry.uid.or_else(|| key_of(&cells, &table))) {
            (Err(Error::Taken(what)), Some(uid)) => match self.get(kind, &uid).await {
                Ok(Some(_)) => Err(Error::Exists(uid)),
                _ => Err(Error::Taken(what)),
            },
            (done, _) => done,
        }
    }

    pub(super) async fn update(
        &self,
        kind: &ObjectType,
        uid: &str,
        changes: Vec<Change>,
        rev: Option<&str>,
    ) -> Result<String, Error> {
        let table = self.table().await?;
        let before = changes
            .iter()
            .map(|change| (change.attribute.clone(), change.before.clone()));
        let before: Vec<_> = before.collect();
        let after = changes
            .into_iter()
            .map(|change| (change.attribute, change.after))
            .collect();
        let mut cells = self.cells(kind, &table, after)?;
        for (column, cell) in &mut cells {
            if *cell != Cell::Null {
                continue;
            }
            if table.is_key(column) {
                return Err(Error::Invalid("an object cannot be without its id".to_owned()));
            }
            if self.settings.writes_empty_text && is_text(column) && !column.takes_null {
                *cell = Cell::from("");
            }
        }
        let mut session = self.begin(Access::Write).await?;
        let done = async {
            let entry = self.locked(session.as_mut(), kind, &table, uid, rev).await?;
            if let Some((attribute, _)) = before
                .iter()
                .find(|(native, before)| differs(&entry, native, before.as_deref()))
            {
                return Err(Error::Changed(format!("others changed '{attribute}' meanwhile")));
            }
            let mut statement = Statement::new(self.database.dialect());
            statement.push("UPDATE ").table(&table).push(" SET ");
            statement.list(&cells, ", ", |statement, (column, cell)| {
                statement.name(&column.name).push(" = ").bind_as(column, cell.clone());
            });
            statement
                .push(" WHERE ")
                .has_uid(&table, uid)
                .push(" RETURNING ")
                .key(&table);
            made(session.rows(statement).await?.rows, &table)
        };
        let done = done.await;
        settled(session, done).await
    }

    pub(super) async fn delete(&self, kind: &ObjectType, uid: &str, rev: Option<&str>) -> Result<(), Error> {
        let table = self.table().await?;
        let mut session = self.begin(Access::Write).await?;
        let done = async {
            self.locked(session.as_mut(), kind, &table, uid, rev).await?;
            let mut statement = Statement::new(self.database.dialect());
            statement
                .push("DELETE FROM ")
                .table(&table)
                .push(" WHERE ")
                .has_uid(&table, uid);
            statement.push(" RETURNING ").key(&table);
            made(session.rows(statement).await?.rows, &table).map(drop)
        };
        let done = done.await;
        settled(session, done).await
    }

    /// The object of an id, which nobody else changes before the session ends.
    async fn locked(
        &self,
        session: &mut dyn Session,
        kind: &ObjectType,
        table: &Table,
        uid: &str,
        rev: Option<&str>,
    ) -> Result<Entry, Error> {
        let read = table.read(kind, &readable(kind))?;
        let how = match self.database.dialect() {
            Dialect::Postgres => " FOR UPDATE",
            // The whole file is.
            Dialect::Sqlite => "",
        };
        let found = self.find(session, table, &read, uid, how).await?;
        let entry = entry(&read, found.ok_or_else(|| Error::Missing(uid.to_owned()))?)?;
        match rev {
            Some(rev) if rev != mapping::revision(kind, &entry) => Err(Error::Revision),
            _ => Ok(entry),
        }
    }

    /// Column and value for each attribute.
    fn cells<'a>(
        &self,
        kind: &ObjectType,
        table: &'a Table,
        attributes: BTreeMap<String, Vec<Value>>,
    ) -> Result<Cells<'a>, Error> {
        let mut cells: Cells<'a> = Vec::with_capacity(attributes.len());
        for (native, values) in attributes {
            let column = table.column(&native)?;
            let property = kind.properties.iter().find(|property| property.native == native);
            let cell = match values.as_slice() {
                [] => Cell::Null,
                [value] => self.cell(column, property.map_or(Kind::Text, |property| property.kind), value)?,
                _ => {
                    return Err(Error::Invalid(format!(
                        "the column '{}' takes one value only",
                        column.name
                    )));
                }
            };
            match cells.iter().find(|(other, _)| other.name == column.name) {
                Some((_, other)) if *other == cell => {}
                Some(_) => {
                    return Err(Error::Invalid(format!(
                        "the column '{}' is given two values: two properties are this column",
                        column.name
                    )));
                }
                None => cells.push((column, cell)),
            }
        }
        Ok(cells)
    }

    fn cell(&self, column: &Column, kind: Kind, value: &Value) -> Result<Cell, Error> {
        match self.database.dialect() {
            Dialect::Postgres => cell::text_for(column, value),
            Dialect::Sqlite => cell::native_for(column, kind, value),
        }
    }
}

/// Makes true what went well, and nothing else.
async fn settled<T>(session: Box<dyn Session>, done: Result<T, Error>) -> Result<T, Error> {
    match done {
        Ok(answer) => session.end().await.map(|()| answer),
        Err(error) => {
            if let Err(worse) = session.undo().await {
                // Its connection is closed, which undoes everything as well.
                tracing::debug!(error = %worse, "a change of a table was not undone in order");
            }
            Err(error)
        }
    }
}

/// The id of the only row that a statement changed.
fn made(rows: Vec<Vec<Cell>>, table: &Table) -> Result<String, Error> {
    match rows.as_slice() {
        [row] => match row.first() {
            None | Some(Cell::Null) => Err(Error::Invalid(format!(
                "the column '{}' needs a value: it is the id",
                table.key.name
            ))),
            Some(key) => key.uid(),
        },
        [] => Err(Error::Denied(
            "the database changed nothing: a rule, a trigger or a policy of the table keeps it from that".to_owned(),
        )),
        _ => Err(not_unique(table)),
    }
}

fn key_of(cells: &Cells<'_>, table: &Table) -> Option<String> {
    let (_, key) = cells.iter().find(|(column, _)| table.is_key(column))?;
    key.uid().ok()
}

/// Whether an attribute is not what a caller thinks it is.
fn differs(entry: &Entry, native: &str, before: Option<&[Value]>) -> bool {
    let Some(before) = before else { return false };
    match native {
        NAME | UID => before.first().and_then(Value::as_str) != Some(entry.uid.as_str()),
        PASSWORD => false,
        _ => entry.attributes.get(native).map_or(&[][..], Vec::as_slice) != before,
    }
}

fn is_text(column: &Column) -> bool {
    match column.class {
        Class::Text => ["text", "character varying", "bpchar"].contains(&column.cast.as_str()),
        Class::Any => ["CHAR", "CLOB", "TEXT"]
            .iter()
            .any(|part| column.cast.to_ascii_uppercase().contains(part)),
        _ => false,
    }
}
