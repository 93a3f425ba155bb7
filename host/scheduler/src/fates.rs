//! What becomes of the instants that a trigger is moved past: a decision over values.

use chrono::TimeDelta;
use host_model::clock::{Timestamp, Tz};
use host_model::job::Job;
use host_model::run::RunId;
use host_model::trigger::{Stretch, Timing, Trigger};

use crate::occurrence::{Cause, Fate, Occurrence, Origin};
use crate::trigger_record::TriggerRecord;

/// Clock changes that one move of a trigger may record: a hundred years of a zone with two of them each year.
const MAX_GAPS: usize = 200;

/// The shortest time that is stored.
const MILLISECOND: TimeDelta = TimeDelta::milliseconds(1);

/// A trigger that is moved on, seen before.
pub(crate) struct Passing<'a> {
    pub(crate) job: &'a Job,
    pub(crate) record: &'a TriggerRecord,
    pub(crate) zone: Tz,
    pub(crate) now: Timestamp,
    /// Why instants were missed, but for those at which it was paused.
    pub(crate) cause: Cause,
}

impl Passing<'_> {
    /// It fires on time, as far as that goes.
    pub(crate) fn fired(&self, scheduled: Timestamp, run: &RunId) -> Vec<Occurrence> {
        let mut found = vec![self.occurrence(Stretch::one(scheduled), Fate::Fired(run.clone()))];
        found.extend(self.gaps(scheduled));
        found
    }

    /// It fires late and makes up for what it missed: the run is that of the last instant.
    pub(crate) fn made_up_for(&self, missed: Stretch, run: &RunId) -> Vec<Occurrence> {
        let mut found = self.pieces(missed.last - MILLISECOND, |cause| Fate::Coalesced(run.clone(), cause));
        found.push(self.occurrence(Stretch::one(missed.last), Fate::Fired(run.clone())));
        found.extend(self.gaps(self.now));
        found
    }

    /// What was missed is lost.
    pub(crate) fn lost(&self) -> Vec<Occurrence> {
        let mut found = self.pieces(self.now, Fate::Skipped);
        found.extend(self.gaps(self.now));
        found
    }

    /// The instants until `until`, apart by whether the trigger was paused.
    fn pieces(&self, until: Timestamp, fate: impl Fn(Cause) -> Fate) -> Vec<Occurrence> {
        let Some(trigger) = self.record.trigger(self.job, self.zone) else {
            return Vec::new();
        };
        let from = trigger.next;
        let parts = match self.record.paused {
            None => vec![(from, until, self.cause)],
            Some(paused) => {
                let (begin, end) = (paused.from, paused.until.unwrap_or(self.now));
                vec![
                    (from, until.min(begin - MILLISECOND), self.cause),
                    (begin, until.min(end), Cause::Paused),
                    (end + MILLISECOND, until, self.cause),
                ]
            }
        };
        let due = |(from, until, cause)| Some(self.occurrence(trigger.due(from, until)?, fate(cause)));
        parts.into_iter().filter_map(due).collect()
    }

    /// What clock changes dropped since the last fire.
    fn gaps(&self, until: Timestamp) -> Vec<Occurrence> {
        let Timing::Cron {
            cron,
            zone,
            clock_change,
        } = self.job.timing(self.zone)
        else {
            return Vec::new();
        };
        let after = self.record.previous.unwrap_or(self.record.start);
        let dropped = cron.dropped_between(after, until, zone, clock_change, MAX_GAPS);
        dropped
            .iter()
            .map(|dropped| Occurrence::gap(&self.job.id, dropped, self.now))
            .collect()
    }

    fn occurrence(&self, due: Stretch, fate: Fate) -> Occurrence {
        Occurrence {
            job: self.job.id.clone(),
            due,
            fate,
            origin: Origin::Schedule,
            recorded: self.now,
        }
    }
}

/// How many instants a schedule has from `from` until `until`, both included; and which, if they are at most `limit`.
/// A simple schedule counts from its start.
pub(crate) fn instants(trigger: &Trigger, from: Timestamp, until: Timestamp, limit: usize) -> (u64, Vec<Timestamp>) {
    let Some(all) = trigger.due(from, until) else {
        return (0, Vec::new());
    };
    if all.count > limit as u64 {
        return (all.count, Vec::new());
    }
    let mut found = vec![all.first];
    while let Some(last) = found.last().copied()
        && last < all.last
    {
        match trigger.due(last + MILLISECOND, until) {
            Some(rest) => found.push(rest.first),
            None => break,
        }
    }
    (all.count, found)
}
