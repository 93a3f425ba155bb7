//! What of a filter the database is asked. A database compares texts by its collation, numbers by their types, and NULL with
//! nothing; so what is handed over is widened where the two would differ.

use host_resource::filter::{Literal, Operator};
use host_resource::{Filter, Pointer};

use super::cell::{Cell, is_uuid};
use super::statement::{Dialect, Statement};
use super::table::{Class, Column, Table};
use crate::bound::{Bound, EXACT, Translate};
use crate::connector::{NAME, PASSWORD, UID};
use crate::definition::{Kind, ObjectType};

mod pattern;
#[cfg(test)]
mod tests;

use pattern::{Part, pattern, spellings};

/// More tests in one statement are not handed over: a database nests them only so deep.
const MAX_TESTS: usize = 300;
/// Nor more texts in one list.
const MAX_TEXTS: usize = 2000;
/// A number of another type than the filter's may be off by so much of itself.
const SLACK: f64 = 1e-6;

/// A condition on rows.
pub(super) type Asked = Bound<Condition>;

/// One test of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Null(Column),
    NotNull(Column),
    /// A text, folded, is one of these.
    Texts(Column, Vec<String>),
    /// A text, folded, is like this pattern.
    Like(Column, String),
    /// A value is within bounds.
    Range {
        column: Column,
        low: Option<Cell>,
        high: Option<Cell>,
    },
}

/// What decides how a filter is handed over.
#[derive(Clone, Copy)]
pub(super) struct Translation<'a> {
    pub(super) kind: &'a ObjectType,
    pub(super) table: &'a Table,
}

impl Translation<'_> {
    /// A condition that finds whatever matches.
    pub(super) fn condition(&self, filter: &Filter) -> Asked {
        let bound = self.bound(filter);
        if bound.tests() > MAX_TESTS { Bound::All } else { bound }
    }

    fn test(&self, field: &Pointer, test: impl FnOnce(&Column, Kind) -> Asked) -> Asked {
        match self.column(field) {
            Some((column, kind)) => test(column, kind),
            None => Bound::All,
        }
    }

    /// The column of a field, and what its values are shown as, if it can be asked.
    fn column(&self, field: &Pointer) -> Option<(&Column, Kind)> {
        let [element] = field.elements() else { return None };
        let (native, kind) = match self.kind.property(element) {
            Some(property) if !property.is_readable => return None,
            Some(property) => (property.native.as_str(), property.kind),
            None if &**element == "_id" => (UID, Kind::Text),
            None => return None,
        };
        if native == PASSWORD {
            return None;
        }
        let column = self.table.column(native).ok()?;
        let is_secret = self
            .table
            .password
            .as_ref()
            .is_some_and(|password| password.name == column.name);
        if is_secret {
            return None;
        }
        // An id is shown as the database writes it, so a time is a text there.
        if [NAME, UID].contains(&native)
            && !matches!(column.class, Class::Text | Class::Integer | Class::Uuid | Class::Any)
        {
            return None;
        }
        Some((column, kind))
    }
}

impl Translate for Translation<'_> {
    type Test = Condition;

    fn present(&self, field: &Pointer) -> Asked {
        self.test(field, |column, _| not_null(column))
    }

    /// Having no value is the only thing of a negation that both sides say in the same way.
    fn absent(&self, field: &Pointer) -> Asked {
        self.test(field, |column, _| Bound::Test(Condition::Null(column.clone())))
    }

    fn compare(&self, field: &Pointer, operator: Operator, value: &Literal) -> Asked {
        self.test(field, |column, kind| compare(column, kind, operator, value))
    }

    fn any_of(&self, field: &Pointer, values: &[Literal]) -> Asked {
        self.test(field, |column, kind| any_of(column, kind, values))
    }

    fn ends(&self, field: &Pointer, value: &Literal) -> Asked {
        self.test(field, |column, kind| match value {
            Literal::Text(_) => text(column, kind, Part::End, value),
            Literal::Integer(_) | Literal::Double(_) | Literal::Boolean(_) => {
                compare(column, kind, Operator::Eq, value)
            }
        })
    }
}

fn not_null(column: &Column) -> Asked {
    Bound::Test(Condition::NotNull(column.clone()))
}

fn exactly(column: &Column, value: Cell) -> Asked {
    Bound::Test(Condition::Range {
        column: column.clone(),
        low: Some(value.clone()),
        high: Some(value),
    })
}

