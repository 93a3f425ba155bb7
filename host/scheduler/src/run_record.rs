//! A run as it is stored: one durable document for each, from the fire to the end.

use host_model::clock::{Timestamp, parse_wire_time, wire_time};
use host_model::job::{Job, JobId, LogLevel, ServiceName};
use host_model::journal::{Account, Line};
use host_model::run::RunId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::occurrence::Origin;

/// A longer result, in bytes of JSON, is not kept: records are many.
const MAX_RESULT_BYTES: usize = 16 * 1024;

/// A stored run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunRecord {
    pub(crate) id: RunId,
    pub(crate) job: JobId,
    pub(crate) service: ServiceName,
    /// The fire time; for a run by hand, when it was asked for.
    pub(crate) scheduled: Timestamp,
    /// When it was fired, or asked for.
    pub(crate) fired: Timestamp,
    /// The fire time after it.
    pub(crate) next: Option<Timestamp>,
    /// The first of the fires that this one makes up for.
    pub(crate) missed_since: Option<Timestamp>,
    /// Who wanted it.
    pub(crate) origin: Origin,
    /// When the service was asked; only known at the end.
    pub(crate) started: Option<Timestamp>,
    /// What it left behind; only known at the end.
    pub(crate) account: Account,
    /// Whether it was cut off before and handed over again.
    pub(crate) recovering: bool,
    pub(crate) state: RunState,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RunState {
    /// Asked for by hand; waits for its turn.
    Waiting,
    /// Claimed; the service works on it, or will.
    Started(Order),
    /// Over.
    Ended { at: Timestamp, outcome: Outcome },
}

/// What is needed to hand a run over again, though its job may have changed meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Order {
    pub(crate) invoke_context: Value,
    pub(crate) log_level: LogLevel,
    pub(crate) recoverable: bool,
    pub(crate) concurrent: bool,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    Succeeded(Value),
    Failed(String),
    /// A crash cut it off, and neither its job nor its service says that it may run again.
    Interrupted,
    /// It lost its turn, and why.
    Skipped(String),
    /// Somebody ended it.
    Cancelled,
}

impl Order {
    /// What a run of this job needs.
    pub(crate) fn of(job: &Job) -> Order {
        Order {
            invoke_context: job.invoke_context.clone(),
            log_level: job.log_level,
            recoverable: job.recoverable,
            concurrent: job.concurrent,
        }
    }
}

impl RunRecord {
    /// A run that begins now.
    pub(crate) fn started(id: RunId, job: &Job, scheduled: Timestamp, now: Timestamp) -> RunRecord {
        let state = RunState::Started(Order::of(job));
        RunRecord {
            id,
            job: job.id.clone(),
            service: job.service,
            scheduled,
            fired: now,
            next: None,
            missed_since: None,
            origin: Origin::Schedule,
            started: None,
            account: Account::default(),
            recovering: false,
            state,
        }
    }

    /// A run that somebody asks for now; for an instant of the schedule, if it makes up for one.
    pub(crate) fn waiting(id: RunId, job: &Job, now: Timestamp, instant: Option<Timestamp>) -> RunRecord {
        RunRecord {
            origin: if instant.is_some() {
                Origin::Backfill
            } else {
                Origin::Manual
            },
            state: RunState::Waiting,
            ..RunRecord::started(id, job, instant.unwrap_or(now), now)
        }
    }

    /// The record once the run is over.
    pub(crate) fn ended(&self, at: Timestamp, outcome: Outcome) -> RunRecord {
        RunRecord {
            state: RunState::Ended { at, outcome },
            ..self.clone()
        }
    }

