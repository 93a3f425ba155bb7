//! Reading a schema: its words are those of JSON Schema and of the platform, and any other is refused.

use host_model::Invalid;
use host_model::members::Members;
use host_model::script::ScriptSpec;
use host_resource::Pointer;
use serde_json::Value;

use super::{Hook, Kind, Kinds, MAX_PROPERTIES, Property, Relationship, Schema, Traits};
use crate::managed::policy::Policy;
use crate::managed::secret::Protection;

const OF_OBJECT: [&str; 12] = [
    "$schema",
    "id",
    "type",
    "title",
    "description",
    "icon",
    "mat-icon",
    "order",
    "properties",
    "required",
    "additionalProperties",
    "viewable",
];

const OF_PROPERTY: [&str; 36] = [
    "type",
    "title",
    "description",
    "usageDescription",
    "viewable",
    "searchable",
    "userEditable",
    "isPersonal",
    "id",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "pattern",
    "minimum",
    "maximum",
    "enum",
    "items",
    "properties",
    "required",
    "order",
    "additionalProperties",
    "default",
    "returnByDefault",
    "isVirtual",
    "readOnly",
    "policies",
    "scope",
    "encryption",
    "secureHash",
    "onRetrieve",
    "onStore",
    "onValidate",
    "unique",
    "isProtected",
];

impl Schema {
    /// Reads the schema that stands at a place of the configuration.
    pub(in super::super) fn parse(value: &Value, place: Pointer) -> Result<Self, Invalid> {
        let members = Members::of(value, place)?;
        members.only(&OF_OBJECT)?;
        if let Some(kind) = members.text("type")?.filter(|kind| *kind != "object") {
            return Err(members.invalid(
                "type",
                format!("the schema of a type is for an 'object', not for a '{kind}'"),
            ));
        }
        let schema = inner(&members, &Pointer::root())?;
        if schema.all().len() > MAX_PROPERTIES {
            return Err(members.invalid("properties", format!("a type has at most {MAX_PROPERTIES} properties")));
        }
        Ok(schema)
    }
}

/// The properties of an object; `at` is where the object is in an object of the type.
fn inner(members: &Members<'_>, at: &Pointer) -> Result<Schema, Invalid> {
    let mut properties = Vec::new();
    if let Some(listed) = members.object("properties")? {
        for (name, value) in &listed.others(&[]) {
            if name.is_empty() || name.starts_with('_') && at.is_root() {
                return Err(listed.invalid(name, "a property's name is not empty and does not start with '_'"));
            }
            properties.push(property(name, value, listed.at(name), at.child(name))?);
        }
    }
    for (position, name) in texts(members, "required")?.into_iter().enumerate() {
        let place = members.at("required").child(&position.to_string());
        let Some(property) = properties.iter_mut().find(|property| *property.name == *name) else {
            return Err(Invalid::new(
                place,
                format!("there is no property '{name}' in the schema"),
            ));
        };
        if property.relationship.is_some() {
            let message = "a relationship cannot be required: the object at its other end may be deleted";
            return Err(Invalid::new(place, message));
        }
        require(property);
    }
    for (position, name) in texts(members, "order")?.into_iter().enumerate() {
        if !properties.iter().any(|property| *property.name == *name) {
            let place = members.at("order").child(&position.to_string());
            return Err(Invalid::new(
                place,
                format!("there is no property '{name}' in the schema"),
            ));
        }
    }
    Ok(Schema {
        properties,
        is_open: members.bool("additionalProperties", false)?,
    })
}

fn require(property: &mut Property) {
    if !property.policies.contains(&Policy::Required) {
        property.policies.insert(0, Policy::Required);
    }
}

