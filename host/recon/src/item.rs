//! An object whose turn it is.

use std::sync::Arc;

use host_resource::{Object, Problem};
use serde_json::Value;

use crate::endpoint::value;
use crate::entry::Planned;
use crate::turn::{Shown, Side};

/// Members of an object beyond `_id` and `_rev` that show that a query answered all of it.
const MEMBERS_OF_FULL: usize = 2;

/// An object whose turn it is.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) side: Side,
    pub(crate) id: Arc<str>,
    /// The whole object, where a query answered it and reading it again would cost a request.
    pub(crate) entry: Option<Arc<Shown>>,
    /// Only under these qualifiers.
    pub(crate) only: Option<Vec<String>>,
    /// Whether a target object may be deleted now, or has to wait until it is known how many there are.
    pub(crate) may_delete: bool,
    /// Only this.
    pub(crate) planned: Option<Arc<Planned>>,
}

impl Item {
    /// An object of which nothing is known but its id.
    pub(crate) fn new(side: Side, id: impl Into<Arc<str>>) -> Self {
        Self {
            side,
            id: id.into(),
            entry: None,
            only: None,
            may_delete: false,
            planned: None,
        }
    }

    /// What an analysis planned for an object, and nothing else.
    pub(crate) fn of_plan(planned: Planned) -> Self {
        let mut item = Self::new(planned.side, planned.object.as_str());
        item.only = Some(vec![planned.qualifier.clone()]);
        item.may_delete = true;
        item.planned = Some(Arc::new(planned));
        item
    }

    /// The id of its turn among those of both sides: a second one, under some qualifiers only, has one of its own.
    pub(crate) fn mark(&self) -> String {
        match &self.only {
            None => self.object_mark(),
            Some(only) => format!("{}:{}", only.join(","), self.object_mark()),
        }
    }

    /// The id of the object among those of both sides.
    pub(crate) fn object_mark(&self) -> String {
        let side = match self.side {
            Side::Source => "s",
            Side::Target => "t",
        };
        format!("{side}:{}", self.id)
    }
}

/// The turns of a page of source objects. What is stored is read by id in its turn anyway, so it is not parsed here;
/// elsewhere to read it again would cost a request, if the query answered all of it.
pub(crate) fn of_source(
    objects: Vec<Object>,
    is_stored: bool,
    is_said_full: Option<bool>,
) -> Result<Vec<Item>, Problem> {
    let mut items: Vec<Item> = objects
        .iter()
        .map(|object| Item::new(Side::Source, object.id.as_str()))
        .collect();
    if !is_stored {
        let values = objects.into_iter().map(value).collect::<Result<Vec<_>, _>>()?;
        if is_full(is_said_full, &values) {
            for (item, value) in items.iter_mut().zip(values) {
                item.entry = Some(Arc::new(Shown::new(value)));
            }
        }
    }
    Ok(items)
}

/// Whether a query answers whole objects: as the mapping says, or as the first one looks.
fn is_full(said: Option<bool>, objects: &[Value]) -> bool {
    said.unwrap_or_else(|| {
        let members = objects.first().and_then(Value::as_object);
        members.is_some_and(|members| {
            let beyond = members
                .keys()
                .filter(|name| !matches!(name.as_str(), "_id" | "_rev"))
                .count();
            beyond >= MEMBERS_OF_FULL
        })
    })
}
