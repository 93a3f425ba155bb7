//! The objects of a system: their properties, and what the system calls them.

use std::collections::BTreeMap;
use std::sync::Arc;

use host_model::Invalid;
use host_model::members::Members;
use host_resource::Pointer;
use serde_json::Value;

use crate::connector::{NAME, PASSWORD, UID};

/// More types of one system, and more properties of one type, are refused.
const MAX: usize = 1000;

/// A kind of objects that a system has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ObjectType {
    /// Its name in paths: `system/ldap/NAME`.
    pub(crate) name: String,
    /// What the connector calls it: `__ACCOUNT__`, `__GROUP__`, or a class of the system's own.
    pub(crate) native: String,
    /// What its objects have, in the order of the configuration.
    pub(crate) properties: Vec<Property>,
}

/// A property of a system's objects.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Property {
    /// What answers call it.
    pub(crate) name: String,
    /// What the connector calls it.
    pub(crate) native: String,
    /// What its value, or each of its values, is.
    pub(crate) kind: Kind,
    /// Whether it is an array.
    pub(crate) is_multi: bool,
    /// Whether a new object must have it.
    pub(crate) is_required: bool,
    /// Whether it is shown at all.
    pub(crate) is_readable: bool,
    /// Whether it is shown when nobody asks for it by name.
    pub(crate) is_returned_by_default: bool,
    /// Whether a new object may have it.
    pub(crate) is_creatable: bool,
    /// Whether it may be changed.
    pub(crate) is_updatable: bool,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// Bytes, as Base64.
    Bytes,
    /// An object, for systems that have attributes with parts.
    Object,
}

impl ObjectType {
    /// The property that answers call so.
    pub(crate) fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }
}

/// Refuses values that are objects, for a connector whose system has none.
pub(crate) fn refuse_objects(types: &BTreeMap<String, Arc<ObjectType>>) -> Result<(), Invalid> {
    for kind in types.values() {
        if let Some(property) = kind.properties.iter().find(|property| property.kind == Kind::Object) {
            let place = ["objectTypes", &kind.name, "properties", &property.name, "type"];
            return Err(Invalid::new(
                Pointer::from_elements(place),
                "the system has no values that are objects: write string, integer, number, boolean or array",
            ));
        }
    }
    Ok(())
}

pub(super) fn parse_all(members: &Members<'_>) -> Result<BTreeMap<String, Arc<ObjectType>>, Invalid> {
    let types = members.require_object("objectTypes", "it says which objects the system has")?;
    let all = types.others(&[]);
    if all.is_empty() || all.len() > MAX {
        return Err(members.invalid("objectTypes", format!("1 to {MAX} types of objects are expected")));
    }
    let mut parsed = BTreeMap::new();
    for name in all.keys() {
        let kind = types.require_object(name, "a type of objects")?;
        parsed.insert(name.clone(), Arc::new(object_type(name, &kind)?));
    }
    Ok(parsed)
}

fn object_type(name: &str, members: &Members<'_>) -> Result<ObjectType, Invalid> {
    members.only(&[
        "$schema",
        "id",
        "type",
        "nativeType",
        "title",
        "description",
        "properties",
        "order",
        "required",
    ])?;
    if name.is_empty() || name.chars().any(|c| c == '/' || c.is_control()) {
        return Err(Invalid::new(
            members.pointer().clone(),
            "the name of a type of objects is part of paths: a slash cannot be in it",
        ));
    }
    if members.text("type")?.is_some_and(|kind| kind != "object") {
        return Err(members.invalid("type", "a type of objects has the type 'object'"));
    }
    let native = match members.text("nativeType")? {
        Some(native) => native,
        None => members.require_text("id", "what the connector calls the type")?,
    };
    let properties = members.require_object("properties", "what the objects have")?;
    let all = properties.others(&[]);
    if all.len() > MAX {
        return Err(members.invalid("properties", format!("at most {MAX} properties are expected")));
    }
    let properties = all
        .keys()
        .map(|name| property(name, &properties.require_object(name, "a property")?))
        .collect::<Result<Vec<_>, Invalid>>()?;
    Ok(ObjectType {
        name: name.to_owned(),
        native: native.to_owned(),
        properties,
    })
}