    /// The bytes to store.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut stored = Stored {
            job: self.job.to_string(),
            service: self.service.short().to_owned(),
            scheduled: wire_time(self.scheduled),
            fired: wire_time(self.fired),
            next: self.next.map(wire_time),
            missed_since: self.missed_since.map(wire_time),
            origin: self.origin.name().to_owned(),
            lateness_ms: (self.fired - self.scheduled).num_milliseconds(),
            recovering: self.recovering,
            started: self.started.map(wire_time),
            fuel: self.account.fuel,
            log: self.account.lines.iter().map(StoredLine::of).collect(),
            log_dropped: self.account.dropped,
            state: String::new(),
            ended: None,
            message: None,
            result: None,
            order: None,
        };
        stored.state = match &self.state {
            RunState::Waiting => "waiting",
            RunState::Started(order) => {
                stored.order = Some(StoredOrder {
                    invoke_context: order.invoke_context.clone(),
                    log_level: order.log_level.to_string(),
                    recoverable: order.recoverable,
                    concurrent: order.concurrent,
                });
                "started"
            }
            RunState::Ended { at, outcome } => {
                stored.ended = Some(wire_time(*at));
                match outcome {
                    Outcome::Succeeded(result) => {
                        let is_short = result.to_string().len() <= MAX_RESULT_BYTES;
                        stored.result = is_short.then(|| result.clone());
                        "succeeded"
                    }
                    Outcome::Failed(message) => {
                        stored.message = Some(message.clone());
                        "failed"
                    }
                    Outcome::Interrupted => "interrupted",
                    Outcome::Cancelled => "cancelled",
                    Outcome::Skipped(reason) => {
                        stored.message = Some(reason.clone());
                        "skipped"
                    }
                }
            }
        }
        .to_owned();
        serde_json::to_vec(&stored).expect("a structure of texts and JSON values has a JSON form")
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// A sentence that says what is wrong with them.
    pub(crate) fn decode(id: &str, bytes: &[u8]) -> Result<RunRecord, String> {
        let stored: Stored = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let time = |text: &str| parse_wire_time(text).ok_or_else(|| format!("'{text}' is no time"));
        let optional = |text: &Option<String>| text.as_deref().map(time).transpose();
        let message = || stored.message.clone().unwrap_or_default();
        let outcome = match stored.state.as_str() {
            "waiting" | "started" => None,
            "succeeded" => Some(Outcome::Succeeded(stored.result.clone().unwrap_or(Value::Null))),
            "failed" => Some(Outcome::Failed(message())),
            "interrupted" => Some(Outcome::Interrupted),
            "cancelled" => Some(Outcome::Cancelled),
            "skipped" => Some(Outcome::Skipped(message())),
            other => return Err(format!("'{other}' is not the state of a run")),
        };
        let state = match (outcome, stored.order) {
            (Some(outcome), _) => RunState::Ended {
                at: optional(&stored.ended)?.ok_or("an ended run has no end")?,
                outcome,
            },
            (None, Some(order)) => RunState::Started(Order {
                invoke_context: order.invoke_context,
                log_level: order.log_level.parse().map_err(|error| format!("{error}"))?,
                recoverable: order.recoverable,
                concurrent: order.concurrent,
            }),
            (None, None) => RunState::Waiting,
        };
        Ok(RunRecord {
            id: id.parse().map_err(|error| format!("{error}"))?,
            job: stored.job.parse().map_err(|error| format!("{error}"))?,
            service: stored.service.parse().map_err(|error| format!("{error}"))?,
            scheduled: time(&stored.scheduled)?,
            fired: time(&stored.fired)?,
            next: optional(&stored.next)?,
            missed_since: optional(&stored.missed_since)?,
            origin: Origin::from_name(&stored.origin).ok_or_else(|| format!("'{}' wants no runs", stored.origin))?,
            recovering: stored.recovering,
            started: optional(&stored.started)?,
            account: Account {
                lines: stored.log.iter().map(StoredLine::line).collect::<Result<_, _>>()?,
                dropped: stored.log_dropped,
                fuel: stored.fuel,
                is_cancelled: false,
            },
            state,
        })
    }
}

/// What a stored run shows: everything but what is only there to hand it over again.
///
/// # Errors
/// The bytes are not a JSON object.
pub(crate) fn shown(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut members: Map<String, Value> = serde_json::from_slice(bytes)?;
    members.shift_remove("order");
    Ok(Value::Object(members))
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    job: String,
    service: String,
    state: String,
    scheduled: String,
    fired: String,
    ended: Option<String>,
    started: Option<String>,
    next: Option<String>,
    missed_since: Option<String>,
    origin: String,
    /// Milliseconds between the instant and the fire.
    lateness_ms: i64,
    recovering: bool,
    message: Option<String>,
    result: Option<Value>,
    fuel: u64,
    log: Vec<StoredLine>,
    log_dropped: u64,
    /// Only while it is started.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<StoredOrder>,
}

#[derive(Serialize, Deserialize)]
struct StoredLine {
    level: String,
    message: String,
}

impl StoredLine {
    fn of(line: &Line) -> StoredLine {
        StoredLine {
            level: line.level.to_string(),
            message: line.text.clone(),
        }
    }

    fn line(&self) -> Result<Line, String> {
        Ok(Line {
            level: self.level.parse().map_err(|error| format!("{error}"))?,
            text: self.message.clone(),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredOrder {
    invoke_context: Value,
    log_level: String,
    recoverable: bool,
    concurrent: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_is_read_as_it_is_written() {
        let body = json!({"type": "simple", "repeatCount": 0, "invokeService": "script", "invokeContext": {"a": 1}});
        let job = Job::parse("test".parse().unwrap(), &body).unwrap();
        let now = parse_wire_time("2026-01-01T00:00:00.250Z").unwrap();
        let id: RunId = "9f2564c8-193c-4871-8869-6080f374b1bd-2073".parse().unwrap();
        let started = RunRecord::started(id.clone(), &job, now, now);
        for record in [
            RunRecord::waiting(id.clone(), &job, now, None),
            RunRecord::waiting(id.clone(), &job, now, Some(now)),
            RunRecord {
                started: Some(now),
                account: Account {
                    lines: vec![Line {
                        level: LogLevel::Warn,
                        text: "hm".to_owned(),
                    }],
                    dropped: 3,
                    fuel: 70,
                    is_cancelled: false,
                },
                ..started.ended(now, Outcome::Cancelled)
            },
            RunRecord {
                recovering: true,
                next: Some(now),
                missed_since: Some(now),
                ..started.clone()
            },
            started.ended(now, Outcome::Succeeded(json!({"processed": 5}))),
            started.ended(now, Outcome::Failed("no".to_owned())),
            started.ended(now, Outcome::Interrupted),
            started.ended(now, Outcome::Skipped("disabled".to_owned())),
            started.clone(),
        ] {
            assert_eq!(RunRecord::decode(id.as_str(), &record.encode()), Ok(record));
        }
        let long = started.ended(now, Outcome::Succeeded(json!("x".repeat(MAX_RESULT_BYTES))));
        let kept = RunRecord::decode(id.as_str(), &long.encode()).unwrap();
        assert_eq!(
            kept.state,
            RunState::Ended {
                at: now,
                outcome: Outcome::Succeeded(Value::Null)
            }
        );
        assert!(RunRecord::decode(id.as_str(), b"{}").is_err());
    }
}
