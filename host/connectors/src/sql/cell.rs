//! A value of a table, and what it is as a value of an attribute.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, NaiveDateTime};
use serde_json::Value;

use super::table::{Class, Column};
use crate::definition::Kind;
use crate::error::Error;
use crate::mapping::text_of;

/// A value of a table. PostgreSQL's are texts throughout, as it writes and reads each of its types; SQLite's are what they
/// are, row by row.
#[derive(Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Text(String),
    Integer(i64),
    Real(f64),
    Bytes(Vec<u8>),
}

impl fmt::Debug for Cell {
    /// Without the value: it may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Text(_) => "Text",
            Self::Integer(_) => "Integer",
            Self::Real(_) => "Real",
            Self::Bytes(_) => "Bytes",
        })
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Cell {
    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Integer(_) | Self::Real(_) | Self::Bytes(_) => None,
        }
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        32 + match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Null | Self::Integer(_) | Self::Real(_) => 0,
        }
    }

    /// The id that it is.
    pub(super) fn uid(&self) -> Result<String, Error> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Integer(number) => Ok(number.to_string()),
            Self::Null | Self::Real(_) | Self::Bytes(_) => Err(Error::Failed(
                "the key of a row is neither a text nor a whole number".to_owned(),
            )),
        }
    }

    /// As it stands in a position or a token.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => Value::from(text.as_str()),
            Self::Integer(number) => Value::from(*number),
            Self::Real(number) => Value::from(*number),
            Self::Bytes(bytes) => Value::from(BASE64.encode(bytes)),
        }
    }

    /// What a position or a token says; none if it is no such value.
    pub(super) fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Number(number) => number
                .as_i64()
                .map(Self::Integer)
                .or_else(|| number.as_f64().map(Self::Real)),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The value of an attribute; none where there is no value.
    pub(super) fn shown(self, column: &Column, kind: Kind) -> Option<Value> {
        let flag = |number: &str| match number {
            "1" => Some(Value::Bool(true)),
            "0" => Some(Value::Bool(false)),
            _ => None,
        };
        match self {
            Self::Null => None,
            Self::Text(text) => Some(match (column.class, kind) {
                (Class::Timestamp, _) => Value::from(iso(&text, false).unwrap_or(text)),
                (Class::TimestampTz, _) => Value::from(iso(&text, true).unwrap_or(text)),
                // PostgreSQL writes Base64 in lines.
                (Class::Bytes, _) => Value::from(text.replace('\n', "")),
                (Class::Integer, Kind::Boolean) => flag(&text).unwrap_or_else(|| Value::from(text)),
                _ => Value::from(text),
            }),
            Self::Integer(number) => Some(match kind {
                Kind::Boolean => flag(&number.to_string()).unwrap_or_else(|| Value::from(number)),
                Kind::Text | Kind::Bytes => Value::from(number.to_string()),
                Kind::Integer | Kind::Number | Kind::Object => Value::from(number),
            }),
            Self::Real(number) => Some(match kind {
                Kind::Integer | Kind::Number | Kind::Boolean if number.is_finite() => Value::from(number),
                _ => Value::from(number.to_string()),
            }),
            Self::Bytes(bytes) => Some(Value::from(BASE64.encode(bytes))),
        }
    }
}

/// What PostgreSQL writes in UTC (`2026-01-01 00:00:00.5+00`) as ISO 8601: with milliseconds, or with microseconds where
/// that is needed. None for what is no such time: `infinity`, years before Christ or beyond 9999.
fn iso(text: &str, has_zone: bool) -> Option<String> {
    let plain = if has_zone { text.strip_suffix("+00")? } else { text };
    let (seconds, part) = plain.split_once('.').unwrap_or((plain, ""));
    let is_usual = seconds.len() == 19 && part.len() <= 6 && part.bytes().all(|byte| byte.is_ascii_digit());
    let (day, time) = seconds.split_once(' ').filter(|_| is_usual)?;
    let digits = if part.len() > 3 { 6 } else { 3 };
    let zone = if has_zone { "Z" } else { "" };
    Some(format!("{day}T{time}.{part:0<digits$}{zone}"))
}

