//! A trigger as it is stored: what changes with each fire. The rule of its fire times is the job's.

use chrono::DateTime;
use host_model::clock::{Timestamp, Tz};
use host_model::job::Job;
use host_model::trigger::{AfterFire, Repeat, Status, Timing, Trigger, TriggerState};
use serde::{Deserialize, Serialize};

/// A stored trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TriggerRecord {
    /// Its state, without what comes from a run that goes on.
    pub(crate) status: Status,
    /// No fire is before it.
    pub(crate) start: Timestamp,
    /// Every fire is before it.
    pub(crate) end: Option<Timestamp>,
    /// The next fire time; none once it is complete.
    pub(crate) next: Option<Timestamp>,
    /// The last fire time.
    pub(crate) previous: Option<Timestamp>,
    /// How often it has fired, counted as in [`Trigger`].
    pub(crate) times_triggered: u64,
    /// Of a simple trigger: the count that it goes by. Missed fires make it smaller than the job's.
    pub(crate) repeat: Option<Repeat>,
    /// The id of its last fire: the node's name and a number.
    pub(crate) fire_instance: Option<String>,
    /// When it was paused since its last move.
    pub(crate) paused: Option<Paused>,
}

/// A time in which a trigger was paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paused {
    pub(crate) from: Timestamp,
    /// None while it is.
    pub(crate) until: Option<Timestamp>,
}

impl TriggerRecord {
    /// The record of a new trigger.
    pub(crate) fn new(trigger: &Trigger, status: Status) -> TriggerRecord {
        let empty = TriggerRecord {
            status,
            start: trigger.start,
            end: trigger.end,
            next: None,
            previous: None,
            times_triggered: 0,
            repeat: None,
            fire_instance: None,
            paused: None,
        };
        empty.with(trigger)
    }

    /// The trigger that this is the record of; none once it is complete.
    pub(crate) fn trigger(&self, job: &Job, host_zone: Tz) -> Option<Trigger> {
        let timing = match (job.timing(host_zone), self.repeat) {
            (Timing::Simple { interval, .. }, Some(repeat)) => Timing::Simple { interval, repeat },
            (timing, _) => timing,
        };
        Some(Trigger {
            timing,
            start: self.start,
            end: self.end,
            next: self.next?,
            previous: self.previous,
            times_triggered: self.times_triggered,
        })
    }

    /// The record after its trigger became another one.
    pub(crate) fn with(self, trigger: &Trigger) -> TriggerRecord {
        TriggerRecord {
            start: trigger.start,
            next: Some(trigger.next),
            previous: trigger.previous,
            times_triggered: trigger.times_triggered,
            repeat: match trigger.timing {
                Timing::Simple { repeat, .. } => Some(repeat),
                Timing::Cron { .. } => None,
            },
            ..self
        }
    }

    /// Whether it waits for its next fire time.
    pub(crate) fn is_waiting(&self) -> bool {
        self.status.state == TriggerState::Normal && self.next.is_some()
    }

    /// The record after a fire.
    pub(crate) fn after(self, fire: AfterFire) -> TriggerRecord {
        match fire {
            AfterFire::Again(trigger) => self.with(&trigger),
            AfterFire::Complete {
                previous,
                times_triggered,
            } => TriggerRecord {
                status: self.status.completed(),
                next: None,
                previous: Some(previous),
                times_triggered,
                ..self
            },
        }
    }

    /// The record after it was moved past an instant: that it was paused before is settled.
    pub(crate) fn settled(self) -> TriggerRecord {
        TriggerRecord { paused: None, ..self }
    }

    /// The record in another status at `now`.
    pub(crate) fn turned(&self, status: Status, now: Timestamp) -> TriggerRecord {
        let was_paused = self.status.state == TriggerState::Paused;
        let is_paused = status.state == TriggerState::Paused;
        let paused = match (was_paused, is_paused, self.paused) {
            (false, true, Some(before)) => Some(Paused { until: None, ..before }),
            (false, true, None) => Some(Paused { from: now, until: None }),
            (true, false, Some(before)) => Some(Paused {
                until: Some(now),
                ..before
            }),
            (_, _, paused) => paused,
        };
        TriggerRecord {
            status,
            paused,
            ..self.clone()
        }
    }

