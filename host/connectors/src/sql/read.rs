//! Reading rows: one by its id, and many in the order of the key. A page ends behind a row, and the next one begins behind
//! its key, wherever rows have come or gone meanwhile.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Inner;
use super::cell::Cell;
use super::condition::Translation;
use super::session::{Access, Session};
use super::statement::{Dialect, Statement};
use super::table::{Column, Table};
use crate::connector::{Entry, Found, Search};
use crate::definition::{ObjectType, Property};
use crate::error::Error;

/// So many rows are read at once.
const BATCH: usize = 1000;
const SMALL_BATCH: usize = 20;

/// The columns that are read, behind the key.
pub(super) type Read<'a> = [(&'a Property, &'a Column)];

/// The native names of all that can be read of an object.
pub(super) fn readable(kind: &ObjectType) -> Vec<String> {
    let readable = kind.properties.iter().filter(|property| property.is_readable);
    readable.map(|property| property.native.clone()).collect()
}

/// `SELECT key, columns, last FROM table`
pub(super) fn select(dialect: Dialect, table: &Table, read: &Read<'_>, last: Option<&Column>) -> Statement {
    let mut statement = Statement::new(dialect);
    statement.push("SELECT ").key(table);
    for column in read.iter().map(|(_, column)| *column).chain(last) {
        statement.push(", ").value(column);
    }
    statement.from(table);
    statement
}

/// The object that a row is; its first value is the key. NULL is no value.
pub(super) fn entry(read: &Read<'_>, row: Vec<Cell>) -> Result<Entry, Error> {
    let mut cells = row.into_iter();
    let uid = cells.next().unwrap_or(Cell::Null).uid()?;
    let mut attributes = BTreeMap::new();
    for ((property, column), cell) in read.iter().zip(cells) {
        if let Some(value) = cell.shown(column, property.kind) {
            attributes.insert(property.native.clone(), vec![value]);
        }
    }
    Ok(Entry {
        name: uid.clone(),
        uid,
        attributes,
    })
}

/// The only row of an answer.
pub(super) fn only(rows: Vec<Vec<Cell>>, table: &Table) -> Result<Option<Vec<Cell>>, Error> {
    match rows.len() {
        0 | 1 => Ok(rows.into_iter().next()),
        _ => Err(not_unique(table)),
    }
}

pub(super) fn not_unique(table: &Table) -> Error {
    Error::Failed(format!(
        "several rows have the same key: the column '{}' has to be unique",
        table.key.name
    ))
}

impl Inner {
    pub(super) async fn get(&self, kind: &ObjectType, uid: &str) -> Result<Option<Entry>, Error> {
        let table = self.table().await?;
        let mut session = self.begin(Access::Read).await?;
        let read = table.read(kind, &readable(kind))?;
        let found = self.find(session.as_mut(), &table, &read, uid, "").await?;
        session.end().await?;
        found.map(|row| entry(&read, row)).transpose()
    }

    /// The row of an id.
    pub(super) async fn find(
        &self,
        session: &mut dyn Session,
        table: &Table,
        read: &Read<'_>,
        uid: &str,
        how: &str,
    ) -> Result<Option<Vec<Cell>>, Error> {
        if uid.contains('\0') {
            return Ok(None);
        }
        let mut statement = select(self.database.dialect(), table, read, None);
        statement.push(" WHERE ").has_uid(table, uid).push(" LIMIT 2").push(how);
        match session.rows(statement).await {
            Ok(found) => only(found.rows, table),
            // What cannot be a key is the key of nothing.
            Err(Error::Invalid(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn search(&self, kind: &ObjectType, search: Search) -> Result<Found, Error> {
        let table = self.table().await?;
        let read = table.read(kind, &search.attributes)?;
        let translation = Translation { kind, table: &table };
        let bound = translation.condition(&search.filter);
        let mut behind = search.after.as_deref().map(position).transpose()?;
        let mut found = Found::default();
        let mut session = self.begin(Access::Read).await?;
        let mut size = search.limit.saturating_add(2).clamp(SMALL_BATCH, BATCH);
        loop {
            let mut statement = select(self.database.dialect(), &table, &read, None);
            statement
                .push(" WHERE ")
                .name(&table.key.name)
                .push(" IS NOT NULL AND (");
            bound.write(&mut statement);
            statement.push(")");
            if let Some(behind) = &behind {
                // The row itself comes again, so that another one with the same key is noticed.
                statement.push(" AND ").name(&table.key.name).push(" >= ");
                statement.bind_ordered(&table.key, behind.clone());
            }
            statement
                .push(" ORDER BY ")
                .order(&table.key)
                .push(&format!(" LIMIT {size}"));
            let answer = session.rows(statement).await?;
            let is_last = answer.rows.len() < size && !answer.is_cut;
            let mut repeated = usize::from(behind.is_some());
            let mut is_further = false;
            for row in answer.rows {
                let key = row.first().cloned().unwrap_or(Cell::Null);
                if behind.as_ref() == Some(&key) {
                    if repeated == 0 {
                        return Err(not_unique(&table));
                    }
                    repeated -= 1;
                    continue;
                }
                if found.objects.len() >= search.limit {
                    found.position = behind.as_ref().map(|key| key.to_json().to_string().into_bytes());
                    session.end().await?;
                    return Ok(found);
                }
                let entry = entry(&read, row)?;
                if let Some(object) = (search.accept)(&entry) {
                    found.objects.push(object);
                }
                (behind, repeated, is_further) = (Some(key), 0, true);
            }
            if is_last || !is_further {
                session.end().await?;
                return Ok(found);
            }
            // Where little matches, more is read at once.
            size = BATCH;
        }
    }

    pub(super) async fn authenticate(&self, name: &str, password: &str) -> Result<String, Error> {
        let table = self.table().await?;
        let Some(secret) = &table.password else {
            return Err(Error::Unsupported(
                "the table has no column of passwords: name it in passwordColumn".to_owned(),
            ));
        };
        let mut statement = Statement::new(self.database.dialect());
        statement.push("SELECT ").key(&table).push(", ").value(secret);
        statement.from(&table).push(" WHERE ").has_uid(&table, name);
        statement.push(" LIMIT 2");
        if name.contains('\0') {
            return Err(Error::Credentials);
        }
        let mut session = self.begin(Access::Read).await?;
        let found = match session.rows(statement).await {
            Ok(found) => only(found.rows, &table)?,
            Err(Error::Invalid(_)) => return Err(Error::Credentials),
            Err(error) => return Err(error),
        };
        session.end().await?;
        let mut row = found.ok_or(Error::Credentials)?.into_iter();
        let uid = row.next().unwrap_or(Cell::Null).uid()?;
        let held = row.next().unwrap_or(Cell::Null);
        let held = held.text().unwrap_or_default();
        // Digests are compared, so that the time says nothing about how much of the password is right.
        let is_right = blake3::hash(held.as_bytes()) == blake3::hash(password.as_bytes());
        if is_right && !held.is_empty() {
            Ok(uid)
        } else {
            Err(Error::Credentials)
        }
    }
}

/// The key that a position names.
fn position(bytes: &[u8]) -> Result<Cell, Error> {
    let value: Option<Value> = serde_json::from_slice(bytes).ok();
    value
        .as_ref()
        .and_then(Cell::from_json)
        .ok_or_else(|| Error::Position("the cookie is none of a table".to_owned()))
}
