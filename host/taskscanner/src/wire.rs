//! The shapes of `taskscanner` answers, as the documents of the platform show them.

use std::time::Duration;

use host_model::clock::{Timestamp, wire_time};
use host_resource::{Content, Object};
use serde_json::{Map, Value, json};

use crate::control::Control;
use crate::live::Live;
use crate::record::{Effects, Mode, Progress, Record, State};
use crate::retry::Retry;

/// A run as it is shown. `extra` is ours and comes last.
fn run(
    id: &str,
    name: &str,
    state: State,
    progress: Progress,
    started: String,
    ended: Value,
    extra: Map<String, Value>,
) -> Object {
    let mut content = json!({
        "name": name,
        "progress": {
            "state": state.name(),
            "processed": progress.successes + progress.failures,
            "total": progress.total,
            "successes": progress.successes,
            "failures": progress.failures,
        },
        "started": started,
        "ended": ended,
    });
    if let Value::Object(members) = &mut content {
        members.extend(extra);
    }
    Object {
        id: id.to_owned(),
        rev: None,
        content: Content::Json(content),
    }
}

/// A run that is being worked on.
pub(crate) fn of_live(live: &Live) -> Object {
    let (state, progress) = live.shown();
    run(
        &live.id,
        &live.name,
        state,
        progress,
        wire_time(live.started),
        Value::Null,
        extra(live.retries.as_ref(), progress, live.control().paused),
    )
}

/// What is shown of a run behind the members of the platform, where there is something to say.
fn extra(retries: Option<&Retry>, progress: Progress, paused: bool) -> Map<String, Value> {
    let mut extra = Map::new();
    for (name, count) in [("skipped", progress.skipped), ("quarantined", progress.quarantined)] {
        if count > 0 {
            extra.insert(name.to_owned(), count.into());
        }
    }
    if let Some(retry) = retries {
        extra.insert("retries".to_owned(), (*retry.run).into());
        if retry.not_kept > 0 {
            extra.insert("notKept".to_owned(), retry.not_kept.into());
        }
    }
    if paused {
        extra.insert("paused".to_owned(), true.into());
    }
    extra
}

/// How a run goes that is being worked on.
pub(crate) fn now(live: &Live, now: Timestamp) -> Value {
    let (state, progress) = live.shown();
    let control = live.control();
    let rate = live.per_second(now).filter(|_| !control.paused);
    let done = progress.successes + progress.failures + progress.skipped + progress.quarantined;
    let left = progress.total.saturating_sub(done);
    #[expect(clippy::cast_precision_loss, reason = "an estimate is no exact number")]
    let eta = rate.and_then(|rate| Duration::try_from_secs_f64(left as f64 / rate).ok());
    json!({
        "state": state.name(),
        "progress": counts(progress),
        "objectsPerSecond": rate.map(|rate| (rate * 10.0).round() / 10.0),
        "etaMs": eta.and_then(|eta| u64::try_from(eta.as_millis()).ok()),
        "fuel": live.with_usage(|usage| usage.fuel.to_json()),
        "numberOfThreads": control.threads.unwrap_or(live.threads),
        "paused": control.paused,
        "started": wire_time(live.started),
        "ended": null,
    })
}

/// How a run went that nobody works on any more.
pub(crate) fn then(record: &Record, control: Control) -> Value {
    let fuel = record.usage.as_ref().map_or(Value::Null, |usage| usage["fuel"].clone());
    json!({
        "state": record.state.name(),
        "progress": counts(record.progress),
        "objectsPerSecond": null,
        "etaMs": null,
        "fuel": fuel,
        "numberOfThreads": control.threads,
        "paused": control.paused,
        "started": wire_time(record.started),
        "ended": record.ended.map(wire_time),
    })
}

fn counts(progress: Progress) -> Value {
    json!({
        "processed": progress.successes + progress.failures,
        "total": progress.total,
        "successes": progress.successes,
        "failures": progress.failures,
        "skipped": progress.skipped,
        "quarantined": progress.quarantined,
    })
}

/// A run as it was stored. What it used and why it could not go on are ours.
pub(crate) fn of_record(id: &str, record: &Record) -> Object {
    let mut extra = extra(record.retries.as_ref(), record.progress, false);
    if let Some(message) = &record.message {
        extra.insert("message".to_owned(), message.as_str().into());
    }
    if let Some(usage) = &record.usage {
        extra.insert("usage".to_owned(), usage.clone());
    }
    if record.mode == Mode::Analyze {
        let Effects { changes, deletions } = record.effects;
        let mut planned = json!({"changes": changes, "deletions": deletions});
        if let Some(by) = &record.applied_by {
            planned["appliedBy"] = by.as_str().into();
        }
        extra.insert("planned".to_owned(), planned);
    }
    if let Mode::Apply(of) = &record.mode {
        extra.insert("applies".to_owned(), (&**of).into());
    }
    let ended = record.ended.map_or(Value::Null, |ended| wire_time(ended).into());
    run(
        id,
        &record.name,
        record.state,
        record.progress,
        wire_time(record.started),
        ended,
        extra,
    )
}

/// The answer to a cancellation.
pub(crate) fn cancelled(id: &str, was_active: bool) -> Value {
    json!({"_id": id, "status": if was_active { "SUCCESS" } else { "FAILURE" }})
}
