//! A run as it is stored: what it does, how far it is, and what it has counted.

use std::sync::Arc;

use bytes::Bytes;
use host_model::clock::{Timestamp, parse_wire_time, wire_time};
use host_resource::{Code, Problem};
use host_store::document;
use host_store::{Collection, Cursor, Key};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::retry::Retry;
use crate::scanner::Order;

/// Where runs lie.
pub(crate) fn runs() -> Collection {
    Collection::new("taskscanner/run")
}

/// There is no such run.
pub(crate) fn missing(id: &str) -> Problem {
    Problem::new(Code::NOT_FOUND, format!("Task with id '{id}' not found."))
}

/// Where the claims of runs lie: for each run the instants at which it claimed the pages that it has not finished.
pub(crate) fn claims() -> Collection {
    Collection::new("taskscanner/claim")
}

/// The states of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// Stored, not begun.
    Initialized,
    /// Working.
    Active,
    /// Every object had its turn.
    Completed,
    /// Somebody ended it.
    Cancelled,
    /// It could not go on.
    Error,
}

impl State {
    /// Whether the run is over.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Error)
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Initialized => "INITIALIZED",
            Self::Active => "ACTIVE",
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
            Self::Error => "ERROR",
        }
    }
}

/// What a run has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Objects that matched when the run began.
    pub total: u64,
    /// Objects whose action returned `true`.
    pub successes: u64,
    /// Objects whose action did not.
    pub failures: u64,
    /// Objects that somebody else was working on.
    pub skipped: u64,
    /// Objects that were left alone because they had failed too often.
    #[serde(default)]
    pub quarantined: u64,
}

/// What becomes of what a run's objects do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mode {
    /// It is committed.
    #[default]
    Run,
    /// It is kept as a plan, and nothing is changed.
    Analyze,
    /// The plan of another run is committed.
    Apply(Arc<str>),
}

/// Documents that a run's actions have written and deleted; its own marks do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effects {
    pub(crate) changes: u64,
    pub(crate) deletions: u64,
}

impl Effects {
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            changes: self.changes + other.changes,
            deletions: self.deletions + other.deletions,
        }
    }
}

impl From<Effects> for host_model::guard::Done {
    fn from(effects: Effects) -> Self {
        Self {
            changes: effects.changes,
            deletions: effects.deletions,
        }
    }
}

/// A run as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    /// The job's name as it was given.
    pub(crate) name: String,
    /// The `invokeContext` that the run works by, also when the job changes or goes.
    pub(crate) invoke_context: Value,
    /// Guests' log lines of this level and above are kept.
    pub(crate) log_level: String,
    pub(crate) state: State,
    pub(crate) progress: Progress,
    #[serde(with = "instant")]
    pub(crate) started: Timestamp,
    #[serde(with = "optional_instant")]
    pub(crate) ended: Option<Timestamp>,
    /// Everything up to here is finished.
    #[serde(with = "optional_cursor")]
    pub(crate) cursor: Option<Cursor>,
    /// Ids behind the cursor that are finished too.
    pub(crate) done: Vec<Arc<str>>,
    /// Everything is finished, also behind the cursor: the last page has no position behind it. Only the end itself is to be
    /// recorded.
    #[serde(default)]
    pub(crate) is_through: bool,
    /// Why the run is in state ERROR.
    pub(crate) message: Option<String>,
    /// What becomes of what the objects do.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// What the actions have done; in an analysis, what they would have.
    #[serde(default)]
    pub(crate) effects: Effects,
    /// The run that applied the plan of this one.
    #[serde(default)]
    pub(crate) applied_by: Option<String>,
    /// The run whose failures this one takes up.
    #[serde(default)]
    pub(crate) retries: Option<Retry>,
    /// Fuel, memory and duration of the objects, once the run has ended.
    pub(crate) usage: Option<Value>,
}

impl Record {
    /// The record of a run that begins.
    pub(crate) fn begun(order: Order, now: Timestamp, retries: Option<Retry>) -> Self {
        Self {
            name: order.name,
            invoke_context: order.invoke_context,
            log_level: order.log_level.as_str().to_owned(),
            state: State::Initialized,
            progress: Progress::default(),
            started: now,
            ended: None,
            cursor: None,
            done: Vec::new(),
            is_through: false,
            message: None,
            mode: if order.is_analysis { Mode::Analyze } else { Mode::Run },
            effects: Effects::default(),
            applied_by: None,
            retries,
            usage: None,
        }
    }

    pub(crate) fn key(id: &str) -> Key {
        runs().key(id)
    }

    pub(crate) fn to_bytes(&self) -> Result<Bytes, Problem> {
        document::to_bytes(self)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(bytes).map_err(|error| Problem::internal(format!("a stored run is damaged: {error}")))
    }
}

mod instant {
    use super::{Timestamp, parse_wire_time, wire_time};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&wire_time(*instant))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_wire_time(&text).ok_or_else(|| D::Error::custom("not an instant"))
    }
}

mod optional_instant {
    use super::{Timestamp, parse_wire_time, wire_time};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(instant: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        instant.map(wire_time).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| parse_wire_time(&text).ok_or_else(|| D::Error::custom("not an instant")))
            .transpose()
    }
}

mod optional_cursor {
    use super::Cursor;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(cursor: &Option<Cursor>, serializer: S) -> Result<S::Ok, S::Error> {
        cursor.as_ref().map(Cursor::to_text).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cursor>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| Cursor::from_text(&text).ok_or_else(|| D::Error::custom("not a cursor")))
            .transpose()
    }
}
