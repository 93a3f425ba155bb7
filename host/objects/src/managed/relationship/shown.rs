//! What is seen of relationships in an object: nothing, unless they are asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use host_resource::project::Fields;
use host_resource::{Content, Context, Object, Pointer, Problem, VerbName};
use host_store::UnitOfWork;
use serde_json::{Map, Value, json};

use super::book;
use super::row::{End, Row};
use crate::managed::live::LiveType;
use crate::managed::schema::Relationship;
use crate::managed::{ManagedObjects, object};

/// At most so many relationships are shown in an object; with more, they are queried on their own.
pub const MAX_SHOWN: usize = 1000;
/// At most so many are shown in all objects of an answer together.
const MAX_IN_ALL: usize = 20_000;

/// The word for all relationships.
const ALL: &str = "*_ref";

/// What is asked for of the relationships of the objects of an answer.
pub(in super::super) struct View<'a> {
    live: &'a LiveType,
    asked: Vec<(&'a str, &'a Relationship, Option<Fields>)>,
    /// What is shown of the objects besides.
    fields: Fields,
    shown: AtomicUsize,
}

impl<'a> View<'a> {
    /// What the fields of a request ask for; none when that is nothing.
    pub(in super::super) fn new(live: &'a LiveType, fields: &Fields, is_external: bool) -> Option<Self> {
        let mut asked = Vec::new();
        for (name, relationship) in &live.relationships {
            if relationship.is_private && is_external {
                continue;
            }
            let is_default = relationship.is_default && fields.has_everything();
            let mut below: Option<Vec<Pointer>> = is_default.then(Vec::new);
            for pointer in fields.pointers() {
                if let [first, rest @ ..] = pointer.elements()
                    && (&**first == ALL || first == name)
                {
                    let below = below.get_or_insert_default();
                    match rest.first().map(|rest| &**rest) {
                        None => {}
                        Some(own) if own.starts_with("_ref") => {}
                        Some(_) => below.push(Pointer::from_elements(rest.iter().cloned())),
                    }
                }
            }
            if let Some(below) = below {
                let expanded = (!below.is_empty()).then(|| Fields::of(below));
                asked.push((&**name, relationship, expanded));
            }
        }
        let is_relationship = |pointer: &Pointer| {
            let first = pointer.elements().first();
            first.is_some_and(|first| &**first == ALL || live.relationship(first).is_some())
        };
        if asked.is_empty() && !fields.pointers().iter().any(is_relationship) {
            return None;
        }
        let names: Vec<&str> = asked.iter().map(|(name, ..)| *name).collect();
        let fields = fields.replacing(|pointer| {
            is_relationship(pointer).then(|| {
                names
                    .iter()
                    .map(|name| Pointer::root().child(name))
                    .filter(|one| {
                        pointer.elements().first().is_some_and(|first| &**first == ALL) || pointer.starts_with(one)
                    })
                    .collect()
            })
        });
        Some(Self {
            live,
            asked,
            fields,
            shown: AtomicUsize::new(0),
        })
    }
}

impl ManagedObjects {
    /// An object with the relationships that are asked for, as the fields show it.
    pub(in super::super) async fn with_relationships(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        view: &View<'_>,
        object: Object,
    ) -> Result<Object, Problem> {
        let Object { id, rev, content } = object;
        let mut content = content
            .into_value()
            .map_err(|error| Problem::internal(error.to_string()))?;
        for (name, relationship, expanded) in &view.asked {
            let own = End::new(&view.live.definition.name, &id, name);
            let found = book::all(unit, &own, MAX_SHOWN).await?;
            if view.shown.fetch_add(found.len(), Ordering::Relaxed) + found.len() > MAX_IN_ALL {
                return Err(Problem::bad_request(format!(
                    "the objects have more than {MAX_IN_ALL} relationships together: ask for fewer objects with _pageSize"
                )));
            }
            let mut items = Vec::with_capacity(found.len());
            for one in found {
                let item = self
                    .item(context, unit, &own, &one.row, one.rev, expanded.as_ref())
                    .await?;
                items.push(item);
            }
            let value = if relationship.is_list {
                Value::Array(items)
            } else {
                items.into_iter().next().unwrap_or(Value::Null)
            };
            if let Some(members) = content.as_object_mut() {
                members.insert((*name).to_owned(), value);
            }
        }
        let shown = view.fields.apply(None, None, content);
        Ok(Object {
            id,
            rev,
            content: Content::Shown(shown),
        })
    }

    /// A relationship as one end sees it, with fields of the object at the other end if they are wanted.
    pub(super) async fn item(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        own: &End,
        row: &Row,
        rev: Option<String>,
        expanded: Option<&Fields>,
    ) -> Result<Value, Problem> {
        let other = row.other_than(own);
        let mut item = match expanded {
            Some(fields) => self.expanded(context, unit, other, fields).await?,
            None => Map::new(),
        };
        let mut said = Map::new();
        said.insert("_id".to_owned(), Value::from(&*row.key().id));
        if let Some(rev) = rev {
            said.insert("_rev".to_owned(), rev.into());
        }
        said.extend(row.properties.clone());
        let reference = json!({
            "_ref": other.object().to_string(),
            "_refResourceCollection": format!("managed/{}", other.type_name),
            "_refResourceId": other.id,
            "_refProperties": said,
        });
        if let Value::Object(members) = reference {
            item.extend(members);
        }
        Ok(Value::Object(item))
    }

    /// Fields of an object that is referred to, as far as the caller may read it. Its own relationships are not followed.
    async fn expanded(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        other: &End,
        fields: &Fields,
    ) -> Result<Map<String, Value>, Problem> {
        if !context.caller.rights.allow(VerbName::Read, &other.object()) {
            return Ok(Map::new());
        }
        let Ok(target) = self.managed(&other.type_name) else {
            return Ok(Map::new());
        };
        let Some(seen) = unit.get(&target.definition.collection.key(&*other.id)).await? else {
            return Ok(Map::new());
        };
        let shown = self
            .show_own(context, unit, &target, object(seen), fields, false)
            .await?;
        let shown = shown
            .project(fields)
            .map_err(|error| Problem::internal(error.to_string()))?;
        match shown {
            Value::Object(members) => Ok(members),
            _ => Ok(Map::new()),
        }
    }
}
