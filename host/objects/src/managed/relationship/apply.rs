//! Doing what a request asks of the relationships of an object, in its unit of work.

use std::collections::HashSet;

use host_model::audit;
use host_resource::{Context, Problem, VerbName};
use host_store::{Collection, UnitOfWork};
use serde_json::{Value, json};

use super::book::{self, refused};
use super::row::{End, Row};
use super::wanted::{Asked, Item, Wanted};
use crate::managed::schema::Relationship;
use crate::managed::{ManagedObjects, Place};

/// What changed about relationships.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Made,
    Changed,
    Ended,
}

impl ManagedObjects {
    /// Does what is asked of the relationships of an object. Answers whether anything changed.
    pub(in super::super) async fn relate(
        &self,
        context: &Context,
        unit: &UnitOfWork,
        place: &Place,
        asked: Vec<Asked>,
    ) -> Result<bool, Problem> {
        let mut is_changed = false;
        for Asked { property, wanted } in asked {
            let Some(relationship) = place.managed.relationship(&property) else {
                continue;
            };
            let own = End::new(&place.managed.definition.name, place.id.as_str(), &property);
            let is_private = relationship.is_private && context.caller.is_external;
            if is_private {
                let problem = Problem::forbidden(format!("the property '/{property}' is not for callers from outside"));
                return Err(problem.with_detail("pointer", format!("/{property}")));
            }
            is_changed |= match wanted {
                Wanted::Add(item) => self.add(context, unit, relationship, &own, item).await?,
                Wanted::Remove(item) => {
                    let other = self.other_end(relationship, &item)?;
                    match book::between(unit, &own, &other).await? {
                        None => false,
                        Some(row) => self.end(context, unit, &own, &row).await?,
                    }
                }
                Wanted::Set(items) => self.set(context, unit, relationship, &own, items).await?,
            };
        }
        Ok(is_changed)
    }

    async fn set(
        &self,
        context: &Context,
        unit: &UnitOfWork,
        relationship: &Relationship,
        own: &End,
        items: Vec<Item>,
    ) -> Result<bool, Problem> {
        let mut kept = HashSet::with_capacity(items.len());
        for item in &items {
            let other = self.other_end(relationship, item)?;
            if !kept.insert(Row::id_of(own, &other)) {
                return Err(refused(item.place.clone(), "this object is in the list already"));
            }
        }
        let mut is_changed = false;
        for found in book::all(unit, own, book::MAX_RELATIONSHIPS).await? {
            if !kept.contains(&*found.row.key().id) {
                is_changed |= self.end(context, unit, own, &found.row).await?;
            }
        }
        for item in items {
            is_changed |= self.add(context, unit, relationship, own, item).await?;
        }
        Ok(is_changed)
    }

    /// Makes a relationship, or says something else about one that is there.
    pub(super) async fn add(
        &self,
        context: &Context,
        unit: &UnitOfWork,
        relationship: &Relationship,
        own: &End,
        item: Item,
    ) -> Result<bool, Problem> {
        let other = self.other_end(relationship, &item)?;
        let before = book::between(unit, own, &other).await?;
        let deed = match &before {
            Some(row) if row.properties == item.properties => return Ok(false),
            Some(_) => Deed::Changed,
            None => {
                self.admit(context, unit, relationship, own, &other, &item).await?;
                Deed::Made
            }
        };
        let row = Row::new(own.clone(), other, item.properties);
        book::put(unit, &row).await?;
        self.enter_relationship(context, unit, own, deed, before.as_ref(), Some(&row))
            .await?;
        Ok(true)
    }

