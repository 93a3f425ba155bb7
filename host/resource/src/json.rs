//! Reads the JSON of a request body and refuses what JSON parsers like to overlook: names that occur twice, and depth
//! without end. serde_json does the reading; when it fails, `explain` reads the text again to say where, what is wrong
//! and what would be right.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::pointer::Pointer;

mod explain;
#[cfg(test)]
mod tests;

/// serde_json itself goes no deeper.
const DEEPEST: usize = 127;

/// How much a JSON text may ask of its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonLimits {
    /// So many objects and arrays inside each other, at most 127.
    pub depth: usize,
}

impl Default for JsonLimits {
    /// A depth of 100, which no document that people write comes near.
    fn default() -> Self {
        Self { depth: 100 }
    }
}

/// Where a text stops to be JSON, and what would be right there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}{}: {message}", .pointer.as_ref().map(|pointer| format!(", in {pointer}")).unwrap_or_default())]
pub struct JsonError {
    /// Counted from one.
    pub line: usize,
    /// Counted in characters from one.
    pub column: usize,
    /// The value that the text is inside of, where that is known.
    pub pointer: Option<Pointer>,
    /// What is wrong: and what would be right.
    pub message: String,
}

/// Reads one JSON value and nothing else.
pub fn parse(bytes: &[u8], limits: &JsonLimits) -> Result<Value, JsonError> {
    let depth = limits.depth.min(DEEPEST);
    let text = std::str::from_utf8(bytes).map_err(|error| explain::not_utf8(bytes, error.valid_up_to()))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Nested { depth }.deserialize(&mut reader);
    value.and_then(|value| reader.end().map(|()| value)).map_err(|error| {
        explain::explain(text, depth).unwrap_or_else(|| JsonError {
            line: error.line(),
            column: error.column(),
            pointer: None,
            message: error.to_string(),
        })
    })
}

/// A value with so many levels left.
struct Nested {
    depth: usize,
}

impl Nested {
    fn inside<E: Error>(&self) -> Result<usize, E> {
        self.depth.checked_sub(1).ok_or_else(|| E::custom("too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let depth = self.inside()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Self { depth })? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let depth = self.inside()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom("a name occurs twice"));
            }
            let value = members.next_value_seed(Self { depth })?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}
