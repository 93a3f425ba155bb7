//! A run that is being worked on, as those who ask about it see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use host_model::clock::Timestamp;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::control::Control;
use crate::rate::Rate;
use crate::record::{Progress, Record, State};
use crate::retry::Retry;
use crate::usage::RunUsage;

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
    usage: Mutex<RunUsage>,
    rate: Mutex<Rate>,
    /// What was said to it last.
    control: watch::Sender<Control>,
    /// Held by whoever says something to the run.
    pub(crate) steering: tokio::sync::Mutex<()>,
    /// As many threads as the job says.
    pub(crate) threads: u32,
    /// Which run's failures it takes up.
    pub(crate) retries: Option<Retry>,
    ended: watch::Sender<bool>,
}

impl Live {
    /// The run of a record.
    pub(crate) fn new(id: Arc<str>, record: &Record, threads: u32, control: Control) -> Self {
        Self {
            id,
            name: record.name.as_str().into(),
            started: record.started,
            halt: AtomicU8::new(0),
            shown: Mutex::new((record.state, record.progress)),
            usage: Mutex::default(),
            rate: Mutex::default(),
            control: watch::channel(control).0,
            steering: tokio::sync::Mutex::default(),
            threads,
            retries: record.retries.clone(),
            ended: watch::channel(false).0,
        }
    }

    /// What was said to it last.
    pub(crate) fn control(&self) -> Control {
        *self.control.borrow()
    }

    /// Somebody says something to it.
    pub(crate) fn hear(&self, control: Control, now: Timestamp) {
        if self.control.send_replace(control).paused != control.paused {
            self.begin(now);
        }
    }

    /// Tells when something is said to the run, and when it is halted.
    pub(crate) fn changes(&self) -> watch::Receiver<Control> {
        self.control.subscribe()
    }

    /// Returns once the run is not paused, or is halted.
    pub(crate) async fn unpaused(&self) {
        let mut changes = self.changes();
        // The sender lives in `self`, so waiting cannot fail.
        drop(
            changes
                .wait_for(|control| !control.paused || self.halted().is_some())
                .await,
        );
    }

    /// Whether no further object gets its turn for now.
    pub(crate) fn is_resting(&self) -> bool {
        self.control().paused && self.halted().is_none()
    }

    /// Its speed is measured from here on.
    pub(crate) fn begin(&self, now: Timestamp) {
        let done = self.processed();
        self.rate.lock().begin(now, done);
    }

    /// What is shown now is what had been done by this moment.
    pub(crate) fn note(&self, now: Timestamp) {
        let done = self.processed();
        self.rate.lock().note(now, done);
    }

    /// Objects a second, if anything can be said yet.
    pub(crate) fn per_second(&self, now: Timestamp) -> Option<f64> {
        self.rate.lock().per_second(now)
    }

    fn processed(&self) -> u64 {
        let (_, progress) = self.shown();
        progress.successes + progress.failures
    }

    /// State and counters as they were last committed.
    pub(crate) fn shown(&self) -> (State, Progress) {
        *self.shown.lock()
    }

    pub(crate) fn show(&self, state: State, progress: Progress) {
        *self.shown.lock() = (state, progress);
    }

    pub(crate) fn with_usage<T>(&self, work: impl FnOnce(&mut RunUsage) -> T) -> T {
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
        // A paused run sleeps until something is said.
        self.control.send_modify(|_| {});
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
