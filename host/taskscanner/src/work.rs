//! What feeder, workers and committer of a run share.

use std::sync::Arc;

use host_model::clock::{Clock, Timestamp};
use host_resource::{Caller, Context, Filter};
use host_runtime::{Pool, Runtime, Surroundings};
use host_store::{Document, Overlay, TenantStore};
use tokio::sync::Semaphore;

use crate::attempts;
use crate::definition::Definition;
use crate::failure::call::Room;
use crate::failure::origin::Origin;
use crate::live::Live;
use crate::record::Mode;
use crate::retry::{Retry, Source};
use crate::runner::Waiting;

/// Objects that are claimed, and later committed, together. Large enough that a commit's fsync is shared by many,
/// small enough that a page's objects are soon visible: 500 rows of 1 KB are written in about 6 ms.
pub(crate) const PAGE: usize = 500;

/// Pages that are claimed and not yet committed: one is committed, one runs, one waits so that no worker ever does.
pub(crate) const PAGES_AHEAD: usize = 3;

/// What the parts of a run share.
pub(crate) struct Work {
    pub(crate) definition: Definition,
    /// The definition's filter as it stood when the run began, also after an interruption.
    pub(crate) filter: Arc<Filter>,
    pub(crate) live: Arc<Live>,
    pub(crate) store: TenantStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) around: Arc<Surroundings>,
    pub(crate) caller: Arc<Caller>,
    /// Objects that wait for one of at most `numberOfThreads` runners.
    pub(crate) waiting: Waiting,
    /// What becomes of what the objects do.
    pub(crate) mode: Mode,
    /// The code that is run, as failures name it.
    pub(crate) origin: Origin,
    /// Which run's failures are taken up, if this is a retry.
    pub(crate) retry: Option<Retry>,
    /// How often the objects in hand failed before.
    pub(crate) attempts: attempts::Open,
    /// How much may still be kept of calls that fail.
    pub(crate) room: Room,
    /// One permit for each page that may be claimed and not committed.
    pub(crate) pages: Semaphore,
}

impl Work {
    /// Whether nothing is to be changed.
    pub(crate) fn is_analysis(&self) -> bool {
        self.mode == Mode::Analyze
    }

    pub(crate) fn context(&self) -> Context {
        Context::new(Arc::clone(&self.caller), Arc::clone(&self.live.id))
    }

    /// Where the objects come from.
    pub(crate) fn source(&self) -> Source<'_> {
        Source {
            retry: self.retry.as_ref(),
            collection: &self.definition.collection,
            filter: &self.filter,
        }
    }

    /// How many objects may be in flight.
    pub(crate) fn threads(&self) -> usize {
        let threads = self.live.control().threads;
        threads.unwrap_or(self.definition.spec.threads) as usize
    }

    /// What an object's unit of work stands on: in an analysis, the claim that a run would have committed.
    pub(crate) fn ground(&self, claimed: &Claimed) -> Overlay {
        if !self.is_analysis() {
            return Overlay::default();
        }
        let Document { id, revision, body } = &claimed.document;
        let key = self.definition.collection.key(Arc::clone(id));
        Overlay::staging(key, *revision, body.clone())
    }

    /// Until when a claim that was made at an instant is respected. Beyond the end of the calendar, for ever.
    pub(crate) fn respected_until(&self, started: Timestamp) -> Timestamp {
        self.definition
            .spec
            .recovery_timeout
            .after(started)
            .unwrap_or(Timestamp::MAX_UTC)
    }
}

/// An object that this run has claimed. In an analysis nothing is written: the claim is in this text only.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    /// As it is with the claim in it.
    pub(crate) document: Document,
    /// Its text before the claim, should the claim be given back.
    pub(crate) before: bytes::Bytes,
    /// The claim.
    pub(crate) stamp: Arc<str>,
    /// The page it came with.
    pub(crate) page: u64,
}
