//! Writing down what became of due instants, into the change set that moves the trigger past them.

use host_model::job::{Job, JobId};
use host_store::{ChangeSet, Expectation, Snapshot};

use super::Inner;
use crate::changes;
use crate::error::Error;
use crate::fates::Passing;
use crate::occurrence::{Cause, Fate, Occurrence, Statistics};
use crate::shelf::{self, ShelfName, Stored};
use crate::trigger_record::TriggerRecord;

impl Inner {
    /// Adds the records of a job's instants and counts them in.
    pub(super) async fn note(
        &self,
        shelf: ShelfName,
        job: &JobId,
        occurrences: &[Occurrence],
        changes: &mut ChangeSet,
    ) -> Result<(), Error> {
        if occurrences.is_empty() {
            return Ok(());
        }
        let snapshot = self.shelves.store(shelf).snapshot().await?;
        put(snapshot.as_ref(), occurrences, changes).await?;
        let key = shelf::statistics_key(job);
        let before = snapshot.get(&key).await?;
        let mut statistics: Statistics = before
            .as_ref()
            .map(|document| serde_json::from_slice(&document.body).unwrap_or_default())
            .unwrap_or_default();
        occurrences.iter().for_each(|occurrence| statistics.count(occurrence));
        let expected = before.map_or(Expectation::Absent, |document| Expectation::Revision(document.revision));
        let body = serde_json::to_vec(&statistics).expect("numbers have a JSON form");
        changes.put(key, expected, body);
        Ok(())
    }

    /// Stores a job with its trigger, in the place of the one that lies there: what that was past due for is on record.
    pub(super) async fn replacement(
        &self,
        job: &Job,
        record: Option<&TriggerRecord>,
        before: Option<&Stored>,
    ) -> Result<ChangeSet, Error> {
        let mut changes = changes::store_job(job, record, before);
        if let Some(before) = before {
            let cause = if job.enabled { Cause::Replaced } else { Cause::Disabled };
            let pending = self.pending(before, cause);
            self.note(before.shelf, &job.id, &pending, &mut changes).await?;
        }
        Ok(changes)
    }

    /// Takes a job away: what it was past due for is on record, and its counters go with it.
    pub(super) async fn removal(&self, stored: &Stored, cause: Cause) -> Result<ChangeSet, Error> {
        let mut changes = changes::remove_job(stored);
        let pending = self.pending(stored, cause);
        self.note_last(stored, &pending, &mut changes).await?;
        Ok(changes)
    }

    /// Adds the records of a job that goes, and its counters with it.
    pub(super) async fn note_last(
        &self,
        stored: &Stored,
        occurrences: &[Occurrence],
        changes: &mut ChangeSet,
    ) -> Result<(), Error> {
        let snapshot = self.shelves.store(stored.shelf).snapshot().await?;
        put(snapshot.as_ref(), occurrences, changes).await?;
        changes.delete(shelf::statistics_key(&stored.job.id), Expectation::Any);
        self.untrimmed.lock().remove(&stored.job.id);
        Ok(())
    }

    /// What becomes of the instants that a job's trigger is past due for when the trigger is taken away.
    pub(super) fn pending(&self, stored: &Stored, cause: Cause) -> Vec<Occurrence> {
        let Some(trigger) = &stored.trigger else {
            return Vec::new();
        };
        let passing = Passing {
            job: &stored.job,
            record: &trigger.record,
            zone: self.settings.zone,
            now: self.now(),
            cause,
        };
        passing.lost()
    }
}

async fn put(snapshot: &dyn Snapshot, occurrences: &[Occurrence], changes: &mut ChangeSet) -> Result<(), Error> {
    for occurrence in occurrences {
        let key = shelf::occurrences().key(occurrence.id());
        match &occurrence.fate {
            Fate::Fired(run) => {
                // An instant fires again when its job was stored anew within it, and without an interval.
                let key = if snapshot.get(&key).await?.is_some() {
                    shelf::occurrences().key(format!("{}.{run}", key.id))
                } else {
                    key
                };
                changes.put(key, Expectation::Absent, occurrence.encode());
            }
            // The same instants of the same job: the trigger was made anew since, and what it says now counts.
            Fate::Coalesced(..) | Fate::Skipped(_) | Fate::Gap { .. } => {
                changes.put(key, Expectation::Any, occurrence.encode());
            }
        }
    }
    Ok(())
}
