//! The shapes of `taskscanner` answers, as the documents of the platform show them.

use host_model::clock::wire_time;
use host_resource::{Content, Object};
use serde_json::{Map, Value, json};

use crate::live::Live;
use crate::record::{Effects, Mode, Progress, Record, State};

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
        Map::new(),
    )
}

/// A run as it was stored. What it used and why it could not go on are ours.
pub(crate) fn of_record(id: &str, record: &Record) -> Object {
    let mut extra = Map::new();
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
