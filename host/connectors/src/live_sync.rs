//! liveSync (behaviour 6.1): what changed in a system since the last time is handed over to `sync`, in order and at least
//! once. The token is moved behind a change once that was handed over; one that cannot be stops the run, or is tried a
//! number of times and then left out.

use std::sync::Arc;

use host_resource::{Action, Caller, Context, Problem, Request, ResourcePath, Response, Router, Verb};
use serde_json::{Value, json};

use crate::connector::{Connector, Delta, DeltaKind, SyncPage};
use crate::definition::{Afterwards, ObjectType, Operation};
use crate::mapping::{self, Wanted};
use crate::stages::{Letter, Stage, Trouble};
use crate::system::System;
use crate::systems::Systems;

/// So many changes are read at once.
const PAGE: usize = 500;
/// A message about a failure is cut here, in bytes.
const MAX_CAUSE: usize = 4096;

/// Whose changes are read: `system/NAME/TYPE`, or all types of `system/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    system: String,
    kind: Option<String>,
}

impl Source {
    pub(crate) fn new(system: &str, kind: Option<&str>) -> Self {
        Self {
            system: system.to_owned(),
            kind: kind.map(str::to_owned),
        }
    }

    /// Reads `system/NAME/TYPE` or `system/NAME`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no source of changes: write system/NAME/TYPE");
        let path = ResourcePath::parse(text).map_err(|_| wrong())?;
        let elements: Vec<&str> = path.elements().collect();
        match elements.as_slice() {
            [system, name] if system.eq_ignore_ascii_case("system") => Ok(Self::new(name, None)),
            [system, name, kind] if system.eq_ignore_ascii_case("system") => Ok(Self::new(name, Some(kind))),
            _ => Err(wrong()),
        }
    }
}

/// What a run did, for each type.
#[derive(Debug)]
pub(crate) struct Outcome {
    is_one: bool,
    pub(crate) types: Vec<TypeOutcome>,
}

/// What a run did with the objects of one type.
#[derive(Debug)]
pub(crate) struct TypeOutcome {
    pub(crate) source: String,
    pub(crate) handed_over: u64,
    pub(crate) left_out: u64,
    /// Why it stopped before the end.
    pub(crate) trouble: Option<String>,
    stage: Value,
}

impl Outcome {
    /// The stage that is stored; a list where all types of a system were read.
    pub(crate) fn answer(self) -> Value {
        let is_one = self.is_one;
        let mut stages = self.types.into_iter().map(|outcome| outcome.stage);
        if is_one {
            stages.next().unwrap_or_default()
        } else {
            stages.collect()
        }
    }
}

/// Ends the reading of a source.
struct Turn<'a> {
    systems: &'a Systems,
    source: String,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.systems.syncing.lock().remove(&self.source);
    }
}

impl Systems {
    /// Hands over what changed.
    pub(crate) async fn live_sync(
        &self,
        context: &Context,
        source: &Source,
        is_detailed: bool,
    ) -> Result<Outcome, Problem> {
        let (_, system) = self.require(&source.system)?;
        let kinds = match &source.kind {
            Some(kind) => vec![system.require_type(kind)?],
            None => system.definition.types.values().cloned().collect(),
        };
        let router = self.parts.router.get()?;
        if !router.is_mount(&ResourcePath::from_elements(["sync"])) {
            return Err(Problem::unavailable(
                "nothing here takes changes of connected systems: there is no 'sync'. The token stays where it is",
            ));
        }
        // The changes are the system's, whoever asked for them to be read.
        let caller = Caller::internal(Arc::clone(&context.caller.tenant), "liveSync");
        let context = context.clone().by(Arc::new(caller));
        let mut types = Vec::new();
        for kind in kinds {
            let name = format!("system/{}/{}", system.name(), kind.name);
            let is_free = self.syncing.lock().insert(name.clone());
            if !is_free {
                return Err(Problem::conflict(format!(
                    "the changes of '{name}' are being read already"
                )));
            }
            let _turn = Turn {
                systems: self,
                source: name.clone(),
            };
            let reading = Reading {
                systems: self,
                system: &system,
                kind: &kind,
                source: name,
                router: &router,
                context: &context,
                is_detailed,
            };
            types.push(reading.run().await?);
        }
        Ok(Outcome {
            is_one: source.kind.is_some(),
            types,
        })
    }
}

struct Reading<'a> {
    systems: &'a Systems,
    system: &'a System,
    kind: &'a Arc<ObjectType>,
    source: String,
    router: &'a Router,
    context: &'a Context,
    is_detailed: bool,
}

