//! Reading a JSON object member by member, refusing what is not understood.

use std::ops::RangeInclusive;

use host_resource::Pointer;
use serde_json::{Map, Value};

use crate::invalid::Invalid;

/// The members of one object of a document, and where the object stands in it. A member that is null counts as absent.
#[derive(Debug, Clone)]
pub struct Members<'a> {
    pointer: Pointer,
    members: &'a Map<String, Value>,
}

impl<'a> Members<'a> {
    /// Fails if `value` is not an object.
    pub fn of(value: &'a Value, pointer: Pointer) -> Result<Members<'a>, Invalid> {
        match value {
            Value::Object(members) => Ok(Members { pointer, members }),
            other => Err(Invalid::new(
                pointer,
                format!("an object is expected here, not {}", kind(other)),
            )),
        }
    }

    /// Fails if there is a member outside `known`, and says which known name is like it.
    pub fn only(&self, known: &[&str]) -> Result<(), Invalid> {
        let Some(stranger) = self.members.keys().find(|name| !known.contains(&name.as_str())) else {
            return Ok(());
        };
        let hint = match nearest(stranger, known) {
            Some(name) => format!("did you mean '{name}'?"),
            None => format!("known here are {}", known.join(", ")),
        };
        Err(self.invalid(stranger, format!("unknown property '{stranger}'; {hint}")))
    }

    /// Where the member `name` stands.
    pub fn at(&self, name: &str) -> Pointer {
        self.pointer.child(name)
    }

    /// Where the object itself stands.
    pub fn pointer(&self) -> &Pointer {
        &self.pointer
    }

    /// A refusal of the member `name`.
    pub fn invalid(&self, name: &str, message: impl Into<String>) -> Invalid {
        Invalid::new(self.at(name), message)
    }

    /// The member `name`, unless it is null.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// Whether there is a member `name` that is not null.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The members whose names are not in `known`.
    pub fn others(&self, known: &[&str]) -> Map<String, Value> {
        let is_other = |(name, _): &(&String, &Value)| !known.contains(&name.as_str());
        self.members
            .iter()
            .filter(is_other)
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// A boolean; `absent` if it is not there.
    pub fn bool(&self, name: &str, absent: bool) -> Result<bool, Invalid> {
        match self.get(name) {
            None => Ok(absent),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(self.invalid(name, format!("true or false is expected, not {}", kind(other)))),
        }
    }

    /// A string.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>, Invalid> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.invalid(name, format!("a string is expected, not {}", kind(other)))),
        }
    }

    /// A text that has to be there and to have a character; `what` says what it is.
    pub fn require_text(&self, name: &str, what: &str) -> Result<&'a str, Invalid> {
        match self.text(name)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(self.invalid(name, format!("'{name}' is required: {what}"))),
        }
    }

    /// A whole number within a range; `unit` says what it counts.
    pub fn integer(&self, name: &str, range: RangeInclusive<i64>, unit: &str) -> Result<Option<i64>, Invalid> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_i64() {
            Some(number) if range.contains(&number) => Ok(Some(number)),
            _ => {
                let (from, to) = (range.start(), range.end());
                let bounds = if *to == i64::MAX {
                    format!("of at least {from}")
                } else {
                    format!("from {from} to {to}")
                };
                Err(self.invalid(
                    name,
                    format!("a whole number {bounds} ({unit}) is expected, not {value}"),
                ))
            }
        }
    }

    /// The same as a number of any type that holds the range.
    pub fn natural<T: TryFrom<i64>>(
        &self,
        name: &str,
        range: RangeInclusive<i64>,
        unit: &str,
    ) -> Result<Option<T>, Invalid> {
        let number = self.integer(name, range, unit)?;
        Ok(number.and_then(|number| T::try_from(number).ok()))
    }

    /// An object.
    pub fn object(&self, name: &str) -> Result<Option<Members<'a>>, Invalid> {
        self.get(name)
            .map(|value| Members::of(value, self.at(name)))
            .transpose()
    }

    /// An object that has to be there; `what` says what it is.
    pub fn require_object(&self, name: &str, what: &str) -> Result<Members<'a>, Invalid> {
        self.object(name)?
            .ok_or_else(|| self.invalid(name, format!("'{name}' is required: {what}")))
    }
}

/// What a value is, for a sentence.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The known name that differs least, if it differs by at most two letters or in capitals only.
fn nearest<'a>(stranger: &str, known: &[&'a str]) -> Option<&'a str> {
    let stranger = stranger.to_lowercase();
    known
        .iter()
        .map(|name| (distance(&stranger, &name.to_lowercase()), *name))
        .filter(|(distance, name)| *distance <= 2 && *distance < name.len() / 2)
        .min()
        .map(|(_, name)| name)
}

/// How many letters have to be put in, taken out or replaced (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_unknown_name_brings_the_nearest_known_one() {
        let known = ["enabled", "persisted", "startTime", "_id"];
        let check = |stranger: &str, expected: Option<&str>| {
            assert_eq!(nearest(stranger, &known), expected, "{stranger}");
        };
        check("enabld", Some("enabled"));
        check("Enabled", Some("enabled"));
        check("persistent", Some("persisted"));
        check("perssited", Some("persisted"));
        check("start_time", Some("startTime"));
        check("id", None);
        check("colour", None);
    }

    #[test]
    fn a_stranger_is_refused_with_its_pointer() {
        let value = json!({"enabled": true, "a/b": 1});
        let members = Members::of(&value, Pointer::root().child("scan")).unwrap();
        let invalid = members.only(&["enabled"]).unwrap_err();
        assert_eq!(
            invalid.to_string(),
            "/scan/a%2Fb: unknown property 'a/b'; known here are enabled"
        );
    }

    #[test]
    fn a_value_of_another_kind_is_refused() {
        let value = json!({"flag": "yes", "text": 1, "number": 1.5, "small": -1, "object": []});
        let members = Members::of(&value, Pointer::root()).unwrap();
        let check = |result: Result<(), Invalid>, expected: &str| assert_eq!(result.unwrap_err().to_string(), expected);
        check(
            members.bool("flag", false).map(drop),
            "/flag: true or false is expected, not a string",
        );
        check(
            members.text("text").map(drop),
            "/text: a string is expected, not a number",
        );
        let number = members.integer("number", 0..=9, "threads").map(drop);
        check(
            number,
            "/number: a whole number from 0 to 9 (threads) is expected, not 1.5",
        );
        let small = members.integer("small", 0..=i64::MAX, "milliseconds").map(drop);
        check(
            small,
            "/small: a whole number of at least 0 (milliseconds) is expected, not -1",
        );
        check(
            members.object("object").map(drop),
            "/object: an object is expected here, not an array",
        );
        check(
            members.require_text("name", "the name").map(drop),
            "/name: 'name' is required: the name",
        );
    }
}
