//! `&{name}` in the texts of a configuration object stands for a property (behaviour 8.2).
//!
//! Placeholders may stand inside each other: the inner one is replaced first. One that names no property stays as it
//! is. A text that is exactly one placeholder becomes what the property is, also when that is no text. What a property
//! says is not looked through again.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Placeholders further inside each other are text.
const MAX_DEPTH: usize = 8;

/// The properties that placeholders name: texts, numbers and booleans.
#[derive(Clone, Debug, Default)]
pub struct Placeholders(BTreeMap<String, Value>);

impl FromIterator<(String, Value)> for Placeholders {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(properties: I) -> Self {
        Self(properties.into_iter().collect())
    }
}

impl Placeholders {
    /// The value with every placeholder replaced that names a property.
    pub fn replaced(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if text.contains("&{") => self.expand(text),
            Value::Array(items) => items.iter().map(|item| self.replaced(item)).collect(),
            Value::Object(members) => {
                let replaced = members.iter().map(|(name, inner)| (name.clone(), self.replaced(inner)));
                Value::Object(replaced.collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }

    fn expand(&self, text: &str) -> Value {
        // The text outside, and of each placeholder that is open what was read of its name.
        let mut open = vec![String::new()];
        let mut rest = text;
        while let Some(at) = rest.find(['&', '}']) {
            let (plain, here) = rest.split_at(at);
            let depth = open.len();
            let top = open.last_mut().expect("the text outside is never closed");
            top.push_str(plain);
            if here.starts_with("&{") && depth <= MAX_DEPTH {
                open.push(String::new());
                rest = &here[2..];
            } else if here.starts_with('}') && depth > 1 {
                let name = open.pop().unwrap_or_default();
                rest = &here[1..];
                let outside = open.last_mut().expect("the text outside is never closed");
                match self.0.get(&name) {
                    // All that there is.
                    Some(value) if depth == 2 && outside.is_empty() && rest.is_empty() => return value.clone(),
                    Some(Value::String(value)) => outside.push_str(value),
                    Some(value) => outside.push_str(&value.to_string()),
                    None => {
                        outside.push_str("&{");
                        outside.push_str(&name);
                        outside.push('}');
                    }
                }
            } else {
                top.push_str(&here[..1]);
                rest = &here[1..];
            }
        }
        let mut whole = open.join("&{");
        whole.push_str(rest);
        Value::String(whole)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn placeholders() -> Placeholders {
        [
            ("node", json!("node1")),
            ("port.node1", json!(8080)),
            ("on", json!(true)),
            ("loop", json!("&{loop}")),
            ("which", json!("node")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    #[test]
    fn a_placeholder_stands_for_a_property() {
        let check = |text: &str, expected: Value| {
            assert_eq!(placeholders().replaced(&json!(text)), expected, "{text}");
        };
        check("&{node}", json!("node1"));
        check("a &{node} b &{on}", json!("a node1 b true"));
        check("&{on}", json!(true));
        check("&{on} ", json!("true "));
        check("&{on}&{on}", json!("truetrue"));
        check("&{port.&{node}}", json!(8080));
        check("&{&{which}}", json!("node1"));
        check("x&{port.&{node}}", json!("x8080"));
    }

    #[test]
    fn what_names_no_property_stays_as_it_is() {
        for text in [
            "&{nothing}",
            "&{}",
            "&{node",
            "a } b",
            "&node}",
            "${node}",
            "a && {b}",
            "&",
            "&{&{&{",
            "ä&{ö}",
        ] {
            assert_eq!(placeholders().replaced(&json!(text)), json!(text), "{text}");
        }
        let check = |text: &str, expected: &str| {
            assert_eq!(placeholders().replaced(&json!(text)), json!(expected), "{text}");
        };
        check("&{nothing.&{node}}", "&{nothing.node1}");
        check("&{open &{node}", "&{open node1");
        check("&{loop}", "&{loop}");
        let deep = format!("{}node{}", "&{".repeat(100_000), "}".repeat(100_000));
        assert_eq!(placeholders().replaced(&json!(deep)), json!(deep));
    }

    #[test]
    fn names_and_other_values_are_left_alone() {
        let value = json!({"&{node}": [1, null, {"a": "&{node}"}]});
        assert_eq!(
            placeholders().replaced(&value),
            json!({"&{node}": [1, null, {"a": "node1"}]})
        );
    }
}
