//! Applying the plan of an analysis: exactly what it says, where everything that it was made for is still as it was.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::Duration;
use host_model::clock::wire_time;
use host_model::run::RunId;
use host_resource::{Code, Problem};
use host_runtime::Usage;
use host_store::{ChangeSet, CommitError, Expectation, Key, Scan};
use serde_json::Value;

use crate::definition::Definition;
use crate::edit::with_mark;
use crate::failure::{Failure, KEPT, failures};
use crate::feeder::Resume;
use crate::ledger::Ledger;
use crate::live::Live;
use crate::plan::{Entry, plans};
use crate::record::{Effects, Mode, Progress, Record, State, missing};
use crate::scanner::Scanner;
use crate::work::PAGE;

/// How long after its analysis a plan may be applied.
const VALID: Duration = Duration::hours(24);

/// A plan's entry that is about to be committed.
struct Step {
    id: Arc<str>,
    changes: ChangeSet,
}

impl Step {
    fn touches(&self, keys: &HashSet<Key>) -> Option<&Key> {
        let writes = self.changes.writes.iter().map(|write| &write.key);
        let mut touched = writes.chain(self.changes.reads.iter().map(|(key, _)| key));
        touched.find(|key| keys.contains(key))
    }
}

impl Scanner {
    /// Starts a run that applies the plan of an analysis; when this returns, the run is durable.
    ///
    /// # Errors
    /// 404 for a run that there is not, 400 for one that is no analysis, 409 for one that has not ended well, was applied
    /// before, or would do more than its guard allows, 410 for one that ended too long ago.
    pub async fn apply(self: &Arc<Self>, of: &str) -> Result<Arc<str>, Problem> {
        let document = self
            .parts
            .store
            .get(&Record::key(of))
            .await?
            .ok_or_else(|| missing(of))?;
        let mut analysis = Record::from_bytes(&document.body)?;
        let router = self.parts.router.get()?;
        let definition = Definition::to_apply(&analysis.invoke_context, &router)?;
        let now = self.parts.clock.now();
        applicable(of, &analysis, &definition, now)?;
        let id: Arc<str> = RunId::fresh(&*self.parts.ids).as_str().into();
        let record = Record {
            state: State::Active,
            progress: Progress {
                total: analysis.progress.successes,
                ..Progress::default()
            },
            started: now,
            ended: None,
            cursor: None,
            mode: Mode::Apply(of.into()),
            effects: Effects::default(),
            retries: None,
            is_through: false,
            usage: None,
            ..analysis.clone()
        };
        analysis.applied_by = Some(id.to_string());
        let mut changes = ChangeSet::new();
        let expected = Expectation::Revision(document.revision);
        changes.put(Record::key(of), expected, analysis.to_bytes()?);
        changes.put(Record::key(&id), Expectation::Absent, record.to_bytes()?);
        let revision = match self.parts.store.commit(changes).await {
            Ok(committed) => committed.revision,
            Err(CommitError::Conflict(_)) => return Err(Problem::conflict(format!("'{of}' is being applied already"))),
            Err(CommitError::Store(error)) => return Err(error.into()),
        };
        let ledger = Ledger {
            id: Arc::clone(&id),
            record,
            revision,
        };
        self.spawn(ledger, Ok(definition), Resume::default());
        self.trim().await?;
        Ok(id)
    }

    /// Applies the rest of a plan. Whether it came to the end.
    pub(crate) async fn apply_plan(
        &self,
        ledger: &mut Ledger,
        live: &Live,
        definition: &Definition,
        of: &str,
    ) -> Result<bool, Problem> {
        live.show(ledger.record.state, ledger.record.progress);
        loop {
            if live.halted().is_some() {
                return Ok(false);
            }
            let scan = Scan::all(plans(of), PAGE).after(ledger.record.cursor.clone());
            let page = self.parts.store.scan(&scan).await?;
            let mut steps = Vec::with_capacity(page.documents.len());
            for document in page.documents {
                let entry = Entry::from_bytes(&document.body)?;
                if entry.is_applicable() {
                    let changes = entry.to_changes(|key, body| self.marked(definition, &document.id, key, body))?;
                    steps.push(Step {
                        id: document.id,
                        changes,
                    });
                }
            }
            ledger.record.cursor = page.cursor;
            self.commit_steps(ledger, steps).await?;
            live.show(ledger.record.state, ledger.record.progress);
            if ledger.record.cursor.is_none() {
                return Ok(true);
            }
        }
    }

