//! A run that is being worked on, as those who ask about it see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use host_model::clock::Timestamp;
use host_runtime::Usage;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::record::{Progress, State};
use crate::spread::Spread;

/// Why a run stops before its last object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// Somebody cancelled it: its open claims are given back.
    Cancelled,
    /// The host stops: the run is taken up again later.
    Stopping,
    /// Its guard stopped it: its open claims are given back.
    Guarded,
}

/// A run that is being worked on.
pub(crate) struct Live {
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) started: Timestamp,
    halt: AtomicU8,
    shown: Mutex<(State, Progress)>,
    usage: Mutex<UsageSpread>,
    ended: watch::Sender<bool>,
}

/// How fuel, memory and time are spread over a run's objects.
#[derive(Clone, Default)]
pub(crate) struct UsageSpread {
    pub(crate) fuel: Spread,
    pub(crate) memory: Spread,
    pub(crate) micros: Spread,
}

impl UsageSpread {
    pub(crate) fn add(&mut self, usage: Usage) {
        self.fuel.add(usage.fuel);
        self.memory.add(usage.memory);
        self.micros
            .add(u64::try_from(usage.duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// The summary that a run keeps.
    pub(crate) fn to_json(&self) -> Value {
        json!({"fuel": self.fuel.to_json(), "memory": self.memory.to_json(), "durationMicros": self.micros.to_json()})
    }
}

impl Live {
    pub(crate) fn new(id: Arc<str>, name: Arc<str>, started: Timestamp, state: State, progress: Progress) -> Self {
        Self {
            id,
            name,
            started,
            halt: AtomicU8::new(0),
            shown: Mutex::new((state, progress)),
            usage: Mutex::default(),
            ended: watch::channel(false).0,
        }
    }

    /// State and counters as they were last committed.
    pub(crate) fn shown(&self) -> (State, Progress) {
        *self.shown.lock()
    }

    pub(crate) fn show(&self, state: State, progress: Progress) {
        *self.shown.lock() = (state, progress);
    }

    pub(crate) fn with_usage<T>(&self, work: impl FnOnce(&mut UsageSpread) -> T) -> T {
        work(&mut self.usage.lock())
    }

    /// Asks the run to stop. The first reason counts.
    pub(crate) fn halt(&self, why: Halt) {
        let code = match why {
            Halt::Cancelled => 1,
            Halt::Stopping => 2,
            Halt::Guarded => 3,
        };
        // Whether an earlier reason stands does not matter here.
        let _already = self
            .halt
            .compare_exchange(0, code, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(crate) fn halted(&self) -> Option<Halt> {
        match self.halt.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(Halt::Cancelled),
            2 => Some(Halt::Stopping),
            _ => Some(Halt::Guarded),
        }
    }

    pub(crate) fn finish(&self) {
        self.ended.send_replace(true);
    }

    /// Returns once nobody works on the run any more.
    pub(crate) async fn ended(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        drop(self.ended.subscribe().wait_for(|ended| *ended).await);
    }
}
