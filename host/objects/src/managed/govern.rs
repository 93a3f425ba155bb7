//! Writing an object of a type that has a schema or hooks. What is done and in which order is behaviour 8.1:
//!
//! 1. what a caller from outside may not see stays as it was, what it may not change is refused;
//! 2. a change that changes nothing ends here, with the revision as it was;
//! 3. `onCreate` or `onUpdate`; then the schema and the policies, over what these made of the object;
//! 4. `onValidate`, `onStore`, encryption and hashes;
//! 5. unique values are reserved, the object is put into the unit of work, its relationships are made and ended;
//! 6. `postCreate` or `postUpdate`.
//!
//! All of it happens in one unit of work; when a step fails, nothing of it has happened.

use std::sync::Arc;

use host_resource::patch::{Op, PatchOperation};
use host_resource::project::Fields;
use host_resource::{Context, Pointer, Problem};
use host_store::UnitOfWork;
use host_store::unit_of_work::Seen;
use serde_json::Value;

use super::body::Body;
use super::change::Change;
use super::hooks::{Moment, Occasion};
use super::live::LiveType;
use super::policy::refusal;
use super::relationship::{self, Asked, removed_with, split};
use super::schema::{Checked, check};
use super::secret::is_protected;
use super::shape::{named, unnamed};
use super::unique::{parse, reserve};
use super::write::Staged;
use super::{ManagedObjects, ObjectId, Place, object};

impl ManagedObjects {
    /// Writes an object within a unit of work.
    pub(super) async fn govern(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        place: &Place,
        change: &Change,
        fields: &Fields,
    ) -> Result<Staged, Problem> {
        let present = unit.get(&place.key()).await?;
        let present = change.meet(present).map_err(|error| error.problem(&place.path()))?;
        let live = &*place.managed;
        let occasion = Occasion::new(context, unit, live, place.path(), change.method());
        let staged = match (change, present) {
            (Change::Delete { .. }, Some(seen)) => remove(unit, place, &occasion, seen).await?,
            (Change::Create(body), _) => {
                let mut given = body.value().clone();
                if context.caller.is_external {
                    receive(live, &mut given, None, &[])?;
                }
                for (pointer, default) in &live.defaults {
                    if pointer.get(&given).is_none() && reaches(pointer, &given) {
                        pointer
                            .set(&mut given, default.clone())
                            .map_err(|error| Problem::invalid(pointer, error))?;
                    }
                }
                self.create_one(context, unit, place, &occasion, given).await?
            }
            (change, Some(seen)) => {
                let before = parse(&seen.body)?;
                let (mut given, asked) = self.given(context, unit, place, change, &before).await?;
                if context.caller.is_external {
                    receive(live, &mut given, Some(&before), &removed(live, change))?;
                }
                self.replace_one(context, unit, place, &occasion, change, seen, before, given, asked)
                    .await?
            }
            (_, None) => return Err(Problem::not_found(place.path())),
        };
        let shown = self.show(context, unit, live, staged.object, fields, false).await?;
        Ok(Staged {
            object: shown,
            ..staged
        })
    }

    /// What a change makes of an object, as far as who asks for it may see the object, and what a patch asks of its
    /// relationships.
    async fn given(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        place: &Place,
        change: &Change,
        before: &Value,
    ) -> Result<(Value, Vec<Asked>), Problem> {
        let operations = match change {
            Change::Create(body) | Change::Update { body, .. } => return Ok((body.value().clone(), Vec::new())),
            Change::Patch { operations, .. } => operations,
            Change::Delete { .. } => return Ok((Value::Null, Vec::new())),
        };
        let (operations, asked) = split(&place.managed, operations)?;
        let mut view = before.clone();
        if context.caller.is_external {
            for pointer in &place.managed.hidden {
                pointer.remove(&mut view);
            }
        }
        let mut view = named(view, &place.id, None);
        self.patch_value(context, unit, &place.path(), &operations, &mut view)
            .await?;
        let body = Body::new(&place.id, view)?;
        Ok((body.into_value(), asked))
    }