fn property(name: &str, members: &Members<'_>) -> Result<Property, Invalid> {
    members.only(&[
        "type",
        "items",
        "nativeName",
        "nativeType",
        "required",
        "flags",
        "runAsUser",
        "title",
        "description",
    ])?;
    if name == "_id" || name == "_rev" {
        return Err(Invalid::new(
            members.pointer().clone(),
            format!("'{name}' is not a property of the system's: map its id to another name"),
        ));
    }
    let native = members.text("nativeName")?.unwrap_or(name);
    if native.starts_with("__") && ![NAME, UID, PASSWORD].contains(&native) {
        return Err(members.invalid(
            "nativeName",
            format!("the special attribute '{native}' is not supported: there are {NAME}, {UID} and {PASSWORD}"),
        ));
    }
    let (kind, is_multi) = value_kind(members)?;
    let mut property = Property {
        name: name.to_owned(),
        native: native.to_owned(),
        kind,
        is_multi,
        is_required: members.bool("required", false)?,
        is_readable: native != PASSWORD,
        is_returned_by_default: native != PASSWORD,
        is_creatable: native != UID,
        is_updatable: native != UID,
    };
    flags(members, &mut property)?;
    members.bool("runAsUser", false)?;
    Ok(property)
}

fn value_kind(members: &Members<'_>) -> Result<(Kind, bool), Invalid> {
    let named = |name: &str| match name {
        "string" => Some(Kind::Text),
        "integer" => Some(Kind::Integer),
        "number" => Some(Kind::Number),
        "boolean" => Some(Kind::Boolean),
        "object" => Some(Kind::Object),
        _ => None,
    };
    let kind = members.require_text("type", "string, integer, number, boolean, object or array")?;
    let items = members.object("items")?;
    let (kind, is_multi) = match (kind, items) {
        ("array", None) => (Kind::Text, true),
        ("array", Some(items)) => {
            items.only(&["type", "nativeType", "title", "description"])?;
            let kind = items.text("type")?.unwrap_or("string");
            let kind = named(kind).ok_or_else(|| items.invalid("type", unknown_type(kind)))?;
            (kind, true)
        }
        (kind, _) => (
            named(kind).ok_or_else(|| members.invalid("type", unknown_type(kind)))?,
            false,
        ),
    };
    let is_bytes = members.text("nativeType")? == Some("JAVA_TYPE_BYTE_ARRAY");
    Ok((if is_bytes { Kind::Bytes } else { kind }, is_multi))
}

fn unknown_type(kind: &str) -> String {
    format!("the type '{kind}' is not supported: write string, integer, number, boolean, object or array")
}

fn flags(members: &Members<'_>, property: &mut Property) -> Result<(), Invalid> {
    let flags = match members.get("flags") {
        None => return Ok(()),
        Some(Value::Array(flags)) => flags,
        Some(_) => return Err(members.invalid("flags", "an array of texts is expected")),
    };
    for (position, flag) in flags.iter().enumerate() {
        match flag.as_str() {
            Some("NOT_READABLE") => property.is_readable = false,
            Some("NOT_RETURNED_BY_DEFAULT") => property.is_returned_by_default = false,
            Some("NOT_CREATABLE") => property.is_creatable = false,
            Some("NOT_UPDATEABLE" | "NOT_UPDATABLE") => property.is_updatable = false,
            Some("REQUIRED") => property.is_required = true,
            Some("MULTIVALUED") => property.is_multi = true,
            _ => {
                return Err(Invalid::new(
                    members.at("flags").child(&position.to_string()),
                    format!(
                        "{flag} is no flag: there are NOT_READABLE, NOT_RETURNED_BY_DEFAULT, NOT_CREATABLE, \
                         NOT_UPDATEABLE, REQUIRED and MULTIVALUED"
                    ),
                ));
            }
        }
    }
    Ok(())
}
