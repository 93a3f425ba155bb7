//! Runs for instants that have passed: each instant of a job's schedule within a stretch of time gets a run of its own.

use host_model::clock::{Timestamp, wire_time};
use host_model::run::RunId;
use host_model::trigger::Stretch;
use host_store::{ChangeSet, Expectation};
use serde_json::{Value, json};

use super::administration::MAX_WAITING;
use super::{ATTEMPTS, Inner, Scheduler};
use crate::board::Waiting;
use crate::error::Error;
use crate::fates::instants;
use crate::occurrence::{Fate, Occurrence, Origin, fired_id};
use crate::run_record::RunRecord;
use crate::shelf::{self, Attempt, Stored};

/// Instants of one request at most: its runs have to wait for their turn somewhere.
pub(crate) const MAX_INSTANTS: usize = 500;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backfill {
    /// The first instant.
    pub(crate) from: Timestamp,
    /// The last one.
    pub(crate) to: Timestamp,
    /// Also instants that had a run already.
    pub(crate) is_forced: bool,
}

impl Scheduler {
    /// Lines up a run for each instant that has none yet. That it was asked for is durable when this returns.
    pub(crate) async fn backfill(&self, id: &str, wanted: Backfill) -> Result<Value, Error> {
        for _ in 0..ATTEMPTS {
            let stored = self.0.require(id).await?;
            if let Some(answer) = self.0.backfill(&stored, wanted).await? {
                return Ok(answer);
            }
        }
        Err(Error::Contended(id.parse()?))
    }
}

impl Inner {
    /// None if others were at the same instants.
    async fn backfill(&self, stored: &Stored, wanted: Backfill) -> Result<Option<Value>, Error> {
        if !stored.job.enabled {
            return Err(Error::Disabled {
                job: stored.job.id.clone(),
                action: "backfilled",
            });
        }
        let now = self.now();
        if wanted.to > now {
            return Err(Error::Future(wanted.to));
        }
        // As if the schedule had begun there; a simple one counts from where it really began.
        let begin = match &stored.trigger {
            Some(trigger) if stored.job.is_simple() => trigger.record.start,
            _ => wanted.from,
        };
        let (count, instants) = match stored.job.trigger(self.settings.zone, begin) {
            Some(trigger) => instants(&trigger, wanted.from, wanted.to, MAX_INSTANTS),
            None => (0, Vec::new()),
        };
        if count > MAX_INSTANTS as u64 {
            return Err(Error::TooManyInstants(count));
        }
        let waiting = self.board().waiting();
        if waiting + instants.len() > MAX_WAITING {
            return Err(Error::TooManyWaiting(waiting));
        }
        let mut changes = ChangeSet::new();
        let snapshot = self.shelves.store(stored.shelf).snapshot().await?;
        let mut occurrences = Vec::new();
        let mut runs = Vec::new();
        for instant in instants {
            let key = shelf::occurrences().key(fired_id(&stored.job.id, instant));
            if !wanted.is_forced && snapshot.get(&key).await?.is_some() {
                continue;
            }
            let run = RunRecord::waiting(RunId::fresh(self.ids.as_ref()), &stored.job, now, Some(instant));
            changes.put(shelf::runs().key(run.id.as_str()), Expectation::Absent, run.encode());
            occurrences.push(Occurrence {
                job: stored.job.id.clone(),
                due: Stretch::one(instant),
                fate: Fate::Fired(run.id.clone()),
                origin: Origin::Backfill,
                recorded: now,
            });
            runs.push(run);
        }
        let answer = json!({
            "_id": stored.job.id.as_str(),
            "from": wire_time(wanted.from),
            "to": wire_time(wanted.to),
            "instants": count,
            "runs": runs.len(),
        });
        if runs.is_empty() {
            return Ok(Some(answer));
        }
        self.note(stored.shelf, &stored.job.id, &occurrences, &mut changes)
            .await?;
        changes.require(shelf::job_key(&stored.job.id), Expectation::Revision(stored.revision));
        let Attempt::Done(revision) = self.shelves.commit(stored.shelf, changes).await? else {
            return Ok(None);
        };
        {
            let mut board = self.board();
            for run in runs {
                board.wait(Waiting {
                    job: run.job,
                    run: run.id,
                    shelf: stored.shelf,
                    revision,
                });
            }
        }
        self.changed();
        Ok(Some(answer))
    }
}
