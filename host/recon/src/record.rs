//! A run as it is stored: what it was asked for, once; how far it is and what it has counted, with every page.

use std::sync::Arc;

use bytes::Bytes;
use chrono::DateTime;
use host_model::clock::Timestamp;
use host_resource::Problem;
use host_store::document;
use host_store::{ChangeSet, Collection, CommitError, Expectation, Key, Revision, StoreError, TenantStore};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::durations::Durations;
use crate::entry::Entry;
use crate::turn::Side;

/// Where runs lie.
pub(crate) fn runs() -> Collection {
    Collection::new("recon/run")
}

/// Where it is written what runs were asked for.
pub(crate) fn orders() -> Collection {
    Collection::new("recon/order")
}

/// Where it is written which runs somebody has cancelled.
pub(crate) fn cancelled() -> Collection {
    Collection::new("recon/cancelled")
}

/// What a run was asked for; it stays the same, also when the configuration changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Order {
    pub(crate) mapping: String,
    /// The configuration with all mappings.
    pub(crate) document: Value,
    /// What the request says instead of the mapping.
    pub(crate) overrides: Option<Value>,
    pub(crate) kind: Kind,
    pub(crate) is_analysis: bool,
    pub(crate) keeps_entries: bool,
    pub(crate) ignores_guard: bool,
    /// Who asked.
    pub(crate) by: String,
}

/// Which objects a run is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    /// All of them.
    All,
    /// These source objects.
    ById(Vec<Arc<str>>),
    /// Those that an analysed run planned something for.
    Apply(String),
}

impl Kind {
    /// What asked for such a run.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::All => "recon",
            Self::ById(_) => "reconById",
            Self::Apply(_) => "apply",
        }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Stage {
    ActiveInitialized,
    ActiveQueryEntries,
    ActiveReconcilingSource,
    ActiveReconcilingTarget,
    ActiveLinkCleanup,
    ActiveProcessingResults,
    ActiveCanceling,
    CompletedSuccess,
    CompletedCanceled,
    CompletedFailed,
}

impl Stage {
    /// Name, state and description; the description of success has a full stop on the platform (behaviour 5.8).
    pub(crate) fn shown(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::ActiveInitialized => ("ACTIVE_INITIALIZED", "ACTIVE", "initialized"),
            Self::ActiveQueryEntries => (
                "ACTIVE_QUERY_ENTRIES",
                "ACTIVE",
                "querying sets of entries to reconcile",
            ),
            Self::ActiveReconcilingSource => ("ACTIVE_RECONCILING_SOURCE", "ACTIVE", "reconciling source entries"),
            Self::ActiveReconcilingTarget => ("ACTIVE_RECONCILING_TARGET", "ACTIVE", "reconciling target entries"),
            Self::ActiveLinkCleanup => ("ACTIVE_LINK_CLEANUP", "ACTIVE", "link clean-up"),
            Self::ActiveProcessingResults => ("ACTIVE_PROCESSING_RESULTS", "ACTIVE", "processing reconciling results"),
            Self::ActiveCanceling => ("ACTIVE_CANCELING", "ACTIVE", "aborting reconciling"),
            Self::CompletedSuccess => ("COMPLETED_SUCCESS", "SUCCESS", "reconciliation completed."),
            Self::CompletedCanceled => ("COMPLETED_CANCELED", "CANCELED", "reconciliation aborted."),
            Self::CompletedFailed => ("COMPLETED_FAILED", "FAILED", "reconciliation failed"),
        }
    }

    pub(crate) fn is_ended(self) -> bool {
        matches!(
            self,
            Self::CompletedSuccess | Self::CompletedCanceled | Self::CompletedFailed
        )
    }
}

/// What a run does next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Phase {
    /// Counting, and the script `onRecon`.
    Begin,
    /// Source objects behind a place: a cookie, or a number in a list of ids.
    Source(Option<String>),
    /// Target objects behind a cookie.
    Target(Option<String>),
    /// Deletions behind an object; first of all the question whether there are too many.
    Deletions(Option<String>),
    /// The script `result`.
    Result,
}

