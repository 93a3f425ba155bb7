//! A property whose values are other objects.

use host_model::Invalid;
use host_model::members::Members;
use host_resource::Pointer;
use serde_json::Value;

use super::Property;
use super::parse::{list, property, refuse_traits};

/// A property whose values are other objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in super::super) struct Relationship {
    /// The property of those objects that shows the same relationship.
    pub(in super::super) reverse: Option<Box<str>>,
    /// Whether an object that is referred to has to exist, and to have room for the relationship.
    pub(in super::super) validate: bool,
    /// Whether there may be more than one.
    pub(in super::super) is_list: bool,
    /// Which types it may refer to; none means any.
    pub(in super::super) types: Vec<Box<str>>,
    /// Never shown to callers from outside, nor changed by them.
    pub(in super::super) is_private: bool,
    /// Shown also when it is not asked for.
    pub(in super::super) is_default: bool,
    /// What may be said about a relationship, as the property `_refProperties`.
    pub(in super::super) properties: Option<Property>,
    /// Where it stands in the configuration.
    pub(in super::super) place: Pointer,
}

const OF_RELATIONSHIP: [&str; 18] = [
    "type",
    "title",
    "description",
    "usageDescription",
    "viewable",
    "searchable",
    "userEditable",
    "isPersonal",
    "id",
    "scope",
    "returnByDefault",
    "reverseRelationship",
    "reversePropertyName",
    "validate",
    "resourceCollection",
    "properties",
    "notifySelf",
    "policies",
];

const OF_LIST: [&str; 14] = [
    "type",
    "title",
    "description",
    "usageDescription",
    "viewable",
    "searchable",
    "userEditable",
    "isPersonal",
    "id",
    "scope",
    "returnByDefault",
    "items",
    "notifySelf",
    "policies",
];

const OF_COLLECTION: [&str; 4] = ["path", "label", "query", "notify"];

impl Relationship {
    /// Reads a property that is a relationship, or a list of them; none if it is neither.
    pub(super) fn parse(members: &Members<'_>, at: &Pointer) -> Result<Option<Self>, Invalid> {
        let is_one = |members: &Members<'_>| members.get("type").and_then(Value::as_str) == Some("relationship");
        let items = match members.get("items") {
            Some(Value::Object(_)) => members.object("items")?,
            _ => None,
        };
        let mut relationship = match items {
            _ if is_one(members) => {
                members.only(&OF_RELATIONSHIP)?;
                Self::one(members)?
            }
            Some(items) if is_one(&items) => {
                members.only(&OF_LIST)?;
                if members.get("type").and_then(Value::as_str) != Some("array") {
                    return Err(members.invalid("type", "a list of relationships is of type 'array'"));
                }
                items.only(&OF_RELATIONSHIP)?;
                Self {
                    is_list: true,
                    ..Self::one(&items)?
                }
            }
            _ => return Ok(None),
        };
        if at.elements().len() != 1 {
            let message = "a relationship is a property of the object itself, not of something in it";
            return Err(Invalid::new(members.pointer().clone(), message));
        }
        relationship.is_default = members.bool("returnByDefault", false)?;
        relationship.is_private = match members.text("scope")? {
            None | Some("public") => false,
            Some("private") => true,
            Some(_) => return Err(members.invalid("scope", "a scope is 'public' or 'private'")),
        };
        Ok(Some(relationship))
    }

    fn one(members: &Members<'_>) -> Result<Self, Invalid> {
        if !list(members, "policies")?.is_empty() {
            let message = "a relationship has no policies: 'validate' says whether its object has to exist";
            return Err(members.invalid("policies", message));
        }
        refuse_notify(members, "notifySelf")?;
        let reverse = match (
            members.bool("reverseRelationship", false)?,
            members.text("reversePropertyName")?,
        ) {
            (true, Some(name)) if !name.is_empty() => Some(name.into()),
            (true, _) => {
                let message = "'reversePropertyName' is required: the property at the other end";
                return Err(members.invalid("reversePropertyName", message));
            }
            (false, None | Some("")) => None,
            (false, Some(_)) => {
                let message = "a property at the other end needs 'reverseRelationship': true";
                return Err(members.invalid("reversePropertyName", message));
            }
        };
        let types = types(members)?;
        if reverse.is_some() && types.is_empty() {
            let message = "'resourceCollection' is required: the types that have the property at the other end";
            return Err(members.invalid("resourceCollection", message));
        }
        Ok(Self {
            reverse,
            types,
            validate: members.bool("validate", false)?,
            properties: properties(members)?,
            place: members.pointer().clone(),
            ..Self::default()
        })
    }
}

/// Refuses a property at the other end that does not lead back: then the ends would not agree.
pub(in super::super) fn check_ends<'a>(types: &[(&'a str, &'a [Property])]) -> Result<(), Invalid> {
    let find = |type_name: &str, property: &str| {
        let (_, properties) = types.iter().find(|(name, _)| name.eq_ignore_ascii_case(type_name))?;
        let found = properties.iter().find(|one| *one.name == *property)?;
        found.relationship.as_deref()
    };
    for (type_name, properties) in types {
        for property in *properties {
            let Some(relationship) = &property.relationship else {
                continue;
            };
            let Some(reverse) = &relationship.reverse else { continue };
            for target in &relationship.types {
                let leads_back = find(target, reverse).is_some_and(|other| {
                    other.reverse.as_deref() == Some(&*property.name)
                        && other.types.iter().any(|name| name.eq_ignore_ascii_case(type_name))
                });
                if !leads_back {
                    let message = format!(
                        "'managed/{target}' has no relationship '{reverse}' that leads back to '{}' of 'managed/{type_name}'",
                        property.name
                    );
                    return Err(Invalid::new(relationship.place.child("reversePropertyName"), message));
                }
            }
        }
    }
    Ok(())
}

/// Changes of relationships are not carried over by themselves.
fn refuse_notify(members: &Members<'_>, word: &str) -> Result<(), Invalid> {
    if members.bool(word, false)? {
        let message = "objects are not told of changes of their relationships: call the action 'triggerSyncCheck'";
        return Err(members.invalid(word, message));
    }
    Ok(())
}

fn types(members: &Members<'_>) -> Result<Vec<Box<str>>, Invalid> {
    let mut types = Vec::new();
    for (position, value) in list(members, "resourceCollection")?.iter().enumerate() {
        let collection = Members::of(value, members.at("resourceCollection").child(&position.to_string()))?;
        collection.only(&OF_COLLECTION)?;
        collection.text("label")?;
        collection.object("query")?;
        refuse_notify(&collection, "notify")?;
        let path = collection.require_text("path", "the collection, such as managed/user")?;
        match path.split_once('/') {
            Some(("managed", name)) if !name.is_empty() && !name.contains('/') => types.push(name.into()),
            _ => {
                let message = "relationships lead to managed objects: a path is like managed/user";
                return Err(collection.invalid("path", message));
            }
        }
    }
    Ok(types)
}

/// What may be said about a relationship.
fn properties(members: &Members<'_>) -> Result<Option<Property>, Invalid> {
    let Some(listed) = members.object("properties")? else {
        return Ok(None);
    };
    listed.only(&["_ref", "_refProperties", "_refResourceCollection", "_refResourceId"])?;
    let Some(value) = listed.get("_refProperties") else {
        return Ok(None);
    };
    let place = listed.at("_refProperties");
    let parsed = property(
        "_refProperties",
        value,
        place.clone(),
        Pointer::from_elements(["_refProperties"]),
    )?;
    refuse_traits(&parsed, &place)?;
    Ok(Some(parsed))
}