    async fn create_one(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        place: &Place,
        occasion: &Occasion<'_>,
        given: Value,
    ) -> Result<Staged, Problem> {
        let given = named(given, &place.id, None);
        let made = occasion
            .change(Moment::OnCreate, given.clone(), &[("newObject", &given)])
            .await?;
        // A script may choose the id, as the platform has it.
        let place = match made.get("_id").and_then(Value::as_str) {
            Some(id) if id != place.id.as_str() => {
                let place = Place {
                    managed: Arc::clone(&place.managed),
                    id: ObjectId::parse(id)?,
                };
                if unit.get(&place.key()).await?.is_some() {
                    return Err(Problem::precondition_failed(format!(
                        "'{}' exists already",
                        place.path()
                    )));
                }
                place
            }
            _ => Place {
                managed: Arc::clone(&place.managed),
                id: place.id.clone(),
            },
        };
        let mut body = Body::new(&place.id, made)?.into_value();
        let asked = relationship::given(&place.managed, &mut body)?;
        let body = self.settle(&place, occasion, body, None, false).await?;
        let staged = put(unit, &place, None, &body, false).await?;
        self.relate(context, unit, &place, asked).await?;
        let stored = named(body.into_value(), &place.id, staged.object.rev.as_deref());
        occasion
            .happen(Moment::PostCreate, &[("object", &stored), ("newObject", &stored)])
            .await?;
        Ok(staged)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the object before and after, and what surrounds both"
    )]
    async fn replace_one(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        place: &Place,
        occasion: &Occasion<'_>,
        change: &Change,
        seen: Seen,
        before: Value,
        mut given: Value,
        in_patch: Vec<Asked>,
    ) -> Result<Staged, Problem> {
        let live = &*place.managed;
        live.virtuals
            .iter()
            .for_each(|pointer| drop(pointer.remove(&mut given)));
        if !context.caller.is_external {
            self.keep_protected(live, &mut given, &before).await?;
        }
        if given == before && in_patch.is_empty() {
            return Ok(Staged::kept(seen));
        }
        let rev = seen.rev.to_string();
        let (old, new) = (
            named(before.clone(), &place.id, Some(&rev)),
            named(given, &place.id, Some(&rev)),
        );
        let made = occasion
            .change(
                Moment::OnUpdate,
                new.clone(),
                &[("oldObject", &old), ("newObject", &new)],
            )
            .await?;
        let mut made = Body::new(&place.id, made)?.into_value();
        let mut asked = relationship::given(live, &mut made)?;
        asked.extend(in_patch);
        let is_patch = matches!(change, Change::Patch { .. });
        let body = self.settle(place, occasion, made, Some(&before), is_patch).await?;
        let is_same = *body.value() == before;
        let is_related = self.relate(context, unit, place, asked).await?;
        if is_same && !is_related {
            return Ok(Staged::kept(seen));
        }
        let staged = if is_same {
            Staged::kept(seen)
        } else {
            put(unit, place, Some(&before), &body, is_patch).await?
        };
        let stored = named(body.into_value(), &place.id, staged.object.rev.as_deref());
        occasion
            .happen(
                Moment::PostUpdate,
                &[("object", &stored), ("oldObject", &old), ("newObject", &stored)],
            )
            .await?;
        Ok(staged)
    }

    /// Judges an object and makes of it what is stored.
    async fn settle(
        &self,
        place: &Place,
        occasion: &Occasion<'_>,
        mut value: Value,
        before: Option<&Value>,
        is_patch: bool,
    ) -> Result<Body, Problem> {
        let live = &*place.managed;
        live.virtuals
            .iter()
            .for_each(|pointer| drop(pointer.remove(&mut value)));
        self.judge(live, &value, is_patch)?;
        for script in &live.on_validate {
            if let Some(property) = script.pointer.get(&value) {
                let object = named(value.clone(), &place.id, None);
                let variables = [("property", property), ("value", property), ("object", &object)];
                let what = format!("{} onValidate", script.pointer);
                occasion.value(&script.script, what, &variables).await?;
            }
        }
        if live.script(Moment::OnValidate).is_some() {
            let whole = named(value.clone(), &place.id, None);
            occasion
                .happen(Moment::OnValidate, &[("object", &whole), ("value", &whole)])
                .await?;
        }
        for script in &live.on_store {
            let property = script.pointer.get(&value).cloned().unwrap_or(Value::Null);
            let object = named(value.clone(), &place.id, None);
            let name = Value::from(script.pointer.last().unwrap_or_default());
            let variables = [
                ("property", &property),
                ("value", &property),
                ("propertyName", &name),
                ("object", &object),
            ];
            let what = format!("{} onStore", script.pointer);
            let stored = occasion.value(&script.script, what, &variables).await?;
            set(&script.pointer, &mut value, stored)?;
        }
        if live.script(Moment::OnStore).is_some() {
            let whole = named(value, &place.id, None);
            let stored = occasion
                .change(Moment::OnStore, whole.clone(), &[("value", &whole)])
                .await?;
            value = unnamed(stored);
        }
        for (pointer, how) in &live.protected {
            let Some(plain) = pointer.get(&value).filter(|value| !value.is_null()) else {
                continue;
            };
            if before.and_then(|before| pointer.get(before)) != Some(plain) || !is_protected(plain) {
                let stored = self.vault.protect(how, plain, pointer).await?;
                set(pointer, &mut value, stored)?;
            }
        }
        Ok(Body::new(&place.id, value)?)
    }

    /// Refuses what the schema does not know and what breaks policies.
    pub(super) fn judge(&self, live: &LiveType, value: &Value, is_patch: bool) -> Result<(), Problem> {
        let Some(schema) = &live.definition.schema else {
            return Ok(());
        };
        let Checked { unknown, failed } = check(schema, value);
        if let Some(unknown) = unknown {
            return Err(unknown.into());
        }
        if self.enforces_policies {
            return if failed.is_empty() {
                Ok(())
            } else {
                Err(refusal(&failed, is_patch))
            };
        }
        // Without policies a value still has its type.
        for failed in failed {
            if let Some(wrong) = failed
                .requirements
                .iter()
                .find(|requirement| requirement.name == "VALID_TYPE")
            {
                let types = wrong
                    .parameters
                    .as_ref()
                    .map(|parameters| parameters["validTypes"].to_string());
                let message = format!("a value of one of the types {} is expected", types.unwrap_or_default());
                return Err(Problem::invalid(format!("/{}", failed.property), message));
            }
        }
        Ok(())
    }

    /// Puts the stored forms of protected values where the given ones are the same.
    async fn keep_protected(&self, live: &LiveType, given: &mut Value, before: &Value) -> Result<(), Problem> {
        for (pointer, _) in &live.protected {
            if let (Some(plain), Some(stored)) = (pointer.get(given), pointer.get(before))
                && plain != stored
                && !plain.is_null()
                && is_protected(stored)
                && !is_protected(plain)
                && self.vault.is_of(stored, plain).await?
            {
                set(pointer, given, stored.clone())?;
            }
        }
        Ok(())
    }
}

