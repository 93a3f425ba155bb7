//! Doing what a change asks for, in the surrounding unit of work or in one of its own.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use host_model::audit;
use host_model::limits::Limits;
use host_resource::project::Fields;
use host_resource::{Context, Object, Problem, ResourcePath};
use host_store::unit_of_work::{Seen, WriteLimits};
use host_store::{Collection, CommitError, Key, Revision, UnitOfWork};

use super::change::{Change, Plan};
use super::relationship::{MAX_RELATIONSHIPS, removed_with};
use super::synced::Told;
use super::unique::parse;
use super::{ManagedObjects, ObjectId, Place, object};

/// A change that was overtaken is decided again on what is there now, so many times in all: with that many writers of
/// one object, waiting is better than trying.
const ATTEMPTS: usize = 16;
/// From this attempt on, changes of this kind go one after the other, so that a crowd of writers gets through.
const IN_TURN: usize = 3;

/// What is to be done in a unit of work; done again when others were faster.
pub(super) type Work<'a, T> =
    &'a (dyn Fn(Arc<UnitOfWork>) -> Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>> + Send + Sync + 'a);

impl Place {
    /// Where the object is stored.
    pub(super) fn key(&self) -> Key {
        self.managed.definition.collection.key(self.id.clone())
    }

    /// The object's path, for messages.
    pub(super) fn path(&self) -> String {
        ResourcePath::from_elements(["managed", &self.managed.definition.name, self.id.as_str()]).to_string()
    }
}

