//! Implicit synchronization: a change of a source object is carried over at once, in the unit of work of the change.
//! Behaviour 5.9.
//!
//! Mappings have their turn in the order of the configuration; the first one that fails stops the others. What it wrote is
//! dropped, the change itself stays, and the queue takes note of the mappings that are left: see `queue`.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use host_model::audit::Audit;
use host_model::clock::Clock;
use host_model::difference::is_same;
use host_model::mapping::MappingSpec;
use host_model::policy::Action;
use host_model::situation::Situation;
use host_model::sync::{Change, ChangeListener, Followed};
use host_resource::{Caller, Context, LateRouter, Problem};
use host_store::{TenantStore, UnitOfWork};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::attempt::{failed, qualifiers};
use crate::audit;
use crate::endpoint::Endpoint;
use crate::entry::{Entry, Seen, exception_message};
use crate::item::Item;
use crate::mapping::Mapping;
use crate::mappings::{Mappings, Set};
use crate::queue::Queued;
use crate::turn::{Shown, Side, Turn};
use crate::work::{Surrounding, Work};

/// Mappings that notify each other do so no deeper.
const MAX_DEPTH: usize = 8;

/// Carries changes over.
pub struct Synchronizer {
    pub(crate) store: TenantStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) router: LateRouter,
    pub(crate) mappings: Arc<Mappings>,
    audit: Arc<dyn Audit>,
}

/// What a mapping did with a change.
pub(crate) struct Outcome {
    pub(crate) mapping: String,
    pub(crate) target: Arc<str>,
    pub(crate) details: Vec<Value>,
    pub(crate) end: OutcomeEnd,
}

pub(crate) enum OutcomeEnd {
    Successful,
    Failed(Problem),
    /// Another one failed before its turn.
    Skipped,
}

impl Synchronizer {
    /// For one tenant.
    pub fn new(
        store: TenantStore,
        clock: Arc<dyn Clock>,
        router: LateRouter,
        mappings: Arc<Mappings>,
        audit: Arc<dyn Audit>,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            clock,
            router,
            mappings,
            audit,
        })
    }

    /// Carries a change over by all mappings that it concerns, in the unit of work of the context.
    pub(crate) async fn carry_over(&self, context: &Context, change: Change<'_>) -> Result<Vec<Outcome>, Problem> {
        let set = self.mappings.set();
        let through = Surrounding::current().through;
        let mut outcomes: Vec<Outcome> = Vec::new();
        for mapping in concerned(&set, change.container) {
            if !is_triggered(&mapping.spec, change) || through.contains(&mapping.links.kind) {
                continue;
            }
            let has_failed = outcomes.iter().any(|one| matches!(one.end, OutcomeEnd::Failed(_)));
            let (details, end) = if has_failed {
                (Vec::new(), OutcomeEnd::Skipped)
            } else {
                match self.carry_over_by(context, mapping, change).await {
                    Ok(details) => (details, OutcomeEnd::Successful),
                    Err(problem) => (Vec::new(), OutcomeEnd::Failed(problem)),
                }
            };
            outcomes.push(Outcome {
                mapping: mapping.spec.name.clone(),
                target: Arc::clone(&mapping.target.name),
                details,
                end,
            });
        }
        Ok(outcomes)
    }

    /// Carries a change over by one mapping: all of it, or nothing.
    pub(crate) async fn carry_over_by(
        &self,
        context: &Context,
        mapping: &Arc<Mapping>,
        change: Change<'_>,
    ) -> Result<Vec<Value>, Problem> {
        let surrounding = Surrounding::current();
        if surrounding.through.len() >= MAX_DEPTH {
            return Err(Problem::internal(format!(
                "mappings notify each other more than {MAX_DEPTH} deep: one of them never comes to rest"
            )));
        }
        let is_analysis = surrounding.is_analysis;
        let mut inner = surrounding;
        inner.through.push(Arc::clone(&mapping.links.kind));
        let unit = unit_of(context)?;
        let work = self.work(context, mapping, is_analysis)?;
        let item = Item {
            may_delete: true,
            ..Item::new(Side::Source, change.id)
        };
        let mut entries = Vec::new();
        let turns = async {
            turns(&work, &unit, context, change, &item, &mut entries).await?;
            audit::synced(&work, &unit, context, &entries).await
        };
        let done = unit.all_or_nothing(inner.scope(Box::pin(turns))).await;
        if let Err(problem) = done {
            // What was done before is taken back: only what failed has happened.
            entries.retain(|entry| entry.failure.is_some());
            if entries.is_empty() {
                entries.push(failed(&item, problem.clone()));
            }
            audit::synced(&work, &unit, context, &entries).await?;
            return Err(problem);
        }
        Ok(entries.iter().map(details).collect())
    }

    pub(crate) fn work(&self, context: &Context, mapping: &Arc<Mapping>, is_analysis: bool) -> Result<Work, Problem> {
        let caller = Caller::internal(self.store.tenant().as_str(), format!("Sync {}", mapping.spec.name));
        Ok(Work {
            mapping: Arc::clone(mapping),
            router: self.router.get()?,
            caller: Arc::new(caller),
            store: self.store.clone(),
            audit: Arc::clone(&self.audit),
            id: context.request_id.clone(),
            recon_action: None,
            is_analysis,
            is_target_empty: false,
            is_restricted: false,
            is_resumed: false,
            durations: Mutex::default(),
        })
    }
}

