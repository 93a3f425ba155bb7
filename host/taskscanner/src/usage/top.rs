//! The objects that used most of something.

use std::sync::Arc;

use host_runtime::Usage;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How many are known by name.
const MOST: usize = 10;

/// The objects that used most of something, the most first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Top(Vec<Entry>);

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    figure: u64,
    object: Arc<str>,
    fuel: u64,
    memory: u64,
    duration_micros: u64,
}

impl Top {
    /// Takes an object in, if it used enough.
    pub(super) fn offer(&mut self, figure: u64, object: &Arc<str>, usage: Usage) {
        if self.0.len() == MOST && self.0.last().is_some_and(|last| last.figure >= figure) {
            return;
        }
        self.0.truncate(MOST - 1);
        let place = self.0.partition_point(|entry| entry.figure >= figure);
        let entry = Entry {
            figure,
            object: Arc::clone(object),
            fuel: usage.fuel,
            memory: usage.memory,
            duration_micros: u64::try_from(usage.duration.as_micros()).unwrap_or(u64::MAX),
        };
        self.0.insert(place, entry);
    }

    pub(super) fn to_json(&self) -> Value {
        let shown = |entry: &Entry| {
            json!({
                "objectId": &*entry.object,
                "fuel": entry.fuel,
                "memory": entry.memory,
                "durationMicros": entry.duration_micros,
            })
        };
        self.0.iter().map(shown).collect()
    }
}
