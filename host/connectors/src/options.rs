//! `configurationProperties` as existing configurations write them: flags and numbers are texts, too.

use host_model::Invalid;
use host_model::members::Members;
use host_resource::Pointer;
use serde_json::Value;

/// The options of a configuration, if each is in one of these lists.
pub(crate) fn read<'p>(properties: &'p Value, known: [&[&str]; 3]) -> Result<Members<'p>, Invalid> {
    let members = Members::of(properties, Pointer::from_elements(["configurationProperties"]))?;
    members.only(&known.concat())?;
    Ok(members)
}

/// Refuses options that would act otherwise here, unless they are what they would be without being said.
pub(crate) fn refuse<'a>(
    members: &Members<'_>,
    unsupported: impl IntoIterator<Item = (&'a str, String)>,
) -> Result<(), Invalid> {
    let mut given = unsupported
        .into_iter()
        .filter(|(name, _)| members.get(name).is_some_and(|value| !is_empty(value)));
    match given.next() {
        Some((name, why)) => Err(members.invalid(name, format!("{why} leave it out, or null, false or empty"))),
        None => Ok(()),
    }
}

/// Whether an option is what it would be without being said.
fn is_empty(value: &Value) -> bool {
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