fn compare(column: &Column, kind: Kind, operator: Operator, value: &Literal) -> Asked {
    match value {
        Literal::Text(_) => match operator {
            Operator::Eq => text(column, kind, Part::Whole, value),
            Operator::Co => text(column, kind, Part::Anywhere, value),
            Operator::Sw => text(column, kind, Part::Begin, value),
            Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge => time(column, operator, value),
        },
        Literal::Integer(_) | Literal::Double(_) => number(column, kind, operator, value),
        Literal::Boolean(wanted) => {
            let is_equality = matches!(operator, Operator::Eq | Operator::Co | Operator::Sw);
            let value = match column.class {
                Class::Boolean => Cell::Text(wanted.to_string()),
                Class::Integer => Cell::Text(i64::from(*wanted).to_string()),
                Class::Any => Cell::Integer(i64::from(*wanted)),
                _ => return not_null(column),
            };
            if !is_equality || kind != Kind::Boolean {
                return not_null(column);
            }
            exactly(column, value)
        }
    }
}

fn any_of(column: &Column, kind: Kind, values: &[Literal]) -> Asked {
    let each = values.iter().map(|value| compare(column, kind, Operator::Eq, value));
    let mut texts = Vec::new();
    let mut others = Vec::new();
    for condition in each {
        match condition {
            Bound::Test(Condition::Texts(_, some)) => texts.extend(some),
            other => others.push(other),
        }
    }
    if texts.len() > MAX_TEXTS {
        return not_null(column);
    }
    if !texts.is_empty() {
        others.push(Bound::Test(Condition::Texts(column.clone(), texts)));
    }
    Bound::or(others.into_iter())
}

/// What is like a text.
fn text(column: &Column, kind: Kind, part: Part, value: &Literal) -> Asked {
    let Literal::Text(literal) = value else {
        return not_null(column);
    };
    let folded = literal.folded();
    match column.class {
        Class::Text | Class::Any if matches!(kind, Kind::Bytes) => not_null(column),
        Class::Text | Class::Any => like(column, folded, part),
        // The database writes numbers and UUIDs in one way only, so another text is none of them.
        Class::Integer if kind == Kind::Text && part == Part::Whole => match folded.parse::<i64>() {
            Ok(number) if number.to_string() == folded => exactly(column, folded.into()),
            _ => Bound::Nothing,
        },
        Class::Uuid if part == Part::Whole => match is_uuid(folded) {
            true => exactly(column, folded.into()),
            false => Bound::Nothing,
        },
        Class::Integer if kind == Kind::Text => like(column, folded, part),
        Class::Uuid => like(column, folded, part),
        Class::Timestamp | Class::TimestampTz if part == Part::Whole => time(column, Operator::Eq, value),
        _ => not_null(column),
    }
}

/// Texts that are this one, folded; or that are like a pattern where that is not enough.
fn like(column: &Column, folded: &str, part: Part) -> Asked {
    if folded.contains('\0') {
        return not_null(column);
    }
    if part == Part::Whole && folded.is_ascii() && folded.matches('k').count() <= 3 {
        return Bound::Test(Condition::Texts(column.clone(), spellings(folded)));
    }
    match pattern(folded, part) {
        Some(pattern) => Bound::Test(Condition::Like(column.clone(), pattern)),
        None => not_null(column),
    }
}

/// Numbers: bounds a little wider than asked for.
fn number(column: &Column, kind: Kind, operator: Operator, value: &Literal) -> Asked {
    if !matches!(kind, Kind::Integer | Kind::Number)
        || !matches!(column.class, Class::Integer | Class::Number | Class::Any)
    {
        return not_null(column);
    }
    let bounds = match (column.class, value) {
        (Class::Integer, Literal::Integer(number)) if number.unsigned_abs() < EXACT.unsigned_abs() => {
            (Cell::Text(number.to_string()), Cell::Text(number.to_string()))
        }
        (Class::Integer, Literal::Double(number)) if number.abs() < EXACT as f64 => (
            Cell::Text((number.floor() as i64).to_string()),
            Cell::Text((number.ceil() as i64).to_string()),
        ),
        (Class::Number | Class::Any, Literal::Integer(_) | Literal::Double(_)) => {
            let number = match value {
                Literal::Integer(number) => *number as f64,
                Literal::Double(number) => *number,
                Literal::Text(_) | Literal::Boolean(_) => return not_null(column),
            };
            let slack = number.abs() * SLACK + f64::MIN_POSITIVE;
            let (low, high) = (number - slack, number + slack);
            if !low.is_finite() || !high.is_finite() {
                return not_null(column);
            }
            match column.class {
                Class::Any => (Cell::Real(low), Cell::Real(high)),
                _ => (Cell::Text(format!("{low:e}")), Cell::Text(format!("{high:e}"))),
            }
        }
        _ => return not_null(column),
    };
    bounded(column, operator, bounds)
}