impl Reading<'_> {
    async fn run(self) -> Result<TypeOutcome, Problem> {
        let store = &self.systems.parts.store;
        let mut outcome = TypeOutcome {
            source: self.source.clone(),
            handed_over: 0,
            left_out: 0,
            trouble: None,
            stage: Value::Null,
        };
        let Some(mut stage) = Stage::load(store, &self.source).await? else {
            // The first time: what is there already is for reconciliation.
            let stage = Stage::new(&self.source, self.latest().await?);
            stage.store(store, None, true).await?;
            outcome.stage = stage.shown();
            return Ok(outcome);
        };
        'pages: loop {
            let page = self.page(&stage.token).await?;
            for delta in &page.deltas {
                match self.hand_over(delta).await {
                    Ok(()) => outcome.handed_over += 1,
                    Err(cause) => {
                        let letter = self.letter(delta, &cause);
                        if !self.is_given_up(&mut stage, delta, &cause) {
                            outcome.trouble = Some(cause);
                            break 'pages;
                        }
                        outcome.left_out += 1;
                        stage.move_to(delta.token.clone());
                        stage.store(store, letter, true).await?;
                        continue;
                    }
                }
                stage.move_to(delta.token.clone());
                // A crash may forget this: then the change is handed over again.
                stage.store(store, None, false).await?;
            }
            stage.move_to(page.token);
            if !page.has_more {
                break;
            }
        }
        stage.store(store, None, true).await?;
        outcome.stage = stage.shown();
        Ok(outcome)
    }

    /// Whether a change has been tried often enough. If not, the stage remembers that it was tried.
    fn is_given_up(&self, stage: &mut Stage, delta: &Delta, cause: &str) -> bool {
        let handler = self.system.definition.failure_handler;
        let tried = stage.tried(&delta.token);
        let is_given_up = handler.retries.is_some_and(|retries| tried >= retries);
        tracing::warn!(
            source = self.source,
            uid = delta.uid,
            tried,
            is_given_up,
            "a change of a connected system was not handed over: {cause}"
        );
        stage.trouble = (!is_given_up).then(|| Trouble {
            token: delta.token.clone(),
            tried: tried.saturating_add(1),
            cause: cause.to_owned(),
            delta: self.record(delta, self.is_detailed),
        });
        is_given_up
    }

    fn letter(&self, delta: &Delta, cause: &str) -> Option<Letter> {
        (self.system.definition.failure_handler.afterwards == Afterwards::SetAside).then(|| Letter {
            system: self.system.name().to_owned(),
            object_type: self.kind.name.clone(),
            uid: delta.uid.clone(),
            token: delta.token.clone(),
            record: self.record(delta, true),
            cause: cause.to_owned(),
            time: self.systems.parts.clock.now(),
        })
    }

    fn record(&self, delta: &Delta, is_whole: bool) -> Value {
        let kind = match delta.kind {
            DeltaKind::Create => "CREATE",
            DeltaKind::Update => "CREATE_OR_UPDATE",
            DeltaKind::Delete => "DELETE",
        };
        let mut record = json!({"deltaType": kind, "uid": delta.uid});
        if is_whole {
            record["object"] = self.object(delta);
        }
        record
    }

    fn object(&self, delta: &Delta) -> Value {
        let shown = |entry| mapping::object(self.kind, entry, &Wanted::default());
        delta.entry.as_ref().map(shown).unwrap_or_default()
    }

    /// Asks `sync` to take a change; the error says why it did not.
    async fn hand_over(&self, delta: &Delta) -> Result<(), String> {
        let name = match delta.kind {
            DeltaKind::Create => "notifyCreate",
            DeltaKind::Update => "notifyUpdate",
            DeltaKind::Delete => "notifyDelete",
        };
        let action = Action {
            name: name.to_owned(),
            parameters: vec![
                ("resourceContainer".to_owned(), self.source.clone()),
                ("resourceId".to_owned(), delta.uid.clone()),
            ],
            content: Some(json!({"newValue": self.object(delta), "oldValue": null})),
            ..Action::default()
        };
        let request = Request {
            path: ResourcePath::from_elements(["sync"]),
            verb: Verb::Action(action),
            version: None,
        };
        match self.router.handle(self.context, request).await {
            Ok(Response::Action(answer)) => match answer.as_ref().and_then(failed) {
                None => Ok(()),
                Some(result) => Err(cut(format!("a mapping failed: {result}"))),
            },
            Ok(_) => Ok(()),
            Err(problem) => Err(cut(problem.to_string())),
        }
    }

    async fn latest(&self) -> Result<Value, Problem> {
        let call = |connector: Arc<dyn Connector>| {
            let kind = Arc::clone(self.kind);
            async move { connector.latest_token(&kind).await }
        };
        let latest = self.system.read(Operation::Sync, call).await;
        latest.map_err(|error| error.problem(self.system.name()))
    }

    async fn page(&self, token: &Value) -> Result<SyncPage, Problem> {
        let call = |connector: Arc<dyn Connector>| {
            let (kind, token) = (Arc::clone(self.kind), token.clone());
            async move { connector.sync(&kind, &token, PAGE).await }
        };
        let page = self.system.read(Operation::Sync, call).await;
        page.map_err(|error| error.problem(self.system.name()))
    }
}

/// The first mapping that failed.
fn failed(answer: &Value) -> Option<&Value> {
    let mut results = answer.as_array()?.iter();
    results.find(|result| result["result"] == "FAILED")
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_CAUSE));
    text
}

#[cfg(test)]
mod tests;
