//! The text of an object, looked at without parsing it: its members are found and left as they are written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object's text, in its order: each name, and the value as it is written. An error says where the
/// text is no object.
pub fn members(object: &str) -> Result<Vec<(Cow<'_, str>, &str)>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(object);
    let members = deserializer.deserialize_map(Members)?;
    deserializer.end()?;
    Ok(members)
}

struct Members;

impl<'t> Visitor<'t> for Members {
    type Value = Vec<(Cow<'t, str>, &'t str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(16);
        while let Some(name) = map.next_key_seed(Name)? {
            let value: &'t RawValue = map.next_value()?;
            members.push((name, value.get()));
        }
        Ok(members)
    }
}

/// A name, borrowed where it is written without escapes.
struct Name;

impl<'t> DeserializeSeed<'t> for Name {
    type Value = Cow<'t, str>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'t> Visitor<'t> for Name {
    type Value = Cow<'t, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'t str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_as_they_are_written() {
        let check = |object: &str, expected: &[(&str, &str)]| {
            let found = members(object).unwrap();
            let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (&**name, *value)).collect();
            assert_eq!(found, expected, "{object}");
        };
        check("{}", &[]);
        check(
            r#" {"a" : 1.50 , "b":{ "c": [1 ,2] }} "#,
            &[("a", "1.50"), ("b", r#"{ "c": [1 ,2] }"#)],
        );
        check(r#"{"q\u0022\n":"}","":null}"#, &[("q\"\n", r#""}""#), ("", "null")]);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["", "[]", "1", r#"{"a":}"#, r#"{"a":1"#, r#"{"a":1} x"#] {
            assert!(members(text).is_err(), "{text}");
        }
    }
}
