//! Changes of a table, found by a column that says when a row last changed: a time, or a number that grows. It tells
//! nothing of rows that are gone, and nothing of one that becomes visible with an older stamp than those that were read
//! already: reconciliation finds these.
//!
//! A token is the last stamp with the digests of the rows that have it and were handed over, so that a row that changes again
//! under the same stamp is not lost. Where too many rows have one stamp, they are told apart by their key instead.

use serde_json::{Value, json};

use super::Inner;
use super::cell::Cell;
use super::read::{entry, select};
use super::session::{Access, Rows, Session};
use super::statement::Statement;
use super::table::{Class, Column, Table};
use crate::connector::{Delta, DeltaKind, Entry, SyncPage};
use crate::definition::ObjectType;
use crate::error::Error;
use crate::mapping::{self, Wanted};

/// So many rows with one stamp are told apart by their digest.
const MAX_SEEN: usize = 200;

/// How far changes were handed over.
#[derive(Clone, Debug, PartialEq)]
struct Token {
    /// None before the first change.
    stamp: Option<Cell>,
    /// The rows with this stamp that were handed over.
    seen: Vec<String>,
    /// Or all up to this key.
    after: Option<Cell>,
}

impl Token {
    const EMPTY: Self = Self {
        stamp: None,
        seen: Vec::new(),
        after: None,
    };

    fn parse(value: &Value) -> Option<Self> {
        let members = value.as_object()?;
        let cell = |name: &str| match members.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => Cell::from_json(value).map(Some),
        };
        let seen = members.get("seen")?.as_array()?.iter();
        Some(Self {
            stamp: cell("stamp")?,
            seen: seen.filter_map(|digest| digest.as_str().map(str::to_owned)).collect(),
            after: cell("after")?,
        })
    }

    fn value(&self) -> Value {
        let mut value = json!({"stamp": self.stamp.as_ref().map(Cell::to_json), "seen": self.seen});
        if let Some(after) = &self.after {
            value["after"] = after.to_json();
        }
        value
    }

    /// Behind a row.
    fn behind(&mut self, stamp: Cell, key: Cell, digest: String) {
        if self.stamp.as_ref() != Some(&stamp) {
            *self = Self {
                stamp: Some(stamp),
                ..Self::EMPTY
            };
        }
        if self.after.is_none() && self.seen.len() < MAX_SEEN {
            self.seen.push(digest);
        } else {
            self.keys_up_to(key);
        }
    }

    /// From now on by the key.
    fn keys_up_to(&mut self, key: Cell) {
        self.seen.clear();
        self.after = Some(key);
    }
}

impl Inner {
    pub(super) async fn latest_token(&self, kind: &ObjectType) -> Result<Value, Error> {
        let table = self.table().await?;
        let stamp = stamp_column(&table)?;
        let mut session = self.begin(Access::Read).await?;
        let mut newest = Statement::new(self.database.dialect());
        newest
            .push("SELECT ")
            .value(stamp)
            .push(" FROM ")
            .table(&table)
            .push(" WHERE ");
        exists(&mut newest, &table, stamp);
        newest.push(" ORDER BY ").name(&stamp.name).push(" DESC LIMIT 1");
        let found = session.rows(newest).await?.rows;
        let Some(at) = found.into_iter().next().and_then(|row| row.into_iter().next()) else {
            session.end().await?;
            return Ok(Token::EMPTY.value());
        };
        let mut token = Token {
            stamp: Some(at),
            ..Token::EMPTY
        };
        let rows = self.behind(session.as_mut(), kind, &table, &token, MAX_SEEN).await?;
        if rows.rows.len() <= MAX_SEEN && !rows.is_cut {
            for (stamp, key, entry) in self.entries(kind, &table, rows)? {
                token.behind(stamp, key, mapping::revision(kind, &entry));
            }
        } else if let Some(at) = token.stamp.clone() {
            // All that have this stamp are there already, however many they are.
            let mut last = Statement::new(self.database.dialect());
            last.push("SELECT ")
                .key(&table)
                .push(" FROM ")
                .table(&table)
                .push(" WHERE ");
            exists(&mut last, &table, stamp);
            last.push(" AND ").name(&stamp.name).push(" = ").bind_ordered(stamp, at);
            last.push(" ORDER BY ").name(&table.key.name).push(" DESC LIMIT 1");
            let found = session.rows(last).await?.rows;
            if let Some(key) = found.into_iter().next().and_then(|row| row.into_iter().next()) {
                token.keys_up_to(key);
            }
        }
        session.end().await?;
        Ok(token.value())
    }