impl ManagedObjects {
    /// Applies a change. Inside a unit of work it becomes part of that; otherwise it is committed when this returns.
    pub(super) async fn write(
        &self,
        context: &Context,
        place: &Place,
        change: &Change,
        fields: &Fields,
    ) -> Result<Object, Problem> {
        if let Some(unit) = UnitOfWork::of(context) {
            let staged = self.stage(context, &unit, place, change, fields).await?;
            return Ok(staged.into_object());
        }
        let is_alone = place.managed.is_plain && !change.has_scripts();
        let limits = match change {
            _ if is_alone => WriteLimits::NONE,
            _ if place.managed.relationships.is_empty() && !matches!(change, Change::Delete { .. }) => {
                limits_of_hooks()
            }
            _ => limits_of_relationships(),
        };
        let work = |unit: Arc<UnitOfWork>| -> Pin<Box<dyn Future<Output = _> + Send + '_>> {
            Box::pin(async move { self.stage(context, &unit, place, change, fields).await })
        };
        let (staged, revision) = self.commit_when_done(&place.path(), limits, &work).await?;
        Ok(match revision {
            None => staged.into_object(),
            Some(revision) => staged.committed(revision),
        })
    }

    /// Does something in a unit of work of its own and commits that, again and again until nobody was faster. Answers
    /// what came of it and its revision, if it changed anything. `what` names it in messages.
    pub(super) async fn commit_when_done<'a, T>(
        &'a self,
        what: &str,
        limits: WriteLimits,
        work: Work<'a, T>,
    ) -> Result<(T, Option<Revision>), Problem> {
        let mut turn = None;
        for attempt in 0..ATTEMPTS {
            if attempt >= IN_TURN && turn.is_none() {
                turn = Some(self.turn.lock().await);
            }
            let unit = Arc::new(UnitOfWork::new(self.store.snapshot().await?, limits));
            let done = work(Arc::clone(&unit)).await?;
            let changes = unit.end().unwrap_or_default().own.to_changes();
            if changes.is_empty() {
                return Ok((done, None));
            }
            match self.store.commit(changes).await {
                Ok(committed) => return Ok((done, Some(committed.revision))),
                Err(CommitError::Conflict(_)) => tracing::debug!(what, attempt, "overtaken by another change"),
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(Problem::conflict(format!(
            "'{what}' is being changed by too many at once: try again later"
        )))
    }

    /// Makes a change a part of a unit of work, with its entry in the audit: all of it, or nothing.
    pub(super) async fn stage(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        place: &Place,
        change: &Change,
        fields: &Fields,
    ) -> Result<Staged, Problem> {
        // Who did not know that a property has become unique conflicts when it is committed.
        unit.get(&place.managed.unique.declaration).await?;
        unit.all_or_nothing(self.stage_told(context, unit, place, change, fields))
            .await
    }

    /// Tells who has to know of a change: the audit first, then those who carry it over.
    async fn stage_told(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        place: &Place,
        change: &Change,
        fields: &Fields,
    ) -> Result<Staged, Problem> {
        let container = place.managed.definition.collection.name();
        let is_followed = self.is_followed(&place.managed);
        let is_audited = self.audit.wants_change(context, container);
        if !is_followed && !is_audited {
            return self.stage_unseen(context, unit, place, change, fields).await;
        }
        let old = unit.get(&place.key()).await?;
        let staged = self.stage_unseen(context, unit, place, change, fields).await?;
        // A hook may have chosen another id.
        let place = Place {
            managed: Arc::clone(&place.managed),
            id: ObjectId::parse(&staged.object.id)?,
        };
        let new = unit.get(&place.key()).await?;
        if is_audited && rev(old.as_ref()) != rev(new.as_ref()) {
            self.enter(context, unit, &place, change, old.as_ref(), new.as_ref())
                .await?;
        }
        if is_followed && old.as_ref().map(|seen| &seen.body) != new.as_ref().map(|seen| &seen.body) {
            let told = Told {
                method: change.method(),
                old: old.as_ref(),
                new: new.as_ref(),
                is_check: false,
            };
            self.follow(context, unit, &place, told).await?;
        }
        Ok(staged)
    }

    /// Makes the entry of a change in the audit a part of the unit of work.
    async fn enter(
        &self,
        context: &Context,
        unit: &UnitOfWork,
        place: &Place,
        change: &Change,
        before: Option<&Seen>,
        after: Option<&Seen>,
    ) -> Result<(), Problem> {
        let shown = |seen: Option<&Seen>| seen.map(|seen| audited(place, seen)).transpose();
        let (was, is) = (shown(before)?, shown(after)?);
        let entry = self.audit.change(
            context,
            audit::Change {
                object: &place.path(),
                operation: change.operation(),
                before: was.as_deref(),
                after: is.as_deref(),
                revision: rev(before).as_deref(),
            },
        );
        let key = Collection::new(entry.collection).key(entry.id);
        unit.put(key, entry.body.into()).await?;
        Ok(())
    }

    async fn stage_unseen(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        place: &Place,
        change: &Change,
        fields: &Fields,
    ) -> Result<Staged, Problem> {
        if place.managed.is_plain && !change.has_scripts() {
            stage_plain(unit, place, change).await
        } else {
            self.govern(context, unit, place, change, fields).await
        }
    }
}

fn rev(seen: Option<&Seen>) -> Option<String> {
    seen.map(|seen| seen.rev.to_string())
}

/// What the audit keeps of an object: nothing that is hidden from those who read the audit.
fn audited(place: &Place, seen: &Seen) -> Result<Bytes, Problem> {
    if place.managed.hidden.is_empty() {
        return Ok(seen.body.clone());
    }
    let mut value = parse(&seen.body)?;
    for pointer in &place.managed.hidden {
        pointer.remove(&mut value);
    }
    Ok(value.to_string().into())
}

/// What hooks may write besides the object.
pub(super) fn limits_of_hooks() -> WriteLimits {
    WriteLimits::from(&Limits::default())
}

/// What hooks may write besides an object with all its relationships, each with what is counted at its other end.
pub(super) fn limits_of_relationships() -> WriteLimits {
    let WriteLimits { rows, bytes } = limits_of_hooks();
    WriteLimits {
        rows: rows + 3 * MAX_RELATIONSHIPS,
        bytes: 2 * bytes,
    }
}

/// The answer to a change that is not committed yet.
pub(super) struct Staged {
    pub(super) object: Object,
    /// Whether the commit will give the object its revision.
    pub(super) is_put: bool,
}

impl Staged {
    /// An object that stays what it is, or is no more.
    pub(super) fn kept(seen: Seen) -> Self {
        Self {
            object: object(seen),
            is_put: false,
        }
    }

    /// The answer inside a unit of work, with the revision as the unit sees it.
    pub(super) fn into_object(self) -> Object {
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

async fn stage_plain(unit: &UnitOfWork, place: &Place, change: &Change) -> Result<Staged, Problem> {
    let key = place.key();
    let present = unit.get(&key).await?;
    let plan = change
        .plan(&place.id, present)
        .map_err(|error| error.problem(&place.path()))?;
    Ok(match plan {
        Plan::Keep(seen) => Staged::kept(seen),
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
            removed_with(unit, place).await?;
            unit.delete(key).await?;
            Staged::kept(seen)
        }
    })
}
