//! A run that is being worked on, as those who ask about it see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::record::{Record, Stage};

/// Why a run stops before its last object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// Somebody cancelled it.
    Cancelled,
    /// The host stops: the run is taken up again later.
    Stopping,
}

/// A run that is being worked on.
pub(crate) struct Live {
    halt: AtomicU8,
    shown: Mutex<Arc<Record>>,
    ended: watch::Sender<bool>,
}

impl Live {
    pub(crate) fn new(record: Record) -> Self {
        Self {
            halt: AtomicU8::new(0),
            shown: Mutex::new(Arc::new(record)),
            ended: watch::channel(false).0,
        }
    }

    /// The run as it was last committed.
    pub(crate) fn shown(&self) -> Record {
        let mut record = Record::clone(&Arc::clone(&self.shown.lock()));
        if self.halted() == Some(Halt::Cancelled) && !record.stage.is_ended() {
            record.stage = Stage::ActiveCanceling;
        }
        record
    }

    pub(crate) fn show(&self, record: Record) {
        *self.shown.lock() = Arc::new(record);
    }

    /// Asks the run to stop. The first reason counts.
    pub(crate) fn halt(&self, why: Halt) {
        let code = match why {
            Halt::Cancelled => 1,
            Halt::Stopping => 2,
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
            _ => Some(Halt::Stopping),
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
