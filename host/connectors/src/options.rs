//! `configurationProperties` as existing configurations write them: flags and numbers are texts, too.

use host_model::Invalid;
use host_model::members::Members;
use serde_json::Value;

/// Whether an option is what it would be without being said.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty() || text == "false" || text.eq_ignore_ascii_case("none"),
        Value::Array(items) => items.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// True or false.
pub(crate) fn flag(members: &Members<'_>, name: &str) -> Result<bool, Invalid> {
    match members.get(name) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(Value::String(text)) if text == "true" => Ok(true),
        Some(Value::String(text)) if text == "false" => Ok(false),
        Some(_) => Err(members.invalid(name, "true or false is expected")),
    }
}

/// A whole number between two others.
pub(crate) fn whole(members: &Members<'_>, name: &str, least: i64, most: i64) -> Result<Option<i64>, Invalid> {
    let number = match members.get(name) {
        None => return Ok(None),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_i64(),
    };
    number
        .filter(|number| (least..=most).contains(number))
        .map(Some)
        .ok_or_else(|| members.invalid(name, format!("a whole number from {least} to {most} is expected")))
}

/// A list of texts; one alone is a list of one.
pub(crate) fn texts(members: &Members<'_>, name: &str) -> Result<Vec<String>, Invalid> {
    match members.get(name) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(position, item)| {
                let text = item.as_str().map(str::to_owned);
                text.ok_or_else(|| Invalid::new(members.at(name).child(&position.to_string()), "a text is expected"))
            })
            .collect(),
        Some(_) => Err(members.invalid(name, "an array of texts is expected")),
    }
}