    /// The bytes to store.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let ms = |time: Option<Timestamp>| time.map(|time| time.timestamp_millis());
        let stored = Stored {
            state: self.status.state.to_string(),
            previous_state: self.status.previous.map(|state| state.to_string()),
            start_ms: self.start.timestamp_millis(),
            end_ms: ms(self.end),
            next_ms: ms(self.next),
            previous_ms: ms(self.previous),
            times_triggered: self.times_triggered,
            repeat_count: self.repeat.map(Repeat::to_wire),
            fire_instance: self.fire_instance.clone(),
            paused_ms: self.paused.map(|paused| paused.from.timestamp_millis()),
            resumed_ms: ms(self.paused.and_then(|paused| paused.until)),
        };
        serde_json::to_vec(&stored).expect("a structure of texts and numbers has a JSON form")
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// A sentence that says what is wrong with them.
    pub(crate) fn decode(bytes: &[u8]) -> Result<TriggerRecord, String> {
        let stored: Stored = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let time = |ms: i64| DateTime::from_timestamp_millis(ms).ok_or_else(|| format!("{ms} ms is no time"));
        let previous_state = stored.previous_state.map(|state| state.parse()).transpose();
        Ok(TriggerRecord {
            status: Status {
                state: stored.state.parse().map_err(|error| format!("{error}"))?,
                previous: previous_state.map_err(|error| format!("{error}"))?,
            },
            start: time(stored.start_ms)?,
            end: stored.end_ms.map(time).transpose()?,
            next: stored.next_ms.map(time).transpose()?,
            previous: stored.previous_ms.map(time).transpose()?,
            times_triggered: stored.times_triggered,
            repeat: stored.repeat_count.and_then(Repeat::from_wire),
            fire_instance: stored.fire_instance,
            paused: match stored.paused_ms {
                Some(from) => Some(Paused {
                    from: time(from)?,
                    until: stored.resumed_ms.map(time).transpose()?,
                }),
                None => None,
            },
        })
    }
}

/// Times are milliseconds since 1970.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    state: String,
    previous_state: Option<String>,
    start_ms: i64,
    end_ms: Option<i64>,
    next_ms: Option<i64>,
    previous_ms: Option<i64>,
    times_triggered: u64,
    repeat_count: Option<i64>,
    fire_instance: Option<String>,
    #[serde(default)]
    paused_ms: Option<i64>,
    #[serde(default)]
    resumed_ms: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_model::clock::parse_wire_time;
    use serde_json::json;

    fn job() -> Job {
        let body = json!({"type": "simple", "repeatInterval": 1000, "repeatCount": 1, "invokeService": "script"});
        Job::parse("test".parse().unwrap(), &body).unwrap()
    }

    fn record() -> TriggerRecord {
        let now = parse_wire_time("2026-01-01T00:00:00.250Z").unwrap();
        TriggerRecord::new(&job().trigger(Tz::UTC, now).unwrap(), Status::NEW)
    }

    #[test]
    fn a_record_is_read_as_it_is_written() {
        let mut record = record();
        for fires in 0..2 {
            assert_eq!(TriggerRecord::decode(&record.encode()), Ok(record.clone()));
            let trigger = record.trigger(&job(), Tz::UTC).unwrap();
            record = record.after(trigger.fire());
            record.fire_instance = Some(format!("node1_{fires}"));
            record.paused = Some(Paused {
                from: record.start,
                until: (fires == 1).then_some(record.start),
            });
        }
        assert_eq!(TriggerRecord::decode(&record.encode()), Ok(record.clone()));
        assert_eq!((record.next, record.times_triggered), (None, 2));
        assert_eq!(record.trigger(&job(), Tz::UTC), None);
    }

    #[test]
    fn damaged_bytes_are_refused() {
        assert!(TriggerRecord::decode(b"{}").is_err());
        let mut stored: serde_json::Value = serde_json::from_slice(&record().encode()).unwrap();
        stored["state"] = json!("ASLEEP");
        let refused = TriggerRecord::decode(stored.to_string().as_bytes()).unwrap_err();
        assert_eq!(refused, "'ASLEEP' is not the state of a trigger");
    }
}
