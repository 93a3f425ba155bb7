//! What a request asks of the relationships of an object: whole values in a body, items in a patch.

use host_resource::patch::{Op, PatchOperation};
use host_resource::sort::SortKey;
use host_resource::{Filter, Pointer, Problem, ResourcePath};
use serde_json::{Map, Value};

use super::book::refused;
use crate::managed::ObjectId;
use crate::managed::live::LiveType;
use crate::managed::policy::refusal;
use crate::managed::schema::{Relationship, check_property};

/// More relationships of one property in one request than this are refused.
pub const MAX_GIVEN: usize = 1000;

/// What an item may have. What is read may be sent back.
const OF_ITEM: [&str; 6] = [
    "_ref",
    "_refProperties",
    "_refResourceCollection",
    "_refResourceId",
    "_id",
    "_rev",
];

/// What is asked of one property, with its place in the request.
#[derive(Debug, PartialEq)]
pub(in super::super) struct Asked {
    pub(super) property: Box<str>,
    pub(super) wanted: Wanted,
}

#[derive(Debug, PartialEq)]
pub(super) enum Wanted {
    /// These and no others.
    Set(Vec<Item>),
    /// One more.
    Add(Item),
    /// One less, if it is there.
    Remove(Item),
}

/// An object that is referred to.
#[derive(Debug, PartialEq)]
pub(super) struct Item {
    /// As the request names it.
    pub(super) type_name: String,
    pub(super) id: ObjectId,
    pub(super) properties: Map<String, Value>,
    pub(super) place: Pointer,
}

/// Takes the relationships out of an object: they are not stored in it. A property that is not there stays as it is.
pub(in super::super) fn given(live: &LiveType, object: &mut Value) -> Result<Vec<Asked>, Problem> {
    let mut asked = Vec::new();
    let Some(members) = object.as_object_mut() else {
        return Ok(asked);
    };
    for (name, relationship) in &live.relationships {
        if let Some(value) = members.shift_remove(&**name) {
            let place = Pointer::root().child(name);
            asked.push(Asked {
                property: name.clone(),
                wanted: Wanted::Set(items(relationship, &value, place)?),
            });
        }
    }
    Ok(asked)
}

/// The operations of a patch that concern the object itself, and what the others ask of its relationships.
pub(in super::super) fn split(
    live: &LiveType,
    operations: &[PatchOperation],
) -> Result<(Vec<PatchOperation>, Vec<Asked>), Problem> {
    let (mut own, mut asked) = (Vec::new(), Vec::new());
    for operation in operations {
        let at = |pointer: &Pointer| {
            let first = pointer.elements().first();
            first.and_then(|first| live.relationships.iter().find(|(name, _)| name == first))
        };
        if operation.from.as_ref().is_some_and(|from| at(from).is_some()) {
            return Err(Problem::bad_request(
                "a relationship is neither copied nor moved: add it where it belongs",
            ));
        }
        match at(&operation.field) {
            None => own.push(operation.clone()),
            Some((name, relationship)) => asked.push(asked_by(name, relationship, operation)?),
        }
    }
    Ok((own, asked))
}

fn asked_by(name: &str, relationship: &Relationship, operation: &PatchOperation) -> Result<Asked, Problem> {
    let place = operation.field.clone();
    let below: Vec<&str> = operation.field.elements()[1..].iter().map(AsRef::as_ref).collect();
    let wanted = match (operation.operation, below.as_slice(), &operation.value) {
        (Op::Add | Op::Replace, [], Some(value)) => Wanted::Set(items(relationship, value, place)?),
        (Op::Add, ["-"], Some(value)) if relationship.is_list => Wanted::Add(item(relationship, value, place)?),
        (Op::Remove, [], None) => Wanted::Set(Vec::new()),
        (Op::Remove, [], Some(value)) => Wanted::Remove(item(relationship, value, place)?),
        _ => {
            return Err(refused(
                place,
                "a relationship is patched as a whole: add, replace or remove it, or add to '-' where there are several; \
                 what is said about one is replaced by a PUT of it",
            ));
        }
    };
    Ok(Asked {
        property: name.into(),
        wanted,
    })
}

fn items(relationship: &Relationship, value: &Value, place: Pointer) -> Result<Vec<Item>, Problem> {
    match (value, relationship.is_list) {
        (Value::Null, _) => Ok(Vec::new()),
        (Value::Array(items), true) if items.len() > MAX_GIVEN => Err(refused(
            place,
            format!("at most {MAX_GIVEN} relationships are given at once: add the others by further requests"),
        )),
        (Value::Array(values), true) => {
            let mut items: Vec<Item> = Vec::with_capacity(values.len());
            for (position, value) in values.iter().enumerate() {
                items.push(item(relationship, value, place.child(&position.to_string()))?);
            }
            Ok(items)
        }
        (_, true) => Err(refused(place, "a list of relationships is expected")),
        (value, false) => Ok(vec![item(relationship, value, place)?]),
    }
}