pub(super) fn property(name: &str, value: &Value, place: Pointer, at: Pointer) -> Result<Property, Invalid> {
    let members = Members::of(value, place)?;
    if let Some(relationship) = Relationship::parse(&members, &at)? {
        return Ok(Property {
            name: name.into(),
            pointer: at,
            relationship: Some(Box::new(relationship)),
            ..Property::default()
        });
    }
    members.only(&OF_PROPERTY)?;
    let kinds = kinds(&members)?;
    let mut property = Property {
        name: name.into(),
        pointer: at.clone(),
        kinds,
        default: members.get("default").cloned(),
        ..Property::default()
    };
    let has_object = members.has("properties") || members.has("additionalProperties");
    if has_object {
        expect(&members, kinds, Kind::Object, "properties")?;
        property.inner = Some(inner(&members, &at)?);
    } else if members.get("required").is_some_and(Value::is_array) {
        return Err(members.invalid("required", "a list of required properties stands beside 'properties'"));
    }
    if let Some(items) = members.get("items") {
        expect(&members, kinds, Kind::Array, "items")?;
        let inside = self::property("-", items, members.at("items"), at.child("-"))?;
        refuse_traits(&inside, &members.at("items"))?;
        property.items = Some(Box::new(inside));
    }
    policies(&members, &mut property)?;
    traits(&members, &mut property)?;
    for (word, hook) in [
        ("onRetrieve", &mut property.on_retrieve),
        ("onStore", &mut property.on_store),
        ("onValidate", &mut property.on_validate),
    ] {
        *hook = Hook::parse(&members, word)?;
    }
    if property.traits.is_virtual && (property.on_store.is_some() || property.protection.is_some()) {
        return Err(members.invalid(
            "isVirtual",
            "a virtual property is not stored, so nothing can be done when it is",
        ));
    }
    if property.traits.is_unique && (property.traits.is_virtual || property.protection.is_some()) {
        let message = "a property that is virtual, encrypted or hashed cannot be unique";
        return Err(Invalid::new(members.pointer().clone(), message));
    }
    if let Some(default) = &property.default {
        let mut judged = property.clone();
        judged.pointer = Pointer::root().child(name);
        let object = Value::Object([(name.to_owned(), default.clone())].into_iter().collect());
        if let Some(failed) = super::check_property(&judged, &object).first() {
            let broken = failed.requirements.first().map_or("", |requirement| requirement.name);
            return Err(members.invalid(
                "default",
                format!("the default breaks the property's own rule {broken}"),
            ));
        }
    }
    Ok(property)
}

fn kinds(members: &Members<'_>) -> Result<Kinds, Invalid> {
    let read = |value: &Value, place: Pointer| {
        let name = value.as_str().unwrap_or_default();
        Kind::named(name).ok_or_else(|| {
            let message = "a type is one of string, number, integer, boolean, object, array and null";
            Invalid::new(place, format!("{message}, not {value}"))
        })
    };
    match members.get("type") {
        None => Ok(Kinds::default()),
        Some(Value::Array(names)) => names
            .iter()
            .enumerate()
            .try_fold(Kinds::default(), |kinds, (at, name)| {
                Ok(kinds.and(read(name, members.at("type").child(&at.to_string()))?))
            }),
        Some(name) => Ok(Kinds::default().and(read(name, members.at("type"))?)),
    }
}

fn expect(members: &Members<'_>, kinds: Kinds, kind: Kind, word: &str) -> Result<(), Invalid> {
    if kinds.has(kind) {
        Ok(())
    } else {
        Err(members.invalid(word, format!("'{word}' is for a property of type {kind}")))
    }
}