/// Times are texts here. Those of years of four digits are in the order of their texts, up to the second; what else the
/// database has as a time, such as `infinity`, is found in any case.
fn time(column: &Column, operator: Operator, value: &Literal) -> Asked {
    let (Class::Timestamp | Class::TimestampTz, Literal::Text(literal)) = (column.class, value) else {
        return not_null(column);
    };
    let at = literal.folded().get(..19).unwrap_or_default().to_ascii_uppercase();
    let Ok(instant) = chrono::NaiveDateTime::parse_from_str(&at, "%Y-%m-%dT%H:%M:%S") else {
        return not_null(column);
    };
    let second = chrono::TimeDelta::seconds(1);
    // What is read is written again: only texts that are the same are in order.
    let written = |instant: chrono::NaiveDateTime| instant.format("%Y-%m-%dT%H:%M:%S").to_string();
    let bounds = instant
        .checked_sub_signed(second)
        .zip(instant.checked_add_signed(second));
    match bounds {
        Some((low, high)) if written(instant) == at && !at.starts_with("0000") && !at.starts_with("9999") => {
            bounded(column, operator, (Cell::Text(written(low)), Cell::Text(written(high))))
        }
        _ => not_null(column),
    }
}

fn bounded(column: &Column, operator: Operator, (low, high): (Cell, Cell)) -> Asked {
    let (low, high) = match operator {
        Operator::Eq | Operator::Co | Operator::Sw => (Some(low), Some(high)),
        Operator::Lt | Operator::Le => (None, Some(high)),
        Operator::Gt | Operator::Ge => (Some(low), None),
    };
    Bound::Test(Condition::Range {
        column: column.clone(),
        low,
        high,
    })
}

impl Bound<Condition> {
    fn tests(&self) -> usize {
        match self {
            Self::And(inner) | Self::Or(inner) => inner.iter().map(Self::tests).sum(),
            _ => 1,
        }
    }

    /// Writes the condition.
    pub(super) fn write(&self, statement: &mut Statement) {
        match self {
            Self::All => {
                statement.push("1 = 1");
            }
            Self::Nothing => {
                statement.push("1 = 0");
            }
            Self::And(inner) => {
                statement.list(inner, " AND ", |statement, inner| inner.write_inner(statement));
            }
            Self::Or(inner) => {
                statement.list(inner, " OR ", |statement, inner| inner.write_inner(statement));
            }
            Self::Test(condition) => condition.write(statement),
        }
    }

    fn write_inner(&self, statement: &mut Statement) {
        statement.push("(");
        self.write(statement);
        statement.push(")");
    }
}

impl Condition {
    fn write(&self, statement: &mut Statement) {
        match self {
            Self::Null(column) => {
                statement.name(&column.name).push(" IS NULL");
            }
            Self::NotNull(column) => {
                statement.name(&column.name).push(" IS NOT NULL");
            }
            Self::Texts(column, texts) => {
                folded(statement, column);
                statement.push(" IN (").list(texts, ", ", |statement, text| {
                    statement.bind(text.as_str().into());
                });
                statement.push(")");
                or_of_type(statement, column, "'real', 'blob'");
            }
            Self::Like(column, pattern) => {
                folded(statement, column);
                statement
                    .push(" LIKE ")
                    .bind(pattern.as_str().into())
                    .push(" ESCAPE '\\'");
                or_of_type(statement, column, "'real', 'blob'");
                if statement.dialect == Dialect::Sqlite {
                    // Its LIKE ends at the first of them.
                    statement.push(" OR instr(").name(&column.name).push(", char(0)) > 0");
                }
            }
            Self::Range { column, low, high } => {
                let bound = |statement: &mut Statement, operator: &str, value: &Cell| {
                    statement
                        .name(&column.name)
                        .push(operator)
                        .bind_ordered(column, value.clone());
                };
                match (low, high) {
                    (Some(low), Some(high)) => {
                        bound(statement, " >= ", low);
                        statement.push(" AND ");
                        bound(statement, " <= ", high);
                    }
                    (Some(low), None) => bound(statement, " >= ", low),
                    (None, Some(high)) => bound(statement, " <= ", high),
                    (None, None) => {
                        statement.name(&column.name).push(" IS NOT NULL");
                    }
                }
                let is_time = matches!(column.class, Class::Timestamp | Class::TimestampTz);
                // As a text, a year of five digits may be less than one of four, and one before Christ greater.
                if is_time && low.is_none() {
                    statement.push(" OR ");
                    bound(statement, " >= ", &Cell::from("10000-01-01"));
                }
                if is_time && high.is_none() {
                    statement.push(" OR ");
                    bound(statement, " < ", &Cell::from("0001-01-01"));
                }
                or_of_type(statement, column, "'text'");
            }
        }
    }
}

/// The text of a column with its ASCII in lower case.
fn folded(statement: &mut Statement, column: &Column) {
    statement.push("lower(").name(&column.name);
    statement.push(match statement.dialect {
        Dialect::Postgres => "::text COLLATE \"C\")",
        Dialect::Sqlite => ")",
    });
}

/// SQLite's values of these types are found in any case: they are shown as another text than the database's.
fn or_of_type(statement: &mut Statement, column: &Column, types: &str) {
    if statement.dialect == Dialect::Sqlite {
        statement
            .push(" OR typeof(")
            .name(&column.name)
            .push(") IN (")
            .push(types)
            .push(")");
    }
}