    /// The object's text with the marks of this run, other documents as they are.
    fn marked(
        &self,
        definition: &Definition,
        object: &str,
        key: &Key,
        body: bytes::Bytes,
    ) -> Result<bytes::Bytes, Problem> {
        if key.collection != definition.collection || *key.id != *object {
            return Ok(body);
        }
        let now = Value::String(wire_time(self.parts.clock.now()));
        let started = with_mark(&body, &definition.spec.started, &now)?;
        with_mark(&started, &definition.spec.completed, &now)
    }

    /// Commits the steps of a page that still fit, in one commit with the counters and the cursor; the others have moved.
    async fn commit_steps(&self, ledger: &mut Ledger, steps: Vec<Step>) -> Result<(), Problem> {
        let mut moved: Vec<(Arc<str>, String)> = Vec::new();
        let mut kept: Vec<Step> = Vec::with_capacity(steps.len());
        let mut written: HashSet<Key> = HashSet::new();
        for step in steps {
            // Two objects that would write one document: the plan of the second was made without the first.
            match step.touches(&written).map(path) {
                Some(path) => moved.push((step.id, path)),
                None => {
                    written.extend(step.changes.writes.iter().map(|write| write.key.clone()));
                    kept.push(step);
                }
            }
        }
        let before = ledger.record.clone();
        loop {
            let changes = self.changes(ledger, &kept, &moved)?;
            match ledger.commit(&self.parts.store, changes).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict(keys)) => {
                    let keys: HashSet<Key> = keys.into_iter().collect();
                    if keys.contains(&Record::key(&ledger.id)) {
                        return Err(Problem::conflict("the run is worked on by somebody else"));
                    }
                    let cursor = ledger.record.cursor.take();
                    ledger.record = Record {
                        cursor,
                        ..before.clone()
                    };
                    let fits = |step: &mut Step| step.touches(&keys).is_some();
                    for step in kept.extract_if(.., fits) {
                        let path = step.touches(&keys).map(path).unwrap_or_default();
                        moved.push((step.id, path));
                    }
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
    }

    /// One commit, counted in the record.
    fn changes(&self, ledger: &mut Ledger, kept: &[Step], moved: &[(Arc<str>, String)]) -> Result<ChangeSet, Problem> {
        let mut changes = ChangeSet::new();
        let mut reads: HashSet<Key> = HashSet::new();
        for step in kept {
            changes.writes.extend(step.changes.writes.iter().cloned());
            for (key, expected) in &step.changes.reads {
                if reads.insert(key.clone()) {
                    changes.require(key.clone(), *expected);
                }
            }
            let deletions = step.changes.writes.iter().filter(|write| write.body.is_none()).count() as u64;
            ledger.record.effects = ledger.record.effects.and(Effects {
                changes: step.changes.writes.len() as u64 - deletions,
                deletions,
            });
        }
        let at = wire_time(self.parts.clock.now());
        let failures = failures(&ledger.id);
        for (id, path) in moved {
            ledger.record.progress.failures += 1;
            if ledger.record.progress.failures <= KEPT {
                let failure = Failure::moved(path);
                let fingerprint = failure.fingerprint(id, "");
                let failure = failure.to_json(id, &at, Usage::default(), &fingerprint, "");
                changes.put(failures.key(Arc::clone(id)), Expectation::Any, failure.to_string());
            }
        }
        ledger.record.progress.successes += kept.len() as u64;
        Ok(changes)
    }
}

/// Whether a run's plan may be applied.
fn applicable(
    of: &str,
    analysis: &Record,
    definition: &Definition,
    now: host_model::clock::Timestamp,
) -> Result<(), Problem> {
    if analysis.mode != Mode::Analyze {
        let message =
            format!("'{of}' is no analysis: only a run that was executed with analyze=true has a plan to apply");
        return Err(Problem::bad_request(message));
    }
    if let Some(by) = &analysis.applied_by {
        return Err(Problem::conflict(format!("'{of}' was applied by '{by}' already")));
    }
    let Some(ended) = analysis.ended.filter(|_| analysis.state == State::Completed) else {
        let state = analysis.state.name();
        return Err(Problem::conflict(format!(
            "'{of}' is {state}: only a COMPLETED analysis can be applied"
        )));
    };
    if now - ended > VALID {
        let message = format!(
            "the plan of '{of}' has expired: it was made more than {} hours ago",
            VALID.num_hours()
        );
        return Err(Problem::new(Code::new(410), message));
    }
    let guard = definition.spec.guard;
    match guard.objection(analysis.progress.total, analysis.effects.into()) {
        Some(objection) => Err(Problem::conflict(objection)),
        None => Ok(()),
    }
}

fn path(key: &Key) -> String {
    format!("{}/{}", key.collection.name(), key.id)
}