/// The policies that are written as such, and those that other words stand for.
fn policies(members: &Members<'_>, property: &mut Property) -> Result<(), Invalid> {
    match members.get("required") {
        Some(Value::Bool(true)) => require(property),
        None | Some(Value::Bool(false) | Value::Array(_)) => {}
        Some(_) => return Err(members.invalid("required", "true, false or a list of properties is expected")),
    }
    for word in ["minLength", "maxLength", "minItems", "maxItems"] {
        if let Some(length) = members.integer(word, 0..=i64::from(u32::MAX), "of characters or items")? {
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            property.policies.push(if word.starts_with("min") {
                Policy::MinimumLength(length)
            } else {
                Policy::MaximumLength(length)
            });
        }
    }
    if members.bool("uniqueItems", false)? {
        property.policies.push(Policy::NoDuplicates);
    }
    for (word, make) in [
        ("minimum", Policy::Minimum as fn(serde_json::Number) -> Policy),
        ("maximum", Policy::Maximum as fn(serde_json::Number) -> Policy),
    ] {
        match members.get(word) {
            None => {}
            Some(Value::Number(number)) => property.policies.push(make(number.clone())),
            Some(_) => return Err(members.invalid(word, "a number is expected")),
        }
    }
    if let Some(pattern) = members.text("pattern")? {
        property
            .policies
            .push(Policy::matching(pattern, "", members.at("pattern"))?);
    }
    match members.get("enum") {
        None => {}
        Some(Value::Array(values)) if !values.is_empty() => property.policies.push(Policy::OneOf(values.clone())),
        Some(_) => return Err(members.invalid("enum", "a list of at least one value is expected")),
    }
    for (position, value) in list(members, "policies")?.iter().enumerate() {
        let place = members.at("policies").child(&position.to_string());
        match Policy::parse(value, place)? {
            Policy::Required => require(property),
            Policy::Unique => property.traits.is_unique = true,
            policy => property.policies.push(policy),
        }
    }
    Ok(())
}

fn traits(members: &Members<'_>, property: &mut Property) -> Result<(), Invalid> {
    for word in ["viewable", "searchable", "userEditable", "isPersonal", "isProtected"] {
        members.bool(word, false)?;
    }
    for word in ["title", "description", "usageDescription", "id"] {
        members.text(word)?;
    }
    let is_virtual = members.bool("isVirtual", false)?;
    property.traits = Traits {
        is_private: match members.text("scope")? {
            None | Some("public") => false,
            Some("private") => true,
            Some(_) => return Err(members.invalid("scope", "a scope is 'public' or 'private'")),
        },
        is_read_only: members.bool("readOnly", false)?,
        is_virtual,
        is_on_demand: !members.bool("returnByDefault", !is_virtual)?,
        is_unique: property.traits.is_unique || members.bool("unique", false)?,
    };
    property.protection = Protection::parse(members)?;
    Ok(())
}

/// In an array a place means another item as soon as somebody inserts one, so nothing can be remembered about it.
pub(super) fn refuse_traits(property: &Property, place: &Pointer) -> Result<(), Invalid> {
    let mut inside: Vec<&Property> = vec![property];
    inside.extend(property.inner.as_ref().map(Schema::all).unwrap_or_default());
    for property in inside {
        let Traits {
            is_private,
            is_read_only,
            is_virtual,
            is_on_demand,
            is_unique,
        } = property.traits;
        let is_special = is_private || is_read_only || is_virtual || is_on_demand || is_unique;
        let has_hooks = property.on_retrieve.is_some() || property.on_store.is_some() || property.on_validate.is_some();
        if is_special || has_hooks || property.protection.is_some() || property.default.is_some() {
            let message = "what is inside of an array has no scope, hooks, encryption or default of its own, and is \
                           neither read-only, virtual nor unique";
            return Err(Invalid::new(place.clone(), message));
        }
    }
    Ok(())
}

impl Hook {
    /// The script that a member holds, if there is one.
    pub(in super::super) fn parse(members: &Members<'_>, word: &str) -> Result<Option<Self>, Invalid> {
        let Some(value) = members.get(word) else {
            return Ok(None);
        };
        let pointer = members.at(word);
        Ok(Some(Self {
            spec: ScriptSpec::parse(value, pointer.clone())?,
            pointer,
        }))
    }
}

/// A list that may be absent.
pub(in super::super) fn list<'a>(members: &Members<'a>, word: &str) -> Result<&'a [Value], Invalid> {
    match members.get(word) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(members.invalid(word, "a list is expected")),
    }
}

fn texts<'a>(members: &Members<'a>, word: &str) -> Result<Vec<&'a str>, Invalid> {
    if word == "required" && members.get(word).is_some_and(Value::is_boolean) {
        return Ok(Vec::new());
    }
    let items = list(members, word)?.iter().enumerate();
    items
        .map(|(at, item)| {
            item.as_str().ok_or_else(|| {
                Invalid::new(
                    members.at(word).child(&at.to_string()),
                    "the name of a property is expected",
                )
            })
        })
        .collect()
}