    /// Whether a relationship may be made. Where an end has room for one only, what is there makes room.
    async fn admit(
        &self,
        context: &Context,
        unit: &UnitOfWork,
        relationship: &Relationship,
        own: &End,
        other: &End,
        item: &Item,
    ) -> Result<(), Problem> {
        let path = other.object();
        if !context.caller.rights.allow(VerbName::Read, &path) {
            let message = format!("'{path}' cannot be referred to by who may not read it");
            return Err(Problem::forbidden(message).with_detail("pointer", item.place.to_string()));
        }
        let target = self.managed(&other.type_name)?;
        if relationship.validate {
            let key = target.definition.collection.key(&*other.id);
            if unit.get(&key).await?.is_none() {
                return Err(refused(
                    item.place.child("_ref"),
                    format!("there is no object '{path}'"),
                ));
            }
        }
        if !relationship.is_list {
            self.end_those(context, unit, own).await?;
        }
        let reverse = target.relationship(&other.property);
        if reverse.is_some_and(|reverse| !reverse.is_list) && book::count_of(unit, other).await? > 0 {
            if relationship.validate {
                return Err(Problem::conflict(format!(
                    "'{path}' has another relationship as its '{}' already: end that first",
                    other.property
                ))
                .with_detail("pointer", item.place.to_string()));
            }
            self.end_those(context, unit, other).await?;
        }
        Ok(())
    }

    async fn end_those(&self, context: &Context, unit: &UnitOfWork, end: &End) -> Result<(), Problem> {
        for found in book::all(unit, end, book::MAX_RELATIONSHIPS).await? {
            self.end(context, unit, end, &found.row).await?;
        }
        Ok(())
    }

    pub(super) async fn end(
        &self,
        context: &Context,
        unit: &UnitOfWork,
        own: &End,
        row: &Row,
    ) -> Result<bool, Problem> {
        book::end(unit, row).await?;
        self.enter_relationship(context, unit, own, Deed::Ended, Some(row), None)
            .await?;
        Ok(true)
    }

    /// The other end of what an item asks for, if the property may refer to it.
    pub(super) fn other_end(&self, relationship: &Relationship, item: &Item) -> Result<End, Problem> {
        let place = || item.place.child("_ref");
        let types = &relationship.types;
        let is_allowed = types.is_empty() || types.iter().any(|name| name.eq_ignore_ascii_case(&item.type_name));
        let target = self.managed(&item.type_name).ok().filter(|_| is_allowed);
        let Some(target) = target else {
            let known: Vec<String> = types.iter().map(|name| format!("managed/{name}/ID")).collect();
            let known = if known.is_empty() {
                "managed/TYPE/ID".to_owned()
            } else {
                known.join(" or ")
            };
            let message = format!(
                "'managed/{}/{}' cannot be referred to here: {known} can",
                item.type_name, item.id
            );
            return Err(refused(place(), message));
        };
        let reverse = relationship.reverse.as_deref().unwrap_or_default();
        Ok(End::new(&target.definition.name, item.id.as_str(), reverse))
    }

    /// Makes the entry of a relationship in the audit a part of the unit of work.
    async fn enter_relationship(
        &self,
        context: &Context,
        unit: &UnitOfWork,
        own: &End,
        deed: Deed,
        before: Option<&Row>,
        after: Option<&Row>,
    ) -> Result<(), Problem> {
        let container = format!("managed/{}", own.type_name);
        let Some(any) = after
            .or(before)
            .filter(|_| self.audit.wants_change(context, &container))
        else {
            return Ok(());
        };
        let shown = |row: Option<&Row>| {
            row.map(|row| {
                let value = json!({
                    "_ref": row.other_than(own).object().to_string(),
                    "_refProperties": Value::Object(row.properties.clone()),
                });
                value.to_string().into_bytes()
            })
        };
        let (was, is) = (shown(before), shown(after));
        let path = own.object().child(&own.property).child(&any.key().id);
        let entry = self.audit.change(
            context,
            audit::Change {
                object: &path.to_string(),
                operation: match deed {
                    Deed::Made => "CREATE",
                    Deed::Changed => "UPDATE",
                    Deed::Ended => "DELETE",
                },
                before: was.as_deref(),
                after: is.as_deref(),
                revision: None,
            },
        );
        unit.put(Collection::new(entry.collection).key(entry.id), entry.body.into())
            .await?;
        Ok(())
    }
}

/// Ends the relationships of an object that ceases to be.
pub(in super::super) async fn removed_with(unit: &UnitOfWork, place: &Place) -> Result<(), Problem> {
    book::end_all(unit, &place.managed.definition.name, place.id.as_str()).await
}
