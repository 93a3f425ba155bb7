//! Which types of managed objects there are, and which of their properties are indexed: `managed.json`.

use std::sync::Arc;

use host_model::Invalid;
use host_model::members::Members;
use host_resource::pointer::PointerError;
use host_resource::{Pointer, Problem};
use host_store::Collection;
use serde_json::{Map, Value, json};

use super::actions::BUILT_IN;
use super::hooks::{MOMENTS, Moment};
use super::schema::{Hook, Property, Schema, check_ends};

/// More types than this are refused: each brings its own tables and indexes.
pub const MAX_TYPES: usize = 256;
/// More indexes on one type than this are refused: every write of an object keeps all of them up to date.
pub const MAX_INDEXES: usize = 32;
/// Longer names of types (characters) are refused.
pub const MAX_NAME: usize = 64;

/// More scripted actions on one type than this are refused.
const MAX_ACTIONS: usize = 100;

/// What a type is described by, besides its hooks.
const OF_TYPE: [&str; 8] = [
    "name",
    "title",
    "type",
    "iconClass",
    "icon",
    "schema",
    "indexes",
    "actions",
];

/// What the peer's `managed.json` knows and this version does not. Refused like any other unknown key, but with words
/// that spare people the search for a typing error.
const NOT_YET: [(&str, &str); 3] = [
    ("onResponse", "what is answered is changed by `onRead` and `onRetrieve`"),
    (
        "properties",
        "the properties and their hooks belong to `schema/properties`",
    ),
    (
        "lastSync",
        "what was carried over last is not kept in objects: leave it out",
    ),
];

/// The types of managed objects of a tenant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ManagedTypes(Vec<Arc<ManagedType>>);

/// One type, such as `user`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ManagedType {
    pub(super) name: String,
    pub(super) collection: Collection,
    pub(super) indexes: Vec<Pointer>,
    /// None takes any property.
    pub(super) schema: Option<Schema>,
    pub(super) hooks: Vec<(Moment, Hook)>,
    /// Scripted actions by name.
    pub(super) actions: Vec<(String, Hook)>,
    /// Where it stands in the configuration.
    pub(super) place: Pointer,
}

/// Why a JSON document is no `managed.json`. Each says where, as a JSON pointer into the document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypesError {
    /// A value of another kind.
    #[error("{at} has to be {expected}")]
    Kind {
        /// Where.
        at: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A key that means nothing here.
    #[error("{at} is not known")]
    Unknown {
        /// Where.
        at: String,
    },
    /// A key of the product family that this version does without.
    #[error("{at} is not part of this version: {instead}")]
    NotYet {
        /// Where.
        at: String,
        /// What would be right.
        instead: &'static str,
    },
    /// A schema, a hook or an action that is not understood.
    #[error("{invalid}")]
    Part {
        /// Where.
        at: String,
        /// The place and what is wrong there.
        invalid: Invalid,
    },
    /// A name that cannot be part of a path.
    #[error("{at} has to be 1 to {MAX_NAME} letters, digits, `_` and `-`, the first a letter or digit")]
    Name {
        /// Where.
        at: String,
    },
    /// The same type, or the same index of a type, again. Types differ in more than case.
    #[error("{at} repeats `{name}`")]
    Repeated {
        /// Where.
        at: String,
        /// What occurs twice.
        name: String,
    },
    /// A list that is too long.
    #[error("{at} has more than {limit} items")]
    Many {
        /// Where.
        at: String,
        /// How many are allowed.
        limit: usize,
    },
    /// A text that is no pointer.
    #[error("{at} is not a JSON pointer")]
    Pointer {
        /// Where.
        at: String,
        /// What is wrong with it.
        #[source]
        source: PointerError,
    },
    /// A pointer that an index cannot have.
    #[error("{at} cannot be indexed: name a property such as `/userName`; `_id` needs no index")]
    Index {
        /// Where.
        at: String,
    },
}

impl ManagedTypes {
    /// What counts where nobody says otherwise: one type, `user`.
    pub fn built_in() -> Value {
        json!({"objects": [{"name": "user", "indexes": ["/userName", "/sunset/date"]}]})
    }