    pub(super) async fn changes(&self, kind: &ObjectType, token: &Value, limit: usize) -> Result<SyncPage, Error> {
        let table = self.table().await?;
        stamp_column(&table)?;
        let bad = || Error::Position("the token is none of a table".to_owned());
        let mut token = Token::parse(token).ok_or_else(bad)?;
        let mut session = self.begin(Access::Read).await?;
        let wanted = limit.saturating_add(token.seen.len());
        let rows = self.behind(session.as_mut(), kind, &table, &token, wanted).await?;
        session.end().await?;
        let (is_cut, count) = (rows.is_cut, rows.rows.len());
        let mut deltas = Vec::new();
        let (mut last, mut is_full) = (None, false);
        let begun = token.clone();
        for (stamp, key, entry) in self.entries(kind, &table, rows)? {
            last = Some(key.clone());
            let digest = mapping::revision(kind, &entry);
            if begun.stamp.as_ref() == Some(&stamp) && begun.seen.contains(&digest) {
                continue;
            }
            if deltas.len() >= limit {
                is_full = true;
                break;
            }
            token.behind(stamp, key, digest);
            deltas.push(Delta {
                kind: DeltaKind::Update,
                uid: entry.uid.clone(),
                entry: Some(entry),
                token: token.value(),
            });
        }
        if let (true, true, Some(last)) = (deltas.is_empty(), is_cut, last) {
            // Rows so large that only those fit that are known: go on behind them.
            token.keys_up_to(last);
        }
        Ok(SyncPage {
            token: token.value(),
            has_more: is_cut || is_full || count > wanted,
            deltas,
        })
    }

    /// Rows behind a token, one more than asked for: key, stamp, what is shown.
    async fn behind(
        &self,
        session: &mut dyn Session,
        kind: &ObjectType,
        table: &Table,
        token: &Token,
        limit: usize,
    ) -> Result<Rows, Error> {
        let stamp = stamp_column(table)?;
        let read = table.read(kind, &Wanted::default().natives(kind))?;
        let mut statement = select(self.database.dialect(), table, &read, Some(stamp));
        statement.push(" WHERE ");
        exists(&mut statement, table, stamp);
        if let Some(at) = &token.stamp {
            statement
                .push(" AND ")
                .name(&stamp.name)
                .push(" >= ")
                .bind_ordered(stamp, at.clone());
            if let Some(after) = &token.after {
                statement
                    .push(" AND (")
                    .name(&stamp.name)
                    .push(" > ")
                    .bind_ordered(stamp, at.clone());
                statement
                    .push(" OR ")
                    .name(&table.key.name)
                    .push(" > ")
                    .bind_ordered(&table.key, after.clone());
                statement.push(")");
            }
        }
        statement
            .push(" ORDER BY ")
            .name(&stamp.name)
            .push(", ")
            .name(&table.key.name);
        statement.push(&format!(" LIMIT {}", limit.saturating_add(1)));
        session.rows(statement).await
    }

    /// Stamp, key and object of each row.
    fn entries(&self, kind: &ObjectType, table: &Table, rows: Rows) -> Result<Vec<(Cell, Cell, Entry)>, Error> {
        let read = table.read(kind, &Wanted::default().natives(kind))?;
        let each = rows.rows.into_iter().map(|mut row| {
            let stamp = row.pop().unwrap_or(Cell::Null);
            let key = row.first().cloned().unwrap_or(Cell::Null);
            Ok((stamp, key, entry(&read, row)?))
        });
        each.collect()
    }
}

/// The column with the stamps, if it can be one.
fn stamp_column(table: &Table) -> Result<&Column, Error> {
    let column = table.change.as_ref().ok_or_else(|| {
        Error::Unsupported(
            "the table does not tell of changes: name the column that does in changeLogColumn".to_owned(),
        )
    })?;
    match column.class {
        Class::Integer | Class::Number | Class::Timestamp | Class::TimestampTz | Class::Any => Ok(column),
        Class::Text | Class::Boolean | Class::Bytes | Class::Uuid => Err(Error::Failed(format!(
            "the column '{}' of changeLogColumn has the type {}: a time or a number is needed",
            column.name, column.cast
        ))),
    }
}

/// Rows that have a key and a stamp. Nothing comes behind a time without an end.
fn exists(statement: &mut Statement, table: &Table, stamp: &Column) {
    statement.name(&table.key.name).push(" IS NOT NULL AND ");
    match stamp.class {
        Class::Timestamp | Class::TimestampTz => statement.push("isfinite(").name(&stamp.name).push(")"),
        _ => statement.name(&stamp.name).push(" IS NOT NULL"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_over_the_wire_and_moves_on() {
        let mut token = Token::EMPTY;
        assert_eq!(Token::parse(&token.value()), Some(Token::EMPTY));
        token.behind(Cell::Integer(1), "a".into(), "da".to_owned());
        token.behind(Cell::Integer(1), "b".into(), "db".to_owned());
        assert_eq!(token.value(), json!({"stamp": 1, "seen": ["da", "db"]}));
        token.behind("2026-01-01 00:00:00+00".into(), "c".into(), "dc".to_owned());
        assert_eq!(
            token.value(),
            json!({"stamp": "2026-01-01 00:00:00+00", "seen": ["dc"]})
        );
        assert_eq!(Token::parse(&token.value()), Some(token));
        for wrong in [json!("1"), json!({"stamp": true, "seen": []}), json!({"stamp": 1})] {
            assert_eq!(Token::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn many_rows_with_one_stamp_are_told_apart_by_their_key() {
        let mut token = Token::EMPTY;
        for number in 0..=MAX_SEEN as i64 {
            token.behind(Cell::Integer(1), Cell::Integer(number), number.to_string());
        }
        assert_eq!(token.value(), json!({"stamp": 1, "seen": [], "after": MAX_SEEN}));
    }
}
