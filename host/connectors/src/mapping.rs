//! Between a system's attributes and the properties of a JSON object. What is shown depends on the flags of a property;
//! what is written is checked against its type, and only what differs is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use host_model::Invalid;
use host_resource::{Content, Filter, Object, Pointer};
use serde_json::{Map, Value};

use crate::connector::{Change, Entry, NAME, NewEntry, PASSWORD, UID};
use crate::definition::{Kind, ObjectType, Property};

#[cfg(test)]
mod tests;

/// Which properties an answer needs: those returned by default, and those that were named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted(BTreeSet<String>);

impl Wanted {
    /// Those that pointers name.
    pub(crate) fn named<'a>(pointers: impl IntoIterator<Item = &'a Pointer>) -> Self {
        let first = |pointer: &Pointer| pointer.elements().first().map(|name| name.to_string());
        Self(pointers.into_iter().filter_map(first).collect())
    }

    /// The same with those that a filter looks at.
    pub(crate) fn and(mut self, filter: &Filter) -> Self {
        self.0.extend(Self::named(filter.fields()).0);
        self
    }

    /// The same with those that more pointers name.
    pub(crate) fn with<'a>(mut self, pointers: impl IntoIterator<Item = &'a Pointer>) -> Self {
        self.0.extend(Self::named(pointers).0);
        self
    }

    /// The native names of what is wanted.
    pub(crate) fn natives(&self, kind: &ObjectType) -> Arc<[String]> {
        let wanted = kind.properties.iter().filter(|property| self.has(property));
        wanted.map(|property| property.native.clone()).collect()
    }

    fn has(&self, property: &Property) -> bool {
        property.is_readable && (property.is_returned_by_default || self.0.contains(&property.name))
    }
}

/// The object that an entry is, `_id` first.
pub(crate) fn object(kind: &ObjectType, entry: &Entry, wanted: &Wanted) -> Value {
    let mut members = Map::new();
    members.insert("_id".to_owned(), Value::String(entry.uid.clone()));
    for property in kind.properties.iter().filter(|property| wanted.has(property)) {
        if let Some(value) = shown(property, entry) {
            members.insert(property.name.clone(), value);
        }
    }
    Value::Object(members)
}

/// The object for an answer.
pub(crate) fn answer(uid: &str, rev: Option<String>, object: Value) -> Object {
    let content = match object {
        Value::Object(mut members) => {
            members.shift_remove("_id");
            Value::Object(members)
        }
        other => other,
    };
    Object {
        id: uid.to_owned(),
        rev,
        content: Content::Json(content),
    }
}

/// Tells the states of an object apart, as far as they are shown when nobody asks for more.
pub(crate) fn revision(kind: &ObjectType, entry: &Entry) -> String {
    let state = object(kind, entry, &Wanted::default());
    blake3::hash(state.to_string().as_bytes()).to_hex()[..16].to_owned()
}

fn shown(property: &Property, entry: &Entry) -> Option<Value> {
    match property.native.as_str() {
        NAME => Some(Value::String(entry.name.clone())),
        UID => Some(Value::String(entry.uid.clone())),
        native => {
            let values = entry.attributes.get(native).filter(|values| !values.is_empty())?;
            if property.is_multi {
                Some(values.iter().map(|value| typed(property.kind, value)).collect())
            } else {
                values.first().map(|value| typed(property.kind, value))
            }
        }
    }
}

/// A system's value as the property's type has it. What is not of that type is shown as it is.
fn typed(kind: Kind, value: &Value) -> Value {
    let Value::String(text) = value else {
        return value.clone();
    };
    let read = match kind {
        Kind::Text | Kind::Bytes | Kind::Object => None,
        Kind::Integer => text.trim().parse::<i64>().ok().map(Value::from),
        Kind::Number => number(text.trim()),
        Kind::Boolean => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
    };
    read.unwrap_or_else(|| value.clone())
}

/// The number that a text is, unless JSON's numbers cannot hold it: nothing is to be lost.
fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Value::from(whole));
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
    (decimal(text)? == decimal(&number.to_string())?).then(|| Value::from(number))
}

/// A decimal number as its sign, its digits without zeros around them, and the place of the point.
fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all = format!("{whole}{part}");
    let leading = all.len() - all.trim_start_matches('0').len();
    let digits = all.trim_matches('0').to_owned();
    if digits.is_empty() {
        return Some((false, digits, 0));
    }
    let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
    Some((mantissa.starts_with('-'), digits, point.checked_add(exponent)?))
}

