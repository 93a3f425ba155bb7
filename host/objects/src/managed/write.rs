//! Doing what a change asks for, in the surrounding unit of work or in one of its own.

use std::sync::Arc;

use host_model::sync;
use host_resource::{Context, Object, Problem, ResourcePath};
use host_store::unit_of_work::{Seen, WriteLimits};
use host_store::{CommitError, Key, Revision, UnitOfWork};

use super::change::{Change, Plan};
use super::{ManagedObjects, Place, object};

/// A change that was overtaken is decided again on what is there now, so many times in all: with that many writers of
/// one object, waiting is better than trying.
const ATTEMPTS: usize = 16;
/// From this attempt on, changes of this kind go one after the other, so that a crowd of writers gets through.
const IN_TURN: usize = 3;

impl Place {
    /// Where the object is stored.
    pub(super) fn key(&self) -> Key {
        self.managed.collection.key(self.id.clone())
    }

    /// The object's path, for messages.
    pub(super) fn path(&self) -> String {
        ResourcePath::from_elements(["managed", &self.managed.name, self.id.as_str()]).to_string()
    }
}

impl ManagedObjects {
    /// Applies a change. Inside a unit of work it becomes part of that; otherwise it is committed when this returns.
    pub(super) async fn write(&self, context: &Context, place: &Place, change: &Change) -> Result<Object, Problem> {
        if let Some(unit) = UnitOfWork::of(context) {
            return self.stage(context, &unit, place, change).await.map(Staged::into_object);
        }
        let mut turn = None;
        for attempt in 0..ATTEMPTS {
            if attempt >= IN_TURN && turn.is_none() {
                turn = Some(self.turn.lock().await);
            }
            let unit = Arc::new(UnitOfWork::new(self.store.snapshot().await?, WriteLimits::NONE));
            let staged = self.stage(context, &unit, place, change).await?;
            let changes = unit.end().unwrap_or_default().own.to_changes();
            if changes.is_empty() {
                return Ok(staged.into_object());
            }
            match self.store.commit(changes).await {
                Ok(committed) => return Ok(staged.committed(committed.revision)),
                Err(CommitError::Conflict(_)) => {
                    tracing::debug!(object = %place.path(), attempt, "overtaken by another change")
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(Problem::conflict(format!(
            "'{}' is being changed by too many at once: try again later",
            place.path()
        )))
    }

    /// Makes a change part of a unit of work, and tells who has to know of it.
    async fn stage(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        place: &Place,
        change: &Change,
    ) -> Result<Staged, Problem> {
        let container = place.managed.collection.name();
        let Some(listener) = self.listener.get().filter(|listener| listener.wants(container)) else {
            return stage(unit, place, change).await;
        };
        let key = place.key();
        let old = unit.get(&key).await?;
        let staged = stage(unit, place, change).await?;
        let new = unit.get(&key).await?;
        if old.as_ref().map(|seen| &seen.body) != new.as_ref().map(|seen| &seen.body) {
            let shown = |seen: Option<Seen>| seen.map(|seen| object(seen).into_value()).transpose();
            let damaged = |error: serde_json::Error| Problem::internal(format!("an object is damaged: {error}"));
            let (old, new) = (shown(old).map_err(damaged)?, shown(new).map_err(damaged)?);
            let told = sync::Change {
                container,
                id: place.id.as_str(),
                old: old.as_ref(),
                new: new.as_ref(),
            };
            let context = context.clone().within(Arc::clone(unit));
            listener.changed(&context, told).await?;
        }
        Ok(staged)
    }
}

/// The answer to a change that is not committed yet.
struct Staged {
    object: Object,
    /// Whether the commit will give the object its revision.
    is_put: bool,
}

impl Staged {
    /// The answer inside a unit of work, with the revision as the unit sees it.
    fn into_object(self) -> Object {
        self.object
    }

    /// The answer once it is committed.
    fn committed(self, revision: Revision) -> Object {
        let Self { object, is_put } = self;
        Object {
            rev: if is_put { Some(revision.to_string()) } else { object.rev },
            ..object
        }
    }
}

async fn stage(unit: &UnitOfWork, place: &Place, change: &Change) -> Result<Staged, Problem> {
    let key = place.key();
    let present = unit.get(&key).await?;
    let plan = change
        .plan(&place.id, present)
        .map_err(|error| error.problem(&place.path()))?;
    Ok(match plan {
        Plan::Keep(seen) => Staged {
            object: object(seen),
            is_put: false,
        },
        Plan::Put(body) => {
            let rev = unit.put(key, body.clone()).await?;
            Staged {
                object: object(Seen {
                    id: place.id.clone().into(),
                    rev,
                    body,
                }),
                is_put: true,
            }
        }
        Plan::Remove(seen) => {
            unit.delete(key).await?;
            Staged {
                object: object(seen),
                is_put: false,
            }
        }
    })
}