/// An item such as `{"_ref": "managed/user/joe", "_refProperties": {…}}`.
pub(super) fn item(relationship: &Relationship, value: &Value, place: Pointer) -> Result<Item, Problem> {
    let Some(members) = value.as_object() else {
        return Err(refused(
            place,
            "a relationship is an object such as {\"_ref\": \"managed/user/joe\"}",
        ));
    };
    if let Some(unknown) = members.keys().find(|key| !OF_ITEM.contains(&key.as_str())) {
        let message = format!("a relationship has no '{unknown}': it has '_ref' and '_refProperties'");
        return Err(refused(place.child(unknown), message));
    }
    let text = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(refused(place.child(name), "a text is expected")),
    };
    let (type_name, id) = match (text("_ref")?, text("_refResourceCollection")?, text("_refResourceId")?) {
        (Some(path), collection, id) => {
            let (type_name, named) = target(path).ok_or_else(|| {
                refused(
                    place.child("_ref"),
                    format!("'{path}' is not the path of a managed object, such as managed/user/joe"),
                )
            })?;
            let is_same = collection.is_none_or(|other| other.eq_ignore_ascii_case(&format!("managed/{type_name}")))
                && id.is_none_or(|other| other == named);
            if !is_same {
                return Err(refused(
                    place.child("_ref"),
                    "'_ref' names another object than '_refResourceCollection' and '_refResourceId'",
                ));
            }
            (type_name, named)
        }
        (None, Some(collection), Some(id)) => match collection.split_once('/') {
            Some(("managed", type_name)) if !type_name.contains('/') => (type_name.to_owned(), id.to_owned()),
            _ => {
                let message = "a collection of managed objects is expected, such as managed/user";
                return Err(refused(place.child("_refResourceCollection"), message));
            }
        },
        _ => {
            return Err(refused(
                place.child("_ref"),
                "'_ref' is required: the path of the object",
            ));
        }
    };
    let id = ObjectId::parse(&id).map_err(|error| refused(place.child("_ref"), error.to_string()))?;
    let properties = properties(relationship, members.get("_refProperties"), &place)?;
    Ok(Item {
        type_name,
        id,
        properties,
        place,
    })
}

/// What is said about a relationship, without what it is called by.
pub(super) fn properties(
    relationship: &Relationship,
    value: Option<&Value>,
    place: &Pointer,
) -> Result<Map<String, Value>, Problem> {
    let mut properties = match value {
        None | Some(Value::Null) => return Ok(Map::new()),
        Some(Value::Object(members)) => members.clone(),
        Some(_) => return Err(refused(place.child("_refProperties"), "an object is expected")),
    };
    for name in ["_id", "_rev"] {
        properties.shift_remove(name);
    }
    if let Some(schema) = &relationship.properties {
        let object = Value::Object(
            [("_refProperties".to_owned(), Value::Object(properties.clone()))]
                .into_iter()
                .collect(),
        );
        let known = schema.inner.as_ref().filter(|inner| !inner.is_open);
        let is_unknown = |name: &&String| known.is_some_and(|known| known.get(name).is_none());
        if let Some(unknown) = properties.keys().find(is_unknown) {
            let message = format!("the schema does not know the property '{unknown}' of this relationship");
            return Err(refused(place.child("_refProperties").child(unknown), message));
        }
        let failed = check_property(schema, &object);
        if !failed.is_empty() {
            return Err(refusal(&failed, false));
        }
    }
    Ok(properties)
}

fn target(path: &str) -> Option<(String, String)> {
    let path = ResourcePath::parse(path).ok()?;
    let elements: Vec<&str> = path.elements().collect();
    match elements.as_slice() {
        [managed, type_name, id] if managed.eq_ignore_ascii_case("managed") => {
            Some(((*type_name).to_owned(), (*id).to_owned()))
        }
        _ => None,
    }
}

/// Refuses a query that looks at relationships: they are not in the objects.
pub(in super::super) fn refuse_filters(
    live: &LiveType,
    filter: Option<&Filter>,
    sort: &[SortKey],
) -> Result<(), Problem> {
    if live.relationships.is_empty() {
        return Ok(());
    }
    let in_filter = filter.into_iter().flat_map(Filter::fields);
    let mut asked = in_filter.chain(sort.iter().map(|key| &key.pointer));
    let is_one = |pointer: &&Pointer| {
        let first = pointer.elements().first();
        first.is_some_and(|first| live.relationships.iter().any(|(name, _)| name == first))
    };
    match asked.find(is_one) {
        None => Ok(()),
        Some(pointer) => Err(refused(
            pointer.clone(),
            format!(
                "nothing is filtered or sorted by a relationship: query the other end, such as managed/{}/ID/PROPERTY",
                live.definition.name
            ),
        )),
    }
}
