//! What is kept of a call that failed, beside how it ended: enough to play it again. Bounded for each run as a whole, in
//! memory and in the database, whatever its guests do.

use std::sync::atomic::{AtomicUsize, Ordering};

use host_model::clock::{Timestamp, wire_time};
use host_model::limits::Limits;
use host_runtime::Outcome;
use host_runtime::transcript::shown::masked;
use serde_json::{Value, json};

/// Bytes of an object's text that are kept; of a longer one the beginning.
const INPUT_BYTES: usize = 64 << 10;

/// Bytes of inputs and transcripts that a run keeps between two interruptions.
const RUN_BYTES: usize = 32 << 20;

/// How many bytes of inputs and transcripts a run may still keep.
#[derive(Debug)]
pub(crate) struct Room(AtomicUsize);

impl Default for Room {
    fn default() -> Self {
        Self(AtomicUsize::new(RUN_BYTES))
    }
}

impl Room {
    fn take(&self, bytes: usize) -> bool {
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.is_ok()
    }
}

/// A call that failed.
pub(crate) struct Failed<'a> {
    pub(crate) object: &'a str,
    pub(crate) input: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) seed: u64,
    pub(crate) is_dry_run: bool,
    pub(crate) limits: &'a Limits,
    pub(crate) outcome: &'a Outcome,
}

impl Failed<'_> {
    /// What is kept of the call, without secrets.
    pub(crate) fn to_json(&self, room: &Room) -> Value {
        let transcript = &self.outcome.transcript;
        let mut call = json!({
            "object": self.object,
            "now": wire_time(self.now),
            // As text: it is larger than the numbers that all readers of JSON understand.
            "seed": self.seed.to_string(),
            "isDryRun": self.is_dry_run,
            "limits": self.limits.to_json(),
            "isRecorded": true,
        });
        if !room.take(self.input.len().min(INPUT_BYTES) + transcript.bytes()) {
            call["isRecorded"] = false.into();
            return call;
        }
        let (input, is_cut) = masked(self.input, INPUT_BYTES);
        call["input"] = input;
        if is_cut {
            call["isInputCut"] = true.into();
        }
        call["transcript"] = transcript.to_json();
        call["callsNotRecorded"] = transcript.dropped().into();
        call
    }
}
