//! The plan of an analysed object: what its action would change, kept so that exactly that can be done later.

use std::sync::Arc;

use bytes::Bytes;
use host_resource::patch::difference;
use host_resource::{Content, Problem, ResourcePath, Router};
use host_runtime::Usage;
use host_store::document;
use host_store::{ChangeSet, Collection, Expectation, Key, Overlay, Revision, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::edit::parse;
use crate::failure::Failure;

/// Where the plans of a run lie, by the ids of their objects.
pub(crate) fn plans(run: &str) -> Collection {
    Collection::new(&format!("taskscanner/plan/{run}"))
}

/// What one object's action would write, and what it read.
pub(crate) struct Plan {
    changes: Vec<Change>,
    reads: Vec<(Key, Expectation)>,
}

/// One document that would become another.
struct Change {
    key: Key,
    expected: Expectation,
    before: Option<Bytes>,
    after: Option<Bytes>,
}

impl Plan {
    /// The plan that a unit of work amounts to.
    pub(crate) async fn of(own: &Overlay, snapshot: &dyn Snapshot) -> Result<Self, Problem> {
        let changes = own.to_changes();
        let mut plan = Self {
            changes: Vec::with_capacity(changes.writes.len()),
            reads: changes.reads,
        };
        for write in changes.writes {
            let before = snapshot.get(&write.key).await?.map(|document| document.body);
            plan.changes.push(Change {
                key: write.key,
                expected: write.expected,
                before,
                after: write.body,
            });
        }
        Ok(plan)
    }

    /// The plan as it is shown: each resource that would change, with the change as a patch. What the host keeps for
    /// itself is not shown.
    fn shown(&self, router: &Router) -> Result<Vec<Value>, Problem> {
        let mut shown = Vec::new();
        for Change {
            key,
            expected,
            before,
            after,
        } in &self.changes
        {
            let name = key.collection.name();
            let is_resource = ResourcePath::parse(name)
                .is_ok_and(|path| router.collection(&path).is_some_and(|collection| collection == name));
            if !is_resource {
                continue;
            }
            let mut change = json!({"path": format!("{name}/{}", key.id), "operation": null, "rev": rev(*expected)});
            match (before, after) {
                (Some(before), Some(after)) => {
                    let patch = difference(&parse(before)?, &parse(after)?);
                    change["operation"] = "update".into();
                    change["patch"] = patch
                        .iter()
                        .map(host_resource::patch::PatchOperation::to_json)
                        .collect();
                }
                (None, Some(after)) => {
                    change["operation"] = "create".into();
                    change["content"] = parse(after)?;
                }
                (Some(_), None) => change["operation"] = "delete".into(),
                (None, None) => continue,
            }
            shown.push(change);
        }
        Ok(shown)
    }

    fn steps(&self) -> Result<Steps, Problem> {
        let step = |key: &Key, expected: Expectation, body: Option<&Bytes>| {
            let body = body.map(|body| raw(body)).transpose()?;
            Ok::<_, Problem>(Step {
                collection: key.collection.name().to_owned(),
                id: Arc::clone(&key.id),
                rev: rev(expected),
                body,
            })
        };
        let writes = self
            .changes
            .iter()
            .map(|change| step(&change.key, change.expected, change.after.as_ref()));
        let reads = self.reads.iter().map(|(key, expected)| step(key, *expected, None));
        Ok(Steps {
            writes: writes.collect::<Result<_, _>>()?,
            reads: reads.collect::<Result<_, _>>()?,
        })
    }
}

/// What is kept of an analysed object: the public part, and the steps that an application takes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Entry {
    object_id: Arc<str>,
    outcome: Outcome,
    message: Option<String>,
    changes: Vec<Value>,
    fuel: u64,
    memory: u64,
    host_calls: u64,
    duration_micros: u64,
    steps: Steps,
}