/// The turns of a changed object, and what each came to.
async fn turns(
    work: &Work,
    unit: &Arc<UnitOfWork>,
    context: &Context,
    change: Change<'_>,
    item: &Item,
    entries: &mut Vec<Entry>,
) -> Result<(), Problem> {
    let context = context.clone().by(Arc::clone(&work.caller));
    let shown = |value: Option<&Value>| value.map(|value| Arc::new(Shown::new(value.clone())));
    let (new, old) = (shown(change.new), shown(change.old));
    for qualifier in qualifiers(work, &context, change.new, change.old, item).await? {
        // What a deleted object was is the source of its last turn.
        let source = new.clone().or_else(|| old.clone());
        let mut turn = Turn::of_source(work, context.clone(), Arc::clone(unit), qualifier, change.id, source);
        turn.old_source.clone_from(&old);
        let mut action = None;
        let failure = turn_of_change(&mut turn, change, &mut action).await.err();
        entries.push(Entry::of_turn(turn, action, failure.clone(), Seen::default()));
        if let Some(problem) = failure {
            return Err(problem);
        }
    }
    Ok(())
}

async fn turn_of_change(turn: &mut Turn<'_>, change: Change<'_>, action: &mut Option<Action>) -> Result<(), Problem> {
    let situation = match change.new {
        Some(_) => turn.assess_source().await?,
        None => turn.assess_deleted().await?,
    };
    let choice = turn.choose(situation).await?;
    *action = Some(choice.action);
    if choice.action == Action::Exception {
        // In a run an exception is what was wanted; here somebody has to know.
        return Err(Problem::conflict(exception_message(situation)));
    }
    if change.new.is_none() {
        turn.source = None;
    }
    turn.act(choice.action).await?;
    turn.post_action(&choice).await
}

/// What was done, as it is answered.
fn details(entry: &Entry) -> Value {
    json!({
        "situation": entry.situation.map(Situation::name),
        "action": entry.action.map(Action::name),
        "linkQualifier": entry.qualifier,
        "targetId": entry.target_id,
    })
}

/// The unit of work that a change belongs to.
pub(crate) fn unit_of(context: &Context) -> Result<Arc<UnitOfWork>, Problem> {
    UnitOfWork::of(context).ok_or_else(|| Problem::internal("a change is carried over within a unit of work"))
}

