//! One object: its action in a sandbox and a unit of work of its own, and its mark.

use std::sync::Arc;

use host_model::clock::wire_time;
use host_resource::{Content, Object, Problem, VerbName};
use host_runtime::end::trace;
use host_runtime::script::{Inputs, Invocation};
use host_runtime::{End, Usage};
use host_store::overlay::Ended;
use host_store::unit_of_work::{Seen, UnitOfWork, WriteLimits};
use host_store::{Document, Key, Overlay, Revision, Snapshot};
use serde_json::Value;

use crate::definition::Action;
use crate::edit::with_mark;
use crate::failure::Failure;
use crate::failure::call::Failed;
use crate::plan::Plan;
use crate::record::Effects;
use crate::work::Work;

/// How one attempt at an object ended.
#[derive(Default)]
pub(crate) struct Attempt {
    /// Why it failed, if it did; then it has done nothing.
    pub(crate) failure: Option<Failure>,
    /// The object was changed after it was claimed: nothing was run, and it is to be decided upon again.
    pub(crate) is_stale: bool,
    /// What it did, on which ground.
    pub(crate) ended: Ended,
    /// How much of it the action did.
    pub(crate) effects: Effects,
    /// In an analysis: what it would change.
    pub(crate) plan: Option<Plan>,
    pub(crate) usage: Usage,
}

/// What an object is worked on with.
pub(crate) struct Ground {
    pub(crate) snapshot: Arc<dyn Snapshot>,
    /// What was done on this snapshot before.
    pub(crate) before: Overlay,
    /// The object, where nobody can have changed it for long.
    pub(crate) hand: Option<Document>,
}

/// Runs the action on an object and marks it as completed when the action returned `true`. With `expected`, only if the
/// object still has that revision.
pub(crate) async fn attempt(work: &Work, id: &Arc<str>, expected: Option<Revision>, ground: Ground) -> Attempt {
    let Ground { snapshot, before, hand } = ground;
    let bounds = WriteLimits::from(&work.definition.limits);
    let key = work.definition.collection.key(Arc::clone(id));
    let unit = UnitOfWork::over(Arc::clone(&snapshot), before, bounds);
    let unit = Arc::new(match hand {
        Some(document) => unit.holding(key.clone(), document),
        None => unit,
    });
    let mut attempt = match unit.get(&key).await {
        Err(error) => Attempt {
            failure: Some(Failure::of_problem("store", &error.into())),
            ..Attempt::default()
        },
        Ok(Some(seen)) if expected.is_none_or(|revision| seen.rev.base() == Some(revision)) => {
            let (failure, usage) = act(work, &seen, &key, &unit).await;
            Attempt {
                failure,
                usage,
                ..Attempt::default()
            }
        }
        Ok(_) => Attempt {
            is_stale: true,
            ..Attempt::default()
        },
    };
    let (changes, deletions) = unit.count();
    attempt.effects = Effects {
        changes: changes as u64,
        deletions: deletions as u64,
    };
    if attempt.failure.is_none() && !attempt.is_stale {
        attempt.failure = mark(work, &key, &unit)
            .await
            .err()
            .map(|problem| Failure::of_problem("mark", &problem));
    }
    attempt.ended = unit.end().unwrap_or_default();
    if attempt.failure.is_some() {
        attempt.ended.own = Overlay::default();
        attempt.effects = Effects::default();
    }
    if work.is_analysis() {
        match Plan::of(&attempt.ended.own, &*snapshot).await {
            Ok(plan) => attempt.plan = Some(plan),
            Err(problem) => attempt.failure = Some(Failure::of_problem("plan", &problem)),
        }
    }
    attempt
}

async fn act(work: &Work, seen: &Seen, key: &Key, unit: &Arc<UnitOfWork>) -> (Option<Failure>, Usage) {
    let script = match &work.definition.action {
        Action::Script(script) => script,
        Action::Plan => {
            let problem = Problem::internal("a run that applies a plan calls no action");
            return (Some(Failure::of_problem("plan", &problem)), Usage::default());
        }
        Action::Native(native) => {
            let failure = match native(Arc::clone(unit), key.clone()).await {
                Ok(true) => None,
                Ok(false) => Some(Failure::not_true("false")),
                Err(problem) => Some(Failure::of_problem("problem", &problem)),
            };
            return (failure, Usage::default());
        }
    };
    let path = work.definition.path.child(&key.id);
    let object_id = path.to_string();
    let shown = Object {
        id: key.id.to_string(),
        rev: Some(seen.rev.to_string()),
        content: Content::Raw(seen.body.clone()),
    };
    let input = match shown.to_json() {
        Ok(input) => input,
        Err(error) => {
            return (
                Some(Failure::of_problem("input", &Problem::internal(error.to_string()))),
                Usage::default(),
            );
        }
    };
    let (now, seed) = (work.clock.now(), seed(&work.live.id, &key.id));
    let call = Invocation {
        inputs: Inputs::Task {
            object_id: &object_id,
            input: &input,
        },
        in_hand: Some((path, &[VerbName::Read, VerbName::Update, VerbName::Patch])),
        limits: &work.definition.limits,
        around: Arc::clone(&work.around),
        context: work.context().within(Arc::clone(unit)),
        now,
        seed,
    };
    let outcome = script.call(&work.runtime, call).await;
    for line in &outcome.log {
        trace(&work.around.tenant, &work.live.id, &object_id, line);
    }
    let failure = match &outcome.end {
        End::Done(value) if value == "true" => None,
        End::Done(value) => Some(Failure::not_true(value)),
        _ => Some(Failure::of_outcome(&outcome)),
    };
    let failure = failure.map(|failure| {
        let call = Failed {
            object: &object_id,
            input: &input,
            now,
            seed,
            limits: &work.definition.limits,
            outcome: &outcome,
        };
        failure.of_call(call.to_json(&work.room))
    });
    (failure, outcome.usage)
}

async fn mark(work: &Work, key: &Key, unit: &UnitOfWork) -> Result<(), Problem> {
    // An action may delete its object: then there is nothing to mark.
    let Some(seen) = unit.get(key).await? else {
        return Ok(());
    };
    let completed = Value::String(wire_time(work.clock.now()));
    let body = with_mark(&seen.body, &work.definition.spec.completed, &completed)?;
    unit.put(key.clone(), body).await?;
    Ok(())
}

/// What makes an object's random numbers its own: FNV-1a over run and object.
fn seed(run: &str, object: &str) -> u64 {
    run.bytes()
        .chain([0])
        .chain(object.bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}
