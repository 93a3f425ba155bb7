//! The change sets of the scheduler: each is a sentence about jobs, and happens as a whole or not at all.

use host_model::job::Job;
use host_store::{ChangeSet, Expectation, Revision};

use crate::run_record::RunRecord;
use crate::shelf::{self, Stored};
use crate::trigger_record::TriggerRecord;

/// A job takes the place of what was there; without a trigger if it is disabled.
pub(crate) fn store_job(job: &Job, trigger: Option<&TriggerRecord>, before: Option<&Stored>) -> ChangeSet {
    let mut changes = ChangeSet::new();
    let expected = before.map_or(Expectation::Absent, |before| Expectation::Revision(before.revision));
    changes.put(shelf::job_key(&job.id), expected, shelf::encode_job(job));
    let key = shelf::trigger_key(&job.id);
    let before = before.and_then(|before| before.trigger.as_ref());
    match (trigger, before) {
        (Some(trigger), before) => changes.put(key, of_trigger(before), trigger.encode()),
        (None, Some(before)) => changes.delete(key, Expectation::Revision(before.revision)),
        (None, None) => changes.require(key, Expectation::Absent),
    }
    changes
}

/// A job goes, with its trigger. Its runs stay.
pub(crate) fn remove_job(stored: &Stored) -> ChangeSet {
    let mut changes = ChangeSet::new();
    changes.delete(shelf::job_key(&stored.job.id), Expectation::Revision(stored.revision));
    if let Some(trigger) = &stored.trigger {
        changes.delete(
            shelf::trigger_key(&stored.job.id),
            Expectation::Revision(trigger.revision),
        );
    }
    changes
}

/// A trigger fires: it moves on and a run begins, if neither it nor its job has changed since they were read. So a fire
/// time fires once, however many ask for it and whenever the host stops.
pub(crate) fn claim_fire(stored: &Stored, after: &TriggerRecord, run: &RunRecord) -> ChangeSet {
    let mut changes = set_trigger(stored, after);
    changes.put(run_key(run), Expectation::Absent, run.encode());
    changes
}

/// A trigger becomes another one without firing.
pub(crate) fn set_trigger(stored: &Stored, after: &TriggerRecord) -> ChangeSet {
    let mut changes = ChangeSet::new();
    changes.require(shelf::job_key(&stored.job.id), Expectation::Revision(stored.revision));
    changes.put(
        shelf::trigger_key(&stored.job.id),
        of_trigger(stored.trigger.as_ref()),
        after.encode(),
    );
    changes
}

/// A run is noted that no trigger is moved for.
pub(crate) fn note_run(run: &RunRecord) -> ChangeSet {
    put_run(run, Expectation::Absent)
}

/// A run that was noted goes on to its next state.
pub(crate) fn advance_run(run: &RunRecord, before: Revision) -> ChangeSet {
    put_run(run, Expectation::Revision(before))
}

fn put_run(run: &RunRecord, expected: Expectation) -> ChangeSet {
    let mut changes = ChangeSet::new();
    changes.put(run_key(run), expected, run.encode());
    changes
}

fn run_key(run: &RunRecord) -> host_store::Key {
    shelf::runs().key(run.id.as_str())
}

fn of_trigger(trigger: Option<&shelf::StoredTrigger>) -> Expectation {
    trigger.map_or(Expectation::Absent, |trigger| Expectation::Revision(trigger.revision))
}