    /// Reads `{"objects": [{"name": "user", "indexes": ["/userName"]}]}`. A key that is not understood is refused;
    /// `_id` and `_rev`, which a GET of the configuration shows, are ignored.
    pub fn parse(document: &Value) -> Result<Self, TypesError> {
        let members = object(document, "/")?;
        let known = |key: &str| matches!(key, "objects" | "_id" | "_rev");
        if let Some(key) = members.keys().find(|key| !known(key)) {
            return Err(TypesError::Unknown { at: at("", key) });
        }
        let items = members.get("objects").and_then(Value::as_array);
        let items = items.ok_or_else(|| TypesError::Kind {
            at: "/objects".to_owned(),
            expected: "an array",
        })?;
        if items.len() > MAX_TYPES {
            return Err(TypesError::Many {
                at: "/objects".to_owned(),
                limit: MAX_TYPES,
            });
        }
        let mut types: Vec<Arc<ManagedType>> = Vec::with_capacity(items.len());
        for (position, item) in items.iter().enumerate() {
            let place = at("/objects", &position.to_string());
            let pointer = Pointer::root().child("objects").child(&position.to_string());
            let parsed = ManagedType::parse(item, &place, pointer)?;
            if types.iter().any(|other| other.is_named(&parsed.name)) {
                return Err(TypesError::Repeated {
                    at: at(&place, "name"),
                    name: parsed.name,
                });
            }
            types.push(Arc::new(parsed));
        }
        let properties: Vec<(&str, &[Property])> = types
            .iter()
            .filter_map(|one| Some((one.name.as_str(), one.schema.as_ref()?.properties.as_slice())))
            .collect();
        check_ends(&properties)?;
        Ok(Self(types))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<ManagedType>> {
        self.0.iter()
    }
}

impl ManagedType {
    fn parse(item: &Value, place: &str, pointer: Pointer) -> Result<Self, TypesError> {
        let members = object(item, place)?;
        let is_known = |key: &str| OF_TYPE.contains(&key) || MOMENTS.iter().any(|(hook, _)| *hook == key);
        if let Some(key) = members.keys().find(|key| !is_known(key)) {
            let at = at(place, key);
            let not_yet = NOT_YET.iter().find(|(known, _)| known == key);
            return Err(match not_yet {
                Some((_, instead)) => TypesError::NotYet { at, instead },
                None => TypesError::Unknown { at },
            });
        }
        let name_at = at(place, "name");
        let name = members.get("name").and_then(Value::as_str);
        let name = name.ok_or_else(|| TypesError::Kind {
            at: name_at.clone(),
            expected: "a text",
        })?;
        if !is_name(name) {
            return Err(TypesError::Name { at: name_at });
        }
        let indexes = members
            .get("indexes")
            .map_or_else(|| Ok(Vec::new()), |list| parse_indexes(list, &at(place, "indexes")))?;
        let (schema, hooks, actions) = parts(item, pointer.clone())?;
        Ok(Self {
            name: name.to_owned(),
            collection: Collection::new(&format!("managed/{name}")),
            indexes,
            schema,
            hooks,
            actions,
            place: pointer,
        })
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// What a type has a schema, hooks and actions of.
type Parts = (Option<Schema>, Vec<(Moment, Hook)>, Vec<(String, Hook)>);

fn parts(item: &Value, pointer: Pointer) -> Result<Parts, Invalid> {
    let members = Members::of(item, pointer)?;
    for word in ["title", "type", "iconClass", "icon"] {
        members.text(word)?;
    }
    let schema = members.get("schema");
    let schema = schema
        .map(|schema| Schema::parse(schema, members.at("schema")))
        .transpose()?;
    let mut hooks = Vec::new();
    for (word, moment) in MOMENTS {
        if let Some(hook) = Hook::parse(&members, word)? {
            hooks.push((moment, hook));
        }
    }
    let mut actions = Vec::new();
    if let Some(listed) = members.object("actions")? {
        for name in listed.others(&[]).keys() {
            if BUILT_IN.contains(&name.as_str()) {
                return Err(listed.invalid(name, "every type has an action of this name already"));
            }
            if let Some(hook) = Hook::parse(&listed, name)? {
                actions.push((name.clone(), hook));
            }
        }
    }
    if actions.len() > MAX_ACTIONS {
        return Err(members.invalid("actions", format!("a type has at most {MAX_ACTIONS} actions")));
    }
    Ok((schema, hooks, actions))
}

fn parse_indexes(list: &Value, place: &str) -> Result<Vec<Pointer>, TypesError> {
    let items = list.as_array().ok_or_else(|| TypesError::Kind {
        at: place.to_owned(),
        expected: "an array",
    })?;
    if items.len() > MAX_INDEXES {
        return Err(TypesError::Many {
            at: place.to_owned(),
            limit: MAX_INDEXES,
        });
    }
    let mut indexes = Vec::with_capacity(items.len());
    for (position, item) in items.iter().enumerate() {
        let at = at(place, &position.to_string());
        let Some(text) = item.as_str() else {
            return Err(TypesError::Kind { at, expected: "a text" });
        };
        let pointer = match Pointer::parse(text) {
            Ok(pointer) => pointer,
            Err(source) => return Err(TypesError::Pointer { at, source }),
        };
        if matches!(
            pointer.elements().first().map(AsRef::as_ref),
            None | Some("_id" | "_rev")
        ) {
            return Err(TypesError::Index { at });
        }
        if indexes.contains(&pointer) {
            return Err(TypesError::Repeated {
                at,
                name: pointer.to_string(),
            });
        }
        indexes.push(pointer);
    }
    Ok(indexes)
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, TypesError> {
    value.as_object().ok_or_else(|| TypesError::Kind {
        at: place.to_owned(),
        expected: "an object",
    })
}

fn at(place: &str, key: &str) -> String {
    format!("{place}{}", Pointer::from_elements([key]))
}

fn is_name(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    name.len() <= MAX_NAME && name.bytes().all(is_word) && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

impl TypesError {
    /// Where in the document, as a JSON pointer.
    pub fn at(&self) -> &str {
        match self {
            Self::Kind { at, .. }
            | Self::Unknown { at }
            | Self::NotYet { at, .. }
            | Self::Part { at, .. }
            | Self::Name { at }
            | Self::Repeated { at, .. }
            | Self::Many { at, .. }
            | Self::Pointer { at, .. }
            | Self::Index { at } => at,
        }
    }
}

impl From<Invalid> for TypesError {
    fn from(invalid: Invalid) -> Self {
        Self::Part {
            at: invalid.pointer.to_string(),
            invalid,
        }
    }
}

impl From<TypesError> for Problem {
    fn from(error: TypesError) -> Self {
        let message = match &error {
            TypesError::Pointer { source, .. } => format!("{error}: {source}"),
            _ => error.to_string(),
        };
        Self::bad_request(message).with_detail("pointer", error.at())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_a_collection_and_indexes() {
        let types = ManagedTypes::parse(&json!({
            "_id": "managed",
            "objects": [
                {"name": "user", "indexes": ["/sunset/date", "userName"]},
                {"name": "realm-name_role"},
            ],
        }));
        let types = types.unwrap();
        let [user, role] = types.0.as_slice() else { panic!() };
        assert!(user.is_named("USER") && role.is_named("Realm-Name_Role"));
        assert_eq!(user.collection.name(), "managed/user");
        assert_eq!(
            user.indexes,
            [
                Pointer::parse("/sunset/date").unwrap(),
                Pointer::parse("/userName").unwrap()
            ]
        );
        assert!(role.indexes.is_empty());
    }

    #[test]
    fn what_is_not_understood_is_refused_where_it_stands() {
        let check = |document: Value, expected: &str| {
            let problem = Problem::from(ManagedTypes::parse(&document).unwrap_err());
            assert_eq!(problem.message, expected, "{document}");
        };
        let of = |item: Value| json!({"objects": [item]});
        check(json!([]), "/ has to be an object");
        check(json!({}), "/objects has to be an array");
        check(json!({"objects": {}}), "/objects has to be an array");
        check(json!({"objects": [], "a/b": 1}), "/a%2Fb is not known");
        check(of(json!("user")), "/objects/0 has to be an object");
        check(of(json!({})), "/objects/0/name has to be a text");
        check(of(json!({"name": 7})), "/objects/0/name has to be a text");
        check(
            of(json!({"name": "user", "indices": []})),
            "/objects/0/indices is not known",
        );
        check(
            of(json!({"name": "user", "properties": {}})),
            "/objects/0/properties is not part of this version: the properties and their hooks belong to `schema/properties`",
        );
        check(
            of(json!({"name": "user", "onCreate": {}})),
            "/objects/0/onCreate/type: 'type' is required: write text/javascript (with source or file) or application/wasm (with plugin or file)",
        );
        for name in ["", "a/b", "-a", "_a", "a b", "é", &"x".repeat(65)] {
            check(
                of(json!({"name": name})),
                "/objects/0/name has to be 1 to 64 letters, digits, `_` and `-`, the first a letter or digit",
            );
        }
        check(
            json!({"objects": [{"name": "user"}, {"name": "User"}]}),
            "/objects/1/name repeats `User`",
        );
        let index = |list: Value| of(json!({"name": "user", "indexes": list}));
        check(index(json!("/a")), "/objects/0/indexes has to be an array");
        check(index(json!([1])), "/objects/0/indexes/0 has to be a text");
        check(index(json!(["/a", "a/"])), "/objects/0/indexes/1 repeats `/a`");
        let cannot = "cannot be indexed: name a property such as `/userName`; `_id` needs no index";
        check(index(json!(["/"])), &format!("/objects/0/indexes/0 {cannot}"));
        check(index(json!(["/a", "_id"])), &format!("/objects/0/indexes/1 {cannot}"));
        check(
            index(json!(vec!["/a"; 33])),
            "/objects/0/indexes has more than 32 items",
        );
        let many: Vec<Value> = (0..=MAX_TYPES)
            .map(|number| json!({"name": format!("t{number}")}))
            .collect();
        check(json!({"objects": many}), "/objects has more than 256 items");
        assert!(matches!(
            ManagedTypes::parse(&index(json!(["/%%%"]))),
            Err(TypesError::Pointer { .. })
        ));
    }
}
