//! The types of JSON, as a schema names them.

use std::fmt;

use serde_json::Value;

/// A type of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(in super::super) enum Kind {
    Null = 1,
    Boolean = 2,
    Integer = 4,
    Number = 8,
    String = 16,
    Array = 32,
    Object = 64,
}

/// The types by name.
const NAMES: [(&str, Kind); 7] = [
    ("null", Kind::Null),
    ("boolean", Kind::Boolean),
    ("integer", Kind::Integer),
    ("number", Kind::Number),
    ("string", Kind::String),
    ("array", Kind::Array),
    ("object", Kind::Object),
];

/// The types that a value may have; none means any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Kinds(u8);

impl Kind {
    /// The type of this name.
    pub(in super::super) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// The type of a value. A number without a fraction is an integer.
    pub(in super::super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_i64() || number.is_u64() => Self::Integer,
            Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => Self::Integer,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES
            .iter()
            .find(|(_, kind)| kind == self)
            .map_or("?", |(name, _)| name);
        f.write_str(name)
    }
}

impl Kinds {
    /// With one more type.
    pub(in super::super) fn and(self, kind: Kind) -> Self {
        Self(self.0 | kind as u8)
    }

    /// Whether any type is right.
    pub(in super::super) fn is_any(self) -> bool {
        self.0 == 0
    }

    /// Whether a value of this type is right. An integer is a number.
    pub(in super::super) fn has(self, kind: Kind) -> bool {
        self.is_any() || self.0 & kind as u8 != 0 || kind == Kind::Integer && self.0 & Kind::Number as u8 != 0
    }

    /// The names of the types.
    pub(in super::super) fn names(self) -> Vec<&'static str> {
        let is_in = |(_, kind): &&(&str, Kind)| self.0 & *kind as u8 != 0;
        NAMES.iter().filter(is_in).map(|(name, _)| *name).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_has_one_of_the_types() {
        let check = |names: &[&str], value: Value, expected: bool| {
            let kinds = names
                .iter()
                .fold(Kinds::default(), |kinds, name| kinds.and(Kind::named(name).unwrap()));
            assert_eq!(kinds.has(Kind::of(&value)), expected, "{names:?} {value}");
        };
        check(&[], json!(null), true);
        check(&["string"], json!("x"), true);
        check(&["string"], json!(null), false);
        check(&["string", "null"], json!(null), true);
        check(&["number"], json!(1), true);
        check(&["number"], json!(1.5), true);
        check(&["integer"], json!(1.5), false);
        check(&["integer"], json!(2.0), true);
        check(&["integer"], json!(18446744073709551615_u64), true);
        check(&["object"], json!([]), false);
        check(&["array"], json!([]), true);
        check(&["boolean"], json!("true"), false);
    }
}