/// Removes an object.
async fn remove(unit: &UnitOfWork, place: &Place, occasion: &Occasion<'_>, seen: Seen) -> Result<Staged, Problem> {
    let before = parse(&seen.body)?;
    let rev = seen.rev.to_string();
    let old = named(before.clone(), &place.id, Some(&rev));
    occasion.happen(Moment::OnDelete, &[("object", &old)]).await?;
    reserve(unit, &place.managed, place.id.as_str(), Some(&before), None).await?;
    removed_with(unit, place).await?;
    unit.delete(place.key()).await?;
    occasion.happen(Moment::PostDelete, &[("oldObject", &old)]).await?;
    Ok(Staged::kept(seen))
}

/// Reserves the unique values of an object and puts it into the unit of work.
async fn put(
    unit: &UnitOfWork,
    place: &Place,
    before: Option<&Value>,
    body: &Body,
    is_patch: bool,
) -> Result<Staged, Problem> {
    let taken = reserve(unit, &place.managed, place.id.as_str(), before, Some(body.value())).await?;
    if !taken.is_empty() {
        return Err(refusal(&taken, is_patch));
    }
    let text = body.text().clone();
    let rev = unit.put(place.key(), text.clone()).await?;
    Ok(Staged {
        object: object(Seen {
            id: place.id.clone().into(),
            rev,
            body: text,
        }),
        is_put: true,
    })
}

/// What a caller from outside gives: what it may not see stays as it was, what it may not change is refused.
fn receive(live: &LiveType, given: &mut Value, before: Option<&Value>, removed: &[Pointer]) -> Result<(), Problem> {
    for (pointer, _) in &live.protected {
        if pointer.get(given).is_some_and(is_protected) {
            return Err(Problem::invalid(
                pointer,
                "the stored form of a protected value cannot be given from outside",
            ));
        }
    }
    for pointer in &live.read_only {
        let (new, old) = (pointer.get(given), before.and_then(|before| pointer.get(before)));
        if new.is_some() && new != old {
            let problem = Problem::forbidden(format!("the property '{pointer}' is read-only"));
            return Err(problem.with_detail("pointer", pointer.to_string()));
        }
    }
    let Some(before) = before else { return Ok(()) };
    for pointer in live.hidden.iter().chain(&live.read_only) {
        if let Some(old) = pointer.get(before)
            && pointer.get(given).is_none()
            && !removed.contains(pointer)
        {
            set(pointer, given, old.clone())?;
        }
    }
    Ok(())
}

/// The hidden properties that a patch removes by name: not to see a value is no reason not to be able to remove it.
fn removed(live: &LiveType, change: &Change) -> Vec<Pointer> {
    let Change::Patch { operations, .. } = change else {
        return Vec::new();
    };
    let is_removal = |operation: &&PatchOperation| operation.operation == Op::Remove && operation.value.is_none();
    let fields = operations.iter().filter(is_removal).map(|operation| &operation.field);
    fields
        .filter(|field| live.hidden.contains(field) && !live.read_only.contains(field))
        .cloned()
        .collect()
}

/// Whether the object that a pointer points into is there.
fn reaches(pointer: &Pointer, object: &Value) -> bool {
    pointer
        .parent()
        .is_some_and(|parent| parent.get(object).is_some_and(Value::is_object))
}

fn set(pointer: &Pointer, object: &mut Value, value: Value) -> Result<(), Problem> {
    if value.is_null() && pointer.get(object).is_none() {
        return Ok(());
    }
    pointer
        .set(object, value)
        .map_err(|error| Problem::invalid(pointer, error))
}
