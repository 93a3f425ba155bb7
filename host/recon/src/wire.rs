//! The shapes of `recon` answers, as the documents of the platform show them. Behaviour 5.8.

use chrono::SecondsFormat;
use host_model::clock::{Timestamp, wire_time};
use host_model::situation::Situation;
use host_resource::{Content, Object};
use serde_json::{Map, Value, json};

use crate::record::{Record, Tally};

/// A run.
pub(crate) fn run(id: &str, record: &Record, now: Timestamp) -> Object {
    Object {
        id: id.to_owned(),
        rev: None,
        content: Content::Json(content(record, now)),
    }
}

/// A run as the list shows it.
pub(crate) fn listed(id: &str, record: &Record, now: Timestamp) -> Value {
    let mut members = Map::new();
    members.insert("_id".to_owned(), id.into());
    if let Value::Object(content) = content(record, now) {
        members.extend(content);
    }
    Value::Object(members)
}

/// What a run's script learns of it.
pub(crate) fn statistics(id: &str, record: &Record) -> Value {
    json!({
        "reconId": id,
        "mappingName": record.mapping,
        "startTime": wire_time(record.started),
        "progress": progress(&record.tally),
        "situationSummary": situations(&record.tally),
        "statusSummary": statuses(&record.tally),
    })
}

fn content(record: &Record, now: Timestamp) -> Value {
    let (stage, state, description) = record.stage.shown();
    let until = record.ended.unwrap_or(now);
    let mut content = json!({
        "mapping": record.mapping,
        "state": state,
        "stage": stage,
        "stageDescription": description,
        "progress": progress(&record.tally),
        "situationSummary": situations(&record.tally),
        "statusSummary": statuses(&record.tally),
        "durationSummary": record.durations.to_json(),
        "parameters": record.parameters,
        "started": wire_time(record.started),
        "ended": record.ended.map(wire_time).unwrap_or_default(),
        "duration": (until - record.started).num_milliseconds().max(0),
        "sourceProcessedByNode": {},
    });
    if let (Value::Object(members), Some(message)) = (&mut content, &record.message) {
        // Ours: why a run failed.
        members.insert("message".to_owned(), message.as_str().into());
    }
    content
}

fn progress(tally: &Tally) -> Value {
    let total = |total: Option<u64>| total.map_or_else(|| "?".to_owned(), |total| total.to_string());
    json!({
        "source": {"existing": {"processed": tally.source_processed, "total": total(tally.source_total)}},
        "target": {
            "existing": {"processed": tally.target_processed, "total": total(tally.target_total)},
            "created": tally.created,
            "unchanged": tally.unchanged,
            "updated": tally.updated,
            "deleted": tally.deleted,
        },
        "links": {
            "existing": {"processed": tally.links_processed, "total": total(tally.links_total)},
            "created": tally.links_created,
        },
    })
}

fn situations(tally: &Tally) -> Value {
    let counted = |situation: Situation| (situation.name().to_owned(), tally.situations[situation.index()].into());
    Value::Object(Situation::ALL.into_iter().map(counted).collect())
}

fn statuses(tally: &Tally) -> Value {
    json!({"SUCCESS": tally.successes, "FAILURE": tally.failures})
}

/// What the associations of a run say about it.
pub(crate) fn association(id: &str, record: &Record) -> Object {
    let finished = record
        .ended
        .map(|ended| ended.to_rfc3339_opts(SecondsFormat::Micros, true));
    Object {
        id: id.to_owned(),
        rev: Some("1".to_owned()),
        content: Content::Json(json!({
            "mapping": record.mapping,
            "sourceResourceCollection": record.source,
            "targetResourceCollection": record.target,
            "isAnalysis": record.is_analysis.to_string(),
            "finishTime": finished,
        })),
    }
}

/// The answer to the order of a run.
pub(crate) fn started(id: &str, record: &Record) -> Value {
    json!({"_id": id, "state": record.stage.shown().1})
}

/// The answer to a cancellation.
pub(crate) fn cancelled(id: &str, was_active: bool) -> Value {
    json!({"status": if was_active { "INITIATED" } else { "FAILURE" }, "action": "cancel", "_id": id})
}