/// How an analysed object came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    /// Its action would change something.
    Changed,
    /// It would only be marked.
    Unchanged,
    /// Its action would fail: nothing would be done.
    Failed,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Steps {
    writes: Vec<Step>,
    reads: Vec<Step>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    collection: String,
    id: Arc<str>,
    /// What the document has to be; none: it must not be there.
    rev: Option<String>,
    body: Option<Box<RawValue>>,
}

impl Entry {
    /// The entry of an object whose action ended well.
    pub(crate) fn done(
        object: &Arc<str>,
        plan: &Plan,
        is_changed: bool,
        usage: Usage,
        router: &Router,
    ) -> Result<Self, Problem> {
        let outcome = if is_changed {
            Outcome::Changed
        } else {
            Outcome::Unchanged
        };
        Ok(Self {
            changes: plan.shown(router)?,
            steps: plan.steps()?,
            ..Self::of(object, outcome, usage)
        })
    }

    /// The entry of an object whose action failed.
    pub(crate) fn failed(object: &Arc<str>, failure: &Failure, usage: Usage) -> Self {
        Self {
            message: Some(failure.said().1.to_owned()),
            ..Self::of(object, Outcome::Failed, usage)
        }
    }

    fn of(object: &Arc<str>, outcome: Outcome, usage: Usage) -> Self {
        Self {
            object_id: Arc::clone(object),
            outcome,
            message: None,
            changes: Vec::new(),
            fuel: usage.fuel,
            memory: usage.memory,
            host_calls: usage.host_calls,
            duration_micros: u64::try_from(usage.duration.as_micros()).unwrap_or(u64::MAX),
            steps: Steps::default(),
        }
    }

    pub(crate) fn to_bytes(&self) -> Result<Bytes, Problem> {
        document::to_bytes(self)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(bytes).map_err(|error| Problem::internal(format!("a stored plan is damaged: {error}")))
    }

    /// Whether there is anything to apply.
    pub(crate) fn is_applicable(&self) -> bool {
        self.outcome != Outcome::Failed
    }

    /// What to commit. `remark` may write the object's marks anew: it gets each document's key and new text.
    pub(crate) fn to_changes(
        &self,
        remark: impl Fn(&Key, Bytes) -> Result<Bytes, Problem>,
    ) -> Result<ChangeSet, Problem> {
        let mut changes = ChangeSet::new();
        for step in &self.steps.writes {
            let (key, expected) = step.expected()?;
            match &step.body {
                Some(body) => {
                    let body = remark(&key, Bytes::copy_from_slice(body.get().as_bytes()))?;
                    changes.put(key, expected, body);
                }
                None => changes.delete(key, expected),
            }
        }
        for step in &self.steps.reads {
            let (key, expected) = step.expected()?;
            changes.require(key, expected);
        }
        Ok(changes)
    }
}

impl Step {
    fn expected(&self) -> Result<(Key, Expectation), Problem> {
        let key = Collection::new(&self.collection).key(Arc::clone(&self.id));
        let expected = match &self.rev {
            None => Expectation::Absent,
            Some(rev) => {
                let revision = rev
                    .parse::<Revision>()
                    .map_err(|error| Problem::internal(format!("a stored plan is damaged: {error}")))?;
                Expectation::Revision(revision)
            }
        };
        Ok((key, expected))
    }
}

/// An entry as it is shown: without the steps, which are the host's.
pub(crate) fn shown(body: &[u8]) -> Result<Content, Problem> {
    let mut entry: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|error| Problem::internal(format!("a stored plan is damaged: {error}")))?;
    entry.shift_remove("steps");
    Ok(Content::Json(Value::Object(entry)))
}

fn rev(expected: Expectation) -> Option<String> {
    match expected {
        Expectation::Revision(revision) => Some(revision.to_string()),
        Expectation::Any | Expectation::Absent => None,
    }
}

fn raw(body: &[u8]) -> Result<Box<RawValue>, Problem> {
    let damaged = |error: String| Problem::internal(format!("a stored document is damaged: {error}"));
    let text = String::from_utf8(body.to_vec()).map_err(|error| damaged(error.to_string()))?;
    RawValue::from_string(text).map_err(|error| damaged(error.to_string()))
}