/// What a run has counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Tally {
    pub(crate) source_processed: u64,
    pub(crate) source_total: Option<u64>,
    pub(crate) target_processed: u64,
    pub(crate) target_total: Option<u64>,
    pub(crate) created: u64,
    pub(crate) unchanged: u64,
    pub(crate) updated: u64,
    pub(crate) deleted: u64,
    pub(crate) links_processed: u64,
    pub(crate) links_total: Option<u64>,
    pub(crate) links_created: u64,
    pub(crate) situations: [u64; 13],
    pub(crate) successes: u64,
    pub(crate) failures: u64,
    /// Deletions that wait for the end, or that an analysis planned.
    pub(crate) deletions: u64,
    /// Entries that are kept only because they failed.
    pub(crate) failures_kept: u64,
}

impl Tally {
    /// Counts an entry. Behaviour 5.8.
    pub(crate) fn count(&mut self, entry: &Entry) {
        let counts = entry.counts;
        if let Some(situation) = entry.situation {
            self.situations[situation.index()] += 1;
        }
        match entry.failure {
            None => self.successes += 1,
            Some(_) => self.failures += 1,
        }
        if counts.created {
            self.created += 1;
        } else if entry.target_id.is_some() {
            self.target_processed += 1;
        }
        self.unchanged += u64::from(counts.unchanged);
        self.updated += u64::from(counts.updated);
        self.deleted += u64::from(counts.deleted);
        self.links_processed += u64::from(counts.link_existed);
        self.links_created += u64::from(counts.link_created);
        if entry.side == Side::Target && entry.source_id.is_some() {
            self.source_processed += 1;
        }
    }
}

/// A run as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) mapping: String,
    pub(crate) is_analysis: bool,
    pub(crate) keeps_entries: bool,
    pub(crate) source: String,
    pub(crate) target: String,
    /// What `parameters` shows.
    pub(crate) parameters: Value,
    pub(crate) stage: Stage,
    pub(crate) phase: Phase,
    pub(crate) tally: Tally,
    pub(crate) durations: Durations,
    #[serde(with = "micros")]
    pub(crate) started: Timestamp,
    #[serde(with = "optional_micros")]
    pub(crate) ended: Option<Timestamp>,
    /// Why it failed.
    pub(crate) message: Option<String>,
    /// Whether the target was empty when it began.
    pub(crate) is_target_empty: bool,
}

impl Record {
    pub(crate) fn key(id: &str) -> Key {
        runs().key(id)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(bytes).map_err(|error| Problem::internal(format!("a stored run is damaged: {error}")))
    }

    pub(crate) fn to_bytes(&self) -> Result<Bytes, Problem> {
        document::to_bytes(self)
    }

    pub(crate) fn end(&mut self, stage: Stage, at: Timestamp) {
        self.stage = stage;
        self.ended = Some(at);
    }
}

/// The record of a run together with its revision: who holds it may write it.
pub(crate) struct Ledger {
    pub(crate) id: Arc<str>,
    pub(crate) record: Record,
    pub(crate) revision: Revision,
}

impl Ledger {
    /// Commits the record with other changes.
    pub(crate) async fn commit(&mut self, store: &TenantStore, mut changes: ChangeSet) -> Result<(), CommitError> {
        let body = self.record.to_bytes().map_err(|problem| {
            CommitError::Store(StoreError::Damaged(format!("the run {}: {}", self.id, problem.message)))
        })?;
        changes.put(Record::key(&self.id), Expectation::Revision(self.revision), body);
        self.revision = store.commit(changes).await?.revision;
        Ok(())
    }
}

mod micros {
    use super::{DateTime, Timestamp};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(instant.timestamp_micros())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let micros = i64::deserialize(deserializer)?;
        DateTime::from_timestamp_micros(micros).ok_or_else(|| D::Error::custom("not an instant"))
    }
}

mod optional_micros {
    use super::{DateTime, Timestamp};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(instant: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        instant.map(|instant| instant.timestamp_micros()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let micros = Option::<i64>::deserialize(deserializer)?;
        micros
            .map(|micros| DateTime::from_timestamp_micros(micros).ok_or_else(|| D::Error::custom("not an instant")))
            .transpose()
    }
}
