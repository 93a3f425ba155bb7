//! What is shown of an object: computed properties, what hooks make of it, and not what is hidden from who asks.

use std::sync::Arc;

use host_resource::project::Fields;
use host_resource::sort::SortKey;
use host_resource::{Content, Context, Filter, Object, Page, Pointer, Problem, ResourcePath};
use host_store::UnitOfWork;
use serde_json::{Map, Value};

use super::hooks::{Moment, Occasion};
use super::live::LiveType;
use super::relationship::View;
use super::{ManagedObjects, ObjectId};

impl ManagedObjects {
    /// An object as it is shown, with the relationships that are asked for. `is_read` says that it is the answer to a
    /// read, at which `onRead` runs.
    pub(super) async fn show(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        live: &LiveType,
        object: Object,
        fields: &Fields,
        is_read: bool,
    ) -> Result<Object, Problem> {
        let shown = self.show_own(context, unit, live, object, fields, is_read).await?;
        match View::new(live, fields, context.caller.is_external) {
            None => Ok(shown),
            Some(view) => self.with_relationships(context, unit, &view, shown).await,
        }
    }

    /// An object as it is shown, without relationships.
    pub(super) async fn show_own(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        live: &LiveType,
        object: Object,
        fields: &Fields,
        is_read: bool,
    ) -> Result<Object, Problem> {
        let unasked: Vec<&Pointer> = live
            .on_demand
            .iter()
            .filter(|pointer| !is_asked(fields, pointer))
            .collect();
        let hidden: &[Pointer] = if context.caller.is_external { &live.hidden } else { &[] };
        let has_scripts = !live.on_retrieve.is_empty()
            || live.script(Moment::OnRetrieve).is_some()
            || is_read && live.script(Moment::OnRead).is_some();
        if unasked.is_empty() && hidden.is_empty() && !has_scripts {
            return Ok(object);
        }
        let Object { id, rev, .. } = &object;
        let (id, rev) = (id.clone(), rev.clone());
        let mut value = object
            .into_value()
            .map_err(|error| Problem::internal(error.to_string()))?;
        if has_scripts {
            let path = ResourcePath::from_elements(["managed", &live.definition.name, &id]).to_string();
            let occasion = Occasion::new(context, unit, live, path, if is_read { "read" } else { "query" });
            let retrieved = retrieve(&occasion, value, &unasked, is_read);
            value = unit.all_or_nothing(retrieved).await?;
        }
        for pointer in hidden.iter().chain(unasked) {
            pointer.remove(&mut value);
        }
        Ok(Object {
            id,
            rev,
            content: Content::Json(unnamed(value)),
        })
    }

    /// What a query found, as it is shown.
    pub(super) async fn show_page(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        live: &LiveType,
        page: Page,
        fields: &Fields,
    ) -> Result<Page, Problem> {
        let view = View::new(live, fields, context.caller.is_external);
        let mut result = Vec::with_capacity(page.result.len());
        for object in page.result {
            let shown = self.show_own(context, unit, live, object, fields, false).await?;
            if live.script(Moment::OnQueryResult).is_none() || is_wanted(context, unit, live, &shown).await? {
                result.push(match &view {
                    None => shown,
                    Some(view) => self.with_relationships(context, unit, view, shown).await?,
                });
            }
        }
        Ok(Page { result, ..page })
    }
}

/// Whether `onQueryResult` does not hide an object.
async fn is_wanted(
    context: &Context,
    unit: &Arc<UnitOfWork>,
    live: &LiveType,
    object: &Object,
) -> Result<bool, Problem> {
    let path = ResourcePath::from_elements(["managed", &live.definition.name, &object.id]).to_string();
    let occasion = Occasion::new(context, unit, live, path, "query");
    let value = object
        .clone()
        .into_value()
        .map_err(|error| Problem::internal(error.to_string()))?;
    let variables = [("object", &value)];
    let verdict = occasion.happen(Moment::OnQueryResult, &variables);
    Ok(unit.all_or_nothing(verdict).await? != Value::Bool(false))
}

/// What hooks make of an object that leaves the store.
async fn retrieve(
    occasion: &Occasion<'_>,
    mut value: Value,
    unasked: &[&Pointer],
    is_read: bool,
) -> Result<Value, Problem> {
    for script in &occasion.live.on_retrieve {
        if unasked.contains(&&script.pointer) {
            continue;
        }
        let property = script.pointer.get(&value).cloned().unwrap_or(Value::Null);
        let name = Value::from(script.pointer.last().unwrap_or_default());
        let variables = [
            ("property", &property),
            ("value", &property),
            ("propertyName", &name),
            ("object", &value),
        ];
        let what = format!("{} onRetrieve", script.pointer);
        let retrieved = occasion.value(&script.script, what, &variables).await?;
        script
            .pointer
            .set(&mut value, retrieved)
            .map_err(|error| Problem::internal(format!("{}: {error}", script.pointer)))?;
    }
    let value = occasion.change(Moment::OnRetrieve, value, &[]).await?;
    if is_read {
        occasion.change(Moment::OnRead, value, &[]).await
    } else {
        Ok(value)
    }
}

/// Whether a property that is shown only on demand is asked for by name.
fn is_asked(fields: &Fields, pointer: &Pointer) -> bool {
    let mut asked = fields.pointers().iter();
    asked.any(|field| field.starts_with(pointer) || pointer.starts_with(field))
}

/// Refuses a query whose answer would tell a caller from outside something about values that it may not see.
pub(super) fn refuse_probing(
    context: &Context,
    live: &LiveType,
    filter: Option<&Filter>,
    sort: &[SortKey],
) -> Result<(), Problem> {
    if !context.caller.is_external || live.hidden.is_empty() {
        return Ok(());
    }
    let mut asked = Vec::new();
    if let Some(filter) = filter {
        gather(filter, &mut asked);
    }
    asked.extend(sort.iter().map(|key| &key.pointer));
    let is_hidden = |pointer: &&&Pointer| live.hidden.iter().any(|hidden| pointer.starts_with(hidden));
    match asked.iter().find(is_hidden) {
        None => Ok(()),
        Some(pointer) => {
            let problem = Problem::forbidden(format!("nothing can be filtered or sorted by the property '{pointer}'"));
            Err(problem.with_detail("pointer", pointer.to_string()))
        }
    }
}

fn gather<'a>(filter: &'a Filter, fields: &mut Vec<&'a Pointer>) {
    match filter {
        Filter::Literal(_) => {}
        Filter::And(filters) | Filter::Or(filters) => filters.iter().for_each(|filter| gather(filter, fields)),
        Filter::Not(filter) => gather(filter, fields),
        Filter::Present(field)
        | Filter::Compare { field, .. }
        | Filter::In { field, .. }
        | Filter::Extended { field, .. } => fields.push(field),
    }
}

/// An object's content with its id, and its revision if it has one.
pub(super) fn named(content: Value, id: &ObjectId, rev: Option<&str>) -> Value {
    let mut members = Map::new();
    members.insert("_id".to_owned(), id.as_str().into());
    if let Some(rev) = rev {
        members.insert("_rev".to_owned(), rev.into());
    }
    if let Value::Object(content) = content {
        members.extend(content);
    }
    Value::Object(members)
}

/// An object's content.
pub(super) fn unnamed(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.shift_remove("_id");
        members.shift_remove("_rev");
    }
    object
}