/// Whether changes of a container concern a mapping.
fn is_concerned(mapping: &Mapping, container: &str) -> bool {
    mapping.spec.enable_sync && mapping.spec.source.eq_ignore_ascii_case(container)
}

/// The mappings that changes of a container concern, in their order.
fn concerned<'a>(set: &'a Set, container: &str) -> Vec<&'a Arc<Mapping>> {
    let mut waiting: Vec<&Arc<Mapping>> = set
        .ready
        .iter()
        .filter(|mapping| is_concerned(mapping, container))
        .collect();
    let mut ordered: Vec<&Arc<Mapping>> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_free = |mapping: &Arc<Mapping>| {
            let is_waiting = |name: &String| waiting.iter().any(|other| other.spec.name == *name);
            !mapping
                .spec
                .sync_after
                .iter()
                .any(|name| *name != mapping.spec.name && is_waiting(name))
        };
        // Of those that wait for each other, the first one begins.
        let next = waiting.iter().position(|mapping| is_free(mapping)).unwrap_or(0);
        ordered.push(waiting.remove(next));
    }
    ordered
}

/// Whether a change is one that the mapping carries over.
fn is_triggered(spec: &MappingSpec, change: Change<'_>) -> bool {
    let (Some(old), Some(new)) = (change.old, change.new) else {
        return true;
    };
    if change.is_check {
        return true;
    }
    match &spec.trigger_properties {
        None => !is_same(old, new),
        Some(pointers) => pointers.iter().any(|pointer| pointer.get(old) != pointer.get(new)),
    }
}

impl Outcome {
    /// As the platform shows it, with what is ours behind it.
    pub(crate) fn to_json(&self) -> Value {
        let (result, cause) = match &self.end {
            OutcomeEnd::Successful => ("SUCCESSFUL", Value::Null),
            OutcomeEnd::Failed(problem) => ("FAILED", problem.to_json()),
            OutcomeEnd::Skipped => ("SKIPPED", Value::Null),
        };
        json!({
            "result": result,
            "mapping": self.mapping,
            "targetObjectSet": &*self.target,
            "details": self.details,
            "cause": cause,
        })
    }
}

#[async_trait]
impl ChangeListener for Synchronizer {
    fn wants(&self, container: &str) -> bool {
        let set = self.mappings.set();
        set.ready.iter().any(|mapping| is_concerned(mapping, container))
    }

    async fn changed(&self, context: &Context, change: Change<'_>) -> Result<Followed, Problem> {
        let unit = unit_of(context)?;
        let (container, id) = (change.container, change.id);
        // What scripts see of the object is what they would see in a run.
        let new = match change.new {
            None => None,
            Some(_) => {
                let caller = Caller::internal(self.store.tenant().as_str(), "Sync");
                let asked = context.clone().by(Arc::new(caller));
                Endpoint::new(container)?.read(&*self.router.get()?, &asked, id).await?
            }
        };
        let change = Change {
            new: new.as_ref(),
            ..change
        };
        let mut followed = Followed::default();
        for outcome in self.carry_over(context, change).await? {
            followed.results.push(outcome.to_json());
            let key = Queued::key(&outcome.mapping, change.container, change.id);
            let cause = match &outcome.end {
                OutcomeEnd::Successful => {
                    // What waited for another attempt has been done with this one.
                    if unit.get(&key).await?.is_some() {
                        unit.delete(key).await?;
                    }
                    continue;
                }
                OutcomeEnd::Failed(problem) => problem.message.clone(),
                OutcomeEnd::Skipped => "an earlier mapping failed".to_owned(),
            };
            followed.has_failed = true;
            tracing::warn!(
                mapping = outcome.mapping,
                object = change.id,
                cause,
                "a change waits to be carried over"
            );
            let queued = Queued::first(&outcome.mapping, change, cause, self.clock.now());
            unit.put(key, queued.to_bytes()?).await?;
        }
        Ok(followed)
    }
}

impl fmt::Debug for Synchronizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Synchronizer").finish_non_exhaustive()
    }
}
