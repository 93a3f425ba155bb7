//! What became of a due instant: one durable record for each, or one for many in a row that had the same fate.
//!
//! A record is written in the commit that moves the trigger past its instants, so there is none too many and none is
//! missing, wherever the host stops. An outage of a year of a schedule that fires each second is one record with a
//! count, not 31 million.

use host_model::clock::{Timestamp, wire_time};
use host_model::cron::Dropped;
use host_model::job::JobId;
use host_model::run::RunId;
use host_model::trigger::Stretch;
use serde::{Deserialize, Serialize};

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Occurrence {
    pub(crate) job: JobId,
    /// Which instants it is about.
    pub(crate) due: Stretch,
    pub(crate) fate: Fate,
    pub(crate) origin: Origin,
    /// When it was written.
    pub(crate) recorded: Timestamp,
}

/// What became of an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A run began for it.
    Fired(RunId),
    /// It was missed, and this run makes up for it.
    Coalesced(RunId, Cause),
    /// Nothing happened, and nothing will.
    Skipped(Cause),
    /// The wall times from the first to the last did not exist; the instant is when the clock was set.
    Gap { first: String, last: String },
}

/// Why an instant was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The schedule was paused.
    Paused,
    /// It was disabled before the instant had its turn.
    Disabled,
    /// It was replaced before the instant had its turn.
    Replaced,
    /// It was deleted before the instant had its turn.
    Deleted,
    /// The run before went on, and a second one is not allowed.
    Overlap,
    /// All threads of the scheduler were taken.
    Quota,
    /// The host was down, asleep or too busy; the misfire policy decides what is made up for.
    Misfire,
}

/// Who wanted a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The schedule.
    Schedule,
    /// Somebody, outside the schedule.
    Manual,
    /// Somebody, for an instant of the schedule that has passed.
    Backfill,
}

const CAUSES: [(Cause, &str); 7] = [
    (Cause::Paused, "paused"),
    (Cause::Disabled, "disabled"),
    (Cause::Replaced, "replaced"),
    (Cause::Deleted, "deleted"),
    (Cause::Overlap, "overlap"),
    (Cause::Quota, "quota"),
    (Cause::Misfire, "misfire"),
];

const ORIGINS: [(Origin, &str); 3] = [
    (Origin::Schedule, "schedule"),
    (Origin::Manual, "manual"),
    (Origin::Backfill, "backfill"),
];

impl Cause {
    /// The name on the wire.
    pub(crate) fn name(self) -> &'static str {
        let found = CAUSES.iter().find(|(cause, _)| *cause == self);
        found.expect("every cause has a name").1
    }
}

impl Origin {
    /// The name on the wire.
    pub(crate) fn name(self) -> &'static str {
        let found = ORIGINS.iter().find(|(origin, _)| *origin == self);
        found.expect("every origin has a name").1
    }

    pub(crate) fn from_name(name: &str) -> Option<Origin> {
        ORIGINS
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(origin, _)| *origin)
    }
}

/// The id of the record that a run began for an instant: the same for everybody who looks for it.
pub(crate) fn fired_id(job: &JobId, instant: Timestamp) -> String {
    format!("{job}@{}", wire_time(instant))
}

impl Occurrence {
    /// Why there is a gap in what was due.
    pub(crate) fn gap(job: &JobId, dropped: &Dropped, recorded: Timestamp) -> Occurrence {
        let local = |wall: chrono::NaiveDateTime| wall.format("%Y-%m-%dT%H:%M:%S").to_string();
        Occurrence {
            job: job.clone(),
            due: Stretch {
                count: dropped.count,
                ..Stretch::one(dropped.at)
            },
            fate: Fate::Gap {
                first: local(dropped.first),
                last: local(dropped.last),
            },
            origin: Origin::Schedule,
            recorded,
        }
    }

    /// Its id: the job, then the time, so that the records of a job lie in the order of time.
    pub(crate) fn id(&self) -> String {
        let kind = match &self.fate {
            Fate::Fired(_) => "",
            Fate::Coalesced(..) => ".coalesced",
            Fate::Skipped(_) => ".skipped",
            Fate::Gap { .. } => ".gap",
        };
        format!("{}{kind}", fired_id(&self.job, self.due.first))
    }