/// A value of an attribute as PostgreSQL's column takes it, checked, so that what is wrong can be said with the column's
/// name.
pub(super) fn text_for(column: &Column, value: &Value) -> Result<Cell, Error> {
    let text = text_of(value);
    let expected = |what: &str| Err(Error::Invalid(format!("the column '{}' takes {what}", column.name)));
    if text.contains('\0') {
        return expected("no text with a character of zero");
    }
    match column.class {
        Class::Integer => {
            let number = match value {
                Value::Bool(value) => Some(i64::from(*value)),
                _ => text.trim().parse().ok(),
            };
            let (least, most) = column.range();
            match number.filter(|number| (least..=most).contains(number)) {
                Some(number) => Ok(Cell::Text(number.to_string())),
                None => expected(&format!("a whole number from {least} to {most}")),
            }
        }
        Class::Number if text.trim().parse::<f64>().is_err() => expected("a number"),
        Class::Boolean if !["true", "false"].contains(&text.as_str()) => expected("true or false"),
        Class::Bytes if BASE64.decode(&text).is_err() => expected("bytes in Base64"),
        Class::Uuid if !is_uuid(&text) => expected("a UUID"),
        Class::TimestampTz if DateTime::parse_from_rfc3339(&text).is_err() => {
            expected("a time such as 2026-01-01T00:00:00Z")
        }
        Class::Timestamp => {
            // A zone would be dropped in silence.
            let naive = text.strip_suffix('Z').unwrap_or(&text);
            match naive.parse::<NaiveDateTime>() {
                Ok(_) => Ok(Cell::Text(naive.to_owned())),
                Err(_) => expected("a time without a zone such as 2026-01-01T00:00:00"),
            }
        }
        Class::Text if column.max_length.is_some_and(|most| text.chars().count() > most) => expected(&format!(
            "a text of up to {} characters",
            column.max_length.unwrap_or_default()
        )),
        _ => Ok(Cell::Text(text)),
    }
}

/// A value of an attribute as SQLite takes it.
pub(super) fn native_for(column: &Column, kind: Kind, value: &Value) -> Result<Cell, Error> {
    let expected = |what: &str| Error::Invalid(format!("the column '{}' takes {what}", column.name));
    Ok(match value {
        Value::Null => Cell::Null,
        Value::Bool(value) => Cell::Integer(i64::from(*value)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Cell::Integer(number),
            (None, Some(number)) => Cell::Real(number),
            (None, None) => return Err(expected("smaller numbers")),
        },
        Value::String(text) if kind == Kind::Bytes => {
            Cell::Bytes(BASE64.decode(text).map_err(|_| expected("bytes in Base64"))?)
        }
        other => match text_of(other) {
            text if text.contains('\0') => return Err(expected("no text with a character of zero")),
            text => Cell::Text(text),
        },
    })
}

/// Whether a text is a UUID as it is written.
pub(super) fn is_uuid(text: &str) -> bool {
    let is_right = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_right)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_shown_as_everywhere_here() {
        let check = |text: &str, has_zone: bool, expected: Option<&str>| {
            assert_eq!(iso(text, has_zone).as_deref(), expected, "{text}");
        };
        check("2026-01-01 00:00:00+00", true, Some("2026-01-01T00:00:00.000Z"));
        check("2026-01-01 00:00:00.5+00", true, Some("2026-01-01T00:00:00.500Z"));
        check("2026-01-01 00:00:00.123456", false, Some("2026-01-01T00:00:00.123456"));
        check("infinity", true, None);
        check("10000-01-01 00:00:00+00", true, None);
        check("0044-03-15 12:00:00+00 BC", true, None);
    }

    #[test]
    fn a_value_that_a_column_does_not_take_is_refused_with_its_name() {
        let check = |class: Class, value: Value, expected: &str| {
            let mut column = Column::named("c", class);
            column.cast = "smallint".to_owned();
            column.max_length = Some(3);
            let shown = match text_for(&column, &value) {
                Ok(cell) => cell.text().unwrap_or_default().to_owned(),
                Err(error) => error.to_string(),
            };
            assert!(shown.contains(expected), "{value}: {shown}");
        };
        check(Class::Integer, json!(true), "1");
        check(Class::Integer, json!("32767"), "32767");
        check(Class::Integer, json!(32768), "from -32768 to 32767");
        check(Class::Integer, json!("x"), "'c' takes a whole number");
        check(Class::Number, json!("1e-7"), "1e-7");
        check(Class::Number, json!("1;2"), "a number");
        check(Class::Boolean, json!("yes"), "true or false");
        check(Class::Uuid, json!("1"), "a UUID");
        check(Class::Timestamp, json!("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00");
        check(Class::Timestamp, json!("2026-01-01T00:00:00+05:00"), "without a zone");
        check(Class::TimestampTz, json!("2026-01-01"), "a time such as");
        check(Class::Text, json!("abcd"), "up to 3 characters");
        check(Class::Text, json!("a\0"), "a character of zero");
        check(Class::Bytes, json!("?"), "Base64");
    }
}
