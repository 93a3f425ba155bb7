//! What the objects of a run used: how it is spread, and which of them used most. Kept in a document of the run, written
//! in the commits that count the objects, so that an interruption forgets nothing.

mod top;

use std::sync::Arc;

use bytes::Bytes;
use host_resource::Problem;
use host_runtime::Usage;
use host_store::{Collection, Key};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::spread::Spread;
use top::Top;

/// What the objects of a run used.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RunUsage {
    pub(crate) fuel: Spread,
    memory: Spread,
    micros: Spread,
    slowest: Top,
    costliest: Top,
}

impl RunUsage {
    /// Where a run's usage lies while it is worked on.
    pub(crate) fn key(run: &str) -> Key {
        Collection::new("taskscanner/usage").key(run)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(bytes)
            .map_err(|error| Problem::internal(format!("a run's stored usage is damaged: {error}")))
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("texts and numbers are JSON").into()
    }

    /// Counts an object.
    pub(crate) fn add(&mut self, object: &Arc<str>, usage: Usage) {
        let micros = u64::try_from(usage.duration.as_micros()).unwrap_or(u64::MAX);
        self.fuel.add(usage.fuel);
        self.memory.add(usage.memory);
        self.micros.add(micros);
        self.slowest.offer(micros, object, usage);
        self.costliest.offer(usage.fuel, object, usage);
    }

    /// Whether nothing was counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.fuel.count() == 0
    }

    /// The summary that a run keeps once it has ended.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "fuel": self.fuel.to_json(),
            "memory": self.memory.to_json(),
            "durationMicros": self.micros.to_json(),
            "slowest": self.slowest.to_json(),
            "costliest": self.costliest.to_json(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_kept_goes_on_as_if_nothing_had_been() {
        let usage = |number: u64| Usage {
            fuel: number * 10,
            memory: number << 40,
            host_calls: 1,
            duration: Duration::from_micros(1_000 - number),
        };
        let (mut whole, mut half) = (RunUsage::default(), RunUsage::default());
        for number in 0..500 {
            let id: Arc<str> = format!("{number}").into();
            whole.add(&id, usage(number));
            half.add(&id, usage(number));
            if number % 100 == 50 {
                half = RunUsage::from_bytes(&half.to_bytes()).unwrap();
            }
        }
        assert_eq!(half.to_json(), whole.to_json());
        assert_eq!(whole.to_json()["costliest"][0]["objectId"], "499");
        assert_eq!(whole.to_json()["slowest"][0]["objectId"], "0");
        assert_eq!(whole.to_json()["slowest"].as_array().unwrap().len(), 10);
        assert!(whole.to_bytes().len() < 10_000, "{}", whole.to_bytes().len());
        assert!(RunUsage::from_bytes(b"{\"fuel\":{\"buckets\":[[9999,1]]}}").is_err());
    }
}