    /// The bytes to store, which are also what is shown.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (outcome, reason, run) = match &self.fate {
            Fate::Fired(run) => ("fired", None, Some(run)),
            Fate::Coalesced(run, cause) => ("coalesced", Some(cause.name()), Some(run)),
            Fate::Skipped(cause) => ("skipped", Some(cause.name()), None),
            Fate::Gap { .. } => ("skipped", Some("gap"), None),
        };
        let local = match &self.fate {
            Fate::Gap { first, last } => Some((first.clone(), last.clone())),
            Fate::Fired(_) | Fate::Coalesced(..) | Fate::Skipped(_) => None,
        };
        let lateness = (self.recorded - self.due.first).num_milliseconds();
        let shown = Shown {
            job: self.job.as_str(),
            from: wire_time(self.due.first),
            to: wire_time(self.due.last),
            count: self.due.count,
            outcome,
            reason,
            run: run.map(RunId::as_str),
            lateness_ms: matches!(self.fate, Fate::Fired(_)).then_some(lateness),
            origin: self.origin.name(),
            recorded: wire_time(self.recorded),
            local_from: local.as_ref().map(|(first, _)| first.as_str()),
            local_to: local.as_ref().map(|(_, last)| last.as_str()),
        };
        serde_json::to_vec(&shown).expect("a structure of texts and numbers has a JSON form")
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    job: &'a str,
    from: String,
    to: String,
    count: u64,
    outcome: &'static str,
    reason: Option<&'static str>,
    run: Option<&'a str>,
    /// Milliseconds between the instant and its fire.
    lateness_ms: Option<i64>,
    origin: &'static str,
    recorded: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_to: Option<&'a str>,
}

/// Counters of a schedule, over its whole life: also over what is no longer on record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Statistics {
    /// Instants for which a run began.
    pub(crate) fired: u64,
    /// Instants that a later run made up for.
    pub(crate) coalesced: u64,
    /// Instants for which nothing happened.
    pub(crate) skipped: u64,
    /// Runs for instants of the past that somebody asked for.
    pub(crate) backfilled: u64,
    /// How late the last fire was.
    pub(crate) last_lateness_ms: i64,
    /// How late the latest fire of all was.
    pub(crate) max_lateness_ms: i64,
    /// Instant of the last fire.
    pub(crate) last_fired: Option<String>,
}

impl Statistics {
    /// Counts a record in.
    pub(crate) fn count(&mut self, occurrence: &Occurrence) {
        let count = occurrence.due.count;
        match &occurrence.fate {
            Fate::Fired(_) if occurrence.origin == Origin::Backfill => self.backfilled += count,
            Fate::Fired(_) => {
                self.fired += count;
                self.last_lateness_ms = (occurrence.recorded - occurrence.due.first).num_milliseconds();
                self.max_lateness_ms = self.max_lateness_ms.max(self.last_lateness_ms);
                self.last_fired = Some(wire_time(occurrence.due.first));
            }
            Fate::Coalesced(..) => self.coalesced += count,
            Fate::Skipped(_) | Fate::Gap { .. } => self.skipped += count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_model::clock::parse_wire_time;
    use serde_json::{Value, json};

    #[test]
    fn a_record_says_what_became_of_its_instants() {
        let at = |text: &str| parse_wire_time(text).unwrap();
        let run: RunId = "9f2564c8-193c-4871-8869-6080f374b1bd-2073".parse().unwrap();
        let due = Stretch {
            first: at("2026-01-01T00:00:00Z"),
            last: at("2026-01-01T02:00:00Z"),
            count: 3,
        };
        let record = |due: Stretch, fate: Fate| Occurrence {
            job: "a".parse().unwrap(),
            due,
            fate,
            origin: Origin::Schedule,
            recorded: at("2026-01-01T00:00:00.250Z"),
        };
        let check = |record: Occurrence, id: &str, expected: Value| {
            assert_eq!(record.id(), id);
            assert_eq!(serde_json::from_slice::<Value>(&record.encode()).unwrap(), expected);
        };
        check(
            record(Stretch::one(due.first), Fate::Fired(run.clone())),
            "a@2026-01-01T00:00:00.000Z",
            json!({
                "job": "a", "from": "2026-01-01T00:00:00.000Z", "to": "2026-01-01T00:00:00.000Z", "count": 1,
                "outcome": "fired", "reason": null, "run": run.as_str(), "latenessMs": 250, "origin": "schedule",
                "recorded": "2026-01-01T00:00:00.250Z",
            }),
        );
        check(
            record(due, Fate::Skipped(Cause::Paused)),
            "a@2026-01-01T00:00:00.000Z.skipped",
            json!({
                "job": "a", "from": "2026-01-01T00:00:00.000Z", "to": "2026-01-01T02:00:00.000Z", "count": 3,
                "outcome": "skipped", "reason": "paused", "run": null, "latenessMs": null, "origin": "schedule",
                "recorded": "2026-01-01T00:00:00.250Z",
            }),
        );
        let mut statistics = Statistics::default();
        statistics.count(&record(due, Fate::Skipped(Cause::Paused)));
        statistics.count(&record(due, Fate::Coalesced(run.clone(), Cause::Misfire)));
        statistics.count(&record(Stretch::one(due.first), Fate::Fired(run)));
        assert_eq!((statistics.fired, statistics.coalesced, statistics.skipped), (1, 3, 3));
        assert_eq!((statistics.last_lateness_ms, statistics.max_lateness_ms), (250, 250));
    }
}