/// The entry that a new object is. An id that the client chose need not be said again in the attribute that holds it.
///
/// # Errors
/// A property that the type does not have, that a new object must not have, or of another type; one that is missing.
pub(crate) fn new_entry(
    kind: &ObjectType,
    uid: Option<String>,
    id_attribute: Option<&str>,
    content: &Value,
) -> Result<NewEntry, Invalid> {
    let members = members_of(kind, content)?;
    let mut attributes = BTreeMap::new();
    for property in &kind.properties {
        let values = values_of(property, members.get(&property.name))?;
        if values.is_empty() {
            let is_said = uid.is_some() && id_attribute == Some(property.native.as_str());
            if property.is_required && property.is_creatable && !is_said {
                return Err(at(property, format!("'{}' is required", property.name)));
            }
            continue;
        }
        if !property.is_creatable {
            return Err(at(
                property,
                "a new object cannot have this: the system says what it is".to_owned(),
            ));
        }
        attributes.insert(property.native.clone(), values);
    }
    Ok(NewEntry { uid, attributes })
}

/// Puts the id into a new state that leaves it out: who replaces an object has said it in the path.
pub(crate) fn keep_id(kind: &ObjectType, entry: &Entry, id_attribute: Option<&str>, content: &mut Value) {
    let is_id = |property: &&Property| id_attribute == Some(property.native.as_str());
    let (Some(property), Value::Object(members)) = (kind.properties.iter().find(is_id), content) else {
        return;
    };
    if let (false, Some(id)) = (members.contains_key(&property.name), shown(property, entry)) {
        members.insert(property.name.clone(), id);
    }
}

/// What a new state of an object changes. A property that is not there is removed, unless `touched` does not show it: then
/// nobody can have meant to remove it.
///
/// # Errors
/// A property that the type does not have, that must not be changed, or of another type; one that is missing.
pub(crate) fn changes(
    kind: &ObjectType,
    entry: &Entry,
    content: &Value,
    touched: &Wanted,
) -> Result<Vec<Change>, Invalid> {
    let members = members_of(kind, content)?;
    let mut changes = Vec::new();
    for property in &kind.properties {
        let given = members.get(&property.name);
        if given.is_none() && !touched.has(property) {
            continue;
        }
        let now = shown(property, entry);
        if property.is_readable && given.filter(|value| !value.is_null()) == now.as_ref() {
            continue;
        }
        let after = values_of(property, given)?;
        let before = native_values(property, entry);
        if property.is_readable && before.as_ref().is_some_and(|before| *before == after) {
            continue;
        }
        // Ids are given by the system: an object that leaves its own out has it all the same.
        if property.native == UID && after.is_empty() {
            continue;
        }
        if !property.is_updatable {
            return Err(at(property, "this cannot be changed".to_owned()));
        }
        if after.is_empty() && property.is_required {
            return Err(at(property, format!("'{}' is required", property.name)));
        }
        changes.push(Change {
            attribute: property.native.clone(),
            before: before.filter(|_| property.is_readable),
            after,
        });
    }
    Ok(changes)
}

fn native_values(property: &Property, entry: &Entry) -> Option<Vec<Value>> {
    match property.native.as_str() {
        NAME => Some(vec![Value::String(entry.name.clone())]),
        UID => Some(vec![Value::String(entry.uid.clone())]),
        PASSWORD => None,
        native => Some(entry.attributes.get(native).cloned().unwrap_or_default()),
    }
}

fn members_of<'a>(kind: &ObjectType, content: &'a Value) -> Result<&'a Map<String, Value>, Invalid> {
    let Value::Object(members) = content else {
        return Err(Invalid::new(Pointer::root(), "an object is expected"));
    };
    let stranger = members
        .keys()
        .find(|name| !matches!(name.as_str(), "_id" | "_rev") && kind.property(name).is_none());
    match stranger {
        None => Ok(members),
        Some(name) => Err(Invalid::new(
            Pointer::root().child(name),
            format!("the type '{}' has no property '{name}'", kind.name),
        )),
    }
}

/// A property's value as the system takes it.
fn values_of(property: &Property, value: Option<&Value>) -> Result<Vec<Value>, Invalid> {
    let one = |value: &Value| checked(property, value);
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) if property.is_multi => items.iter().map(one).collect(),
        Some(_) if property.is_multi => Err(at(property, "an array is expected".to_owned())),
        Some(value) => Ok(vec![one(value)?]),
    }
}

fn checked(property: &Property, value: &Value) -> Result<Value, Invalid> {
    let is_right = match (property.kind, value) {
        (Kind::Text, Value::String(_))
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Number, Value::Number(_))
        | (Kind::Object, Value::Object(_)) => true,
        (Kind::Integer, Value::Number(number)) => number.is_i64(),
        (Kind::Bytes, Value::String(text)) => BASE64.decode(text).is_ok(),
        _ => false,
    };
    if is_right {
        return Ok(value.clone());
    }
    let expected = match property.kind {
        Kind::Text => "a text",
        Kind::Integer => "a whole number",
        Kind::Number => "a number",
        Kind::Boolean => "true or false",
        Kind::Bytes => "bytes in Base64",
        Kind::Object => "an object",
    };
    Err(at(property, format!("{expected} is expected")))
}

fn at(property: &Property, message: String) -> Invalid {
    Invalid::new(Pointer::root().child(&property.name), message)
}

/// A value as text, for systems that have nothing else.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
