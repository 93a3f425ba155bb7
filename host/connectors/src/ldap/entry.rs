//! Values between a directory, where all are bytes, and JSON.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ldap3::SearchEntry;
use serde_json::Value;

use crate::connector::{Entry, NAME, PASSWORD, UID};
use crate::definition::{Kind, ObjectType};
use crate::error::Error;
use crate::mapping::text_of;

/// What a search asks the directory for.
pub(super) fn asked(natives: impl IntoIterator<Item = String>, uid_attribute: Option<&str>) -> Vec<String> {
    let mut asked: Vec<String> = natives
        .into_iter()
        .filter(|native| ![NAME, UID, PASSWORD].contains(&native.as_str()))
        .chain(uid_attribute.map(str::to_owned))
        .collect();
    asked.sort_unstable();
    asked.dedup();
    // An empty list would ask for everything.
    if asked.is_empty() {
        asked.push("1.1".to_owned());
    }
    asked
}

/// The entry with the names that were asked for.
pub(super) fn entry(kind: &ObjectType, found: SearchEntry, uid_attribute: Option<&str>) -> Result<Entry, Error> {
    let mut entry = Entry {
        name: found.dn,
        ..Entry::default()
    };
    let name_of = |given: &str| {
        let mut natives = kind
            .properties
            .iter()
            .map(|property| (property.native.as_str(), property.kind));
        natives.find(|(native, _)| native.eq_ignore_ascii_case(given))
    };
    for (given, values) in found.attrs {
        if uid_attribute.is_some_and(|uid| uid.eq_ignore_ascii_case(&given)) {
            entry.uid = values.first().cloned().unwrap_or_default();
        }
        if let Some((native, is)) = name_of(&given) {
            let values = values.into_iter().map(|value| match is {
                Kind::Bytes => Value::String(BASE64.encode(value)),
                Kind::Text | Kind::Integer | Kind::Number | Kind::Boolean | Kind::Object => Value::String(value),
            });
            entry.attributes.entry(native.to_owned()).or_default().extend(values);
        }
    }
    for (given, values) in found.bin_attrs {
        if let Some((native, _)) = name_of(&given) {
            let values = values.into_iter().map(|value| Value::String(BASE64.encode(value)));
            entry.attributes.entry(native.to_owned()).or_default().extend(values);
        }
    }
    if uid_attribute.is_none() {
        entry.uid.clone_from(&entry.name);
    }
    if entry.uid.is_empty() {
        return Err(Error::Failed(format!(
            "the directory does not show the attribute '{}' of '{}': set uidAttribute to one that every entry has",
            uid_attribute.unwrap_or_default(),
            entry.name
        )));
    }
    Ok(entry)
}

/// Values as the directory takes them.
pub(super) fn bytes(kind: &ObjectType, native: &str, values: &[Value]) -> Result<HashSet<Vec<u8>>, Error> {
    let is_bytes = kind
        .properties
        .iter()
        .any(|property| property.native == native && property.kind == Kind::Bytes);
    let one = |value: &Value| match value {
        Value::String(text) if is_bytes => BASE64
            .decode(text)
            .map_err(|_| Error::Invalid(format!("'{native}' is not Base64"))),
        Value::Bool(value) => Ok(if *value { b"TRUE".to_vec() } else { b"FALSE".to_vec() }),
        other => Ok(text_of(other).into_bytes()),
    };
    values.iter().map(one).collect()
}
