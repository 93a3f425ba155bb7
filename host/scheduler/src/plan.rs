//! What is to be done about a trigger at an instant: a decision over values, taken before anything is written.

use chrono::TimeDelta;
use host_model::clock::{Timestamp, Tz};
use host_model::job::Job;
use host_model::misfire::{Settled, settle};
use host_model::trigger::{Stretch, TriggerState};

use crate::trigger_record::TriggerRecord;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Nothing: it is not due, paused, or complete.
    Rest,
    /// It missed fires and goes on later.
    Move(TriggerRecord),
    /// It missed fires and has none left: its job goes.
    Vanish,
    /// It fires.
    Fire(Fire),
}

/// A fire, and what becomes of the trigger by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fire {
    pub(crate) scheduled: Timestamp,
    pub(crate) trigger: TriggerRecord,
    /// The fires that this one makes up for.
    pub(crate) missed: Option<Stretch>,
}

/// Decides about a job's trigger.
pub(crate) fn plan(job: &Job, record: TriggerRecord, zone: Tz, now: Timestamp, threshold: TimeDelta) -> Plan {
    let due = record.trigger(job, zone).filter(|trigger| trigger.next <= now);
    let Some(trigger) = due.filter(|_| record.status.state == TriggerState::Normal) else {
        return Plan::Rest;
    };
    let (trigger, missed) = match settle(trigger, job.misfire_policy, now, threshold) {
        Settled::OnTime(trigger) => (trigger, None),
        Settled::Moved(trigger, missed) => (trigger, Some(missed)),
        Settled::Complete(_) => return Plan::Vanish,
    };
    let scheduled = trigger.next;
    let record = record.with(&trigger);
    match missed {
        Some(_) if scheduled > now => Plan::Move(record),
        missed => Plan::Fire(Fire {
            scheduled,
            trigger: record.after(trigger.fire()),
            missed,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_model::clock::{parse_wire_time, wire_time};
    use host_model::misfire::THRESHOLD;
    use host_model::trigger::Status;
    use serde_json::{Value, json};

    /// The plan at `now` for a job that was stored at midnight, in a few words.
    fn planned(changes: Value, turn: fn(Status) -> Status, now: &str) -> String {
        let mut body = json!({"schedule": "0 0 * * * ?", "invokeService": "script"});
        body.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        let job = Job::parse("test".parse().unwrap(), &body).unwrap();
        let midnight = parse_wire_time("2026-01-01T00:00:00Z").unwrap();
        let record = TriggerRecord::new(&job.trigger(Tz::UTC, midnight).unwrap(), turn(Status::NEW));
        let next = |record: TriggerRecord| record.next.map_or_else(|| "none".to_owned(), wire_time);
        match plan(&job, record, Tz::UTC, parse_wire_time(now).unwrap(), THRESHOLD) {
            Plan::Rest => "rest".to_owned(),
            Plan::Move(trigger) => format!("move to {}", next(trigger)),
            Plan::Vanish => "vanish".to_owned(),
            Plan::Fire(Fire {
                scheduled,
                trigger,
                missed,
            }) => {
                let state = trigger.status.state;
                let missed = missed.map(|missed| format!(", missed from {}", wire_time(missed.first)));
                format!(
                    "fire {}, then {} {state}{}",
                    wire_time(scheduled),
                    next(trigger),
                    missed.unwrap_or_default()
                )
            }
        }
    }

    #[test]
    fn a_trigger_fires_when_it_is_due_and_may() {
        let check = |changes: Value, turn: fn(Status) -> Status, now: &str, expected: &str| {
            assert_eq!(planned(changes, turn, now), expected);
        };
        let as_it_is: fn(Status) -> Status = |status| status;
        let midnight = "2026-01-01T00:00:00.000Z";
        let fire = format!("fire {midnight}, then 2026-01-01T01:00:00.000Z NORMAL");
        check(json!({}), as_it_is, "2025-12-31T23:59:59.999Z", "rest");
        check(json!({}), as_it_is, midnight, &fire);
        check(json!({}), as_it_is, "2026-01-01T00:00:10Z", &fire);
        check(json!({}), Status::paused, midnight, "rest");
        check(json!({}), Status::completed, midnight, "rest");
        let once = json!({"schedule": "0 0 0 1 1 ? 2026"});
        check(
            once,
            as_it_is,
            midnight,
            &format!("fire {midnight}, then none COMPLETE"),
        );
    }

    #[test]
    fn a_trigger_that_missed_fires_follows_its_policy() {
        let check = |changes: Value, expected: &str| {
            assert_eq!(planned(changes, |status| status, "2026-01-01T02:30:00.000Z"), expected);
        };
        let missed = "missed from 2026-01-01T00:00:00.000Z";
        let fire = format!("fire 2026-01-01T02:30:00.000Z, then 2026-01-01T03:00:00.000Z NORMAL, {missed}");
        check(json!({}), &fire);
        check(
            json!({"misfirePolicy": "doNothing"}),
            "move to 2026-01-01T03:00:00.000Z",
        );
        check(json!({"endTime": "2026-01-01T02:00:00"}), "vanish");
    }
}
