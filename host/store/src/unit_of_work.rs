//! The unit of work: what one call of a guest, or one request, reads and writes. Writes go to an overlay on a snapshot;
//! the unit reads its own writes, nobody else does. Afterwards the overlay becomes a [`ChangeSet`], is shown, or is
//! dropped as if nothing had happened.
//!
//! At commit every document that was written, and every one that was read by id, must still be what it was. What a query
//! returned is not checked: a query sees the snapshot and the unit's own writes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use host_resource::filter::Matcher;
use host_resource::{Context, Problem};
use parking_lot::Mutex;

use crate::change_set::Expectation;
use crate::document::{Document, Revision};
use crate::error::StoreError;
use crate::key::Key;
use crate::overlay::{Ended, Overlay, Staged, expectation};
use crate::scan::{Cursor, Scan};
use crate::store::Snapshot;

mod limits;

pub use limits::WriteLimits;

/// The revision of a document as a unit of work sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rev {
    /// As committed.
    Committed(Revision),
    /// Written by this unit; `step` grows with each write.
    Staged {
        /// What it was before, if it was.
        base: Option<Revision>,
        /// Which write of the unit this is.
        step: u32,
    },
}

impl Rev {
    /// The committed revision that this is or stands on; none when the document was not there.
    pub fn base(self) -> Option<Revision> {
        match self {
            Self::Committed(revision) => Some(revision),
            Self::Staged { base, .. } => base,
        }
    }
}

impl fmt::Display for Rev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Committed(revision) => revision.fmt(f),
            Self::Staged { base, step } => write!(f, "{}-{step}", base.unwrap_or(Revision(0))),
        }
    }
}

/// A document as a unit of work sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its id in its collection.
    pub id: Arc<str>,
    /// Its revision, possibly not yet committed.
    pub rev: Rev,
    /// The text of a JSON object, without `_id` and `_rev`.
    pub body: Bytes,
}

/// A page of documents as a unit of work sees them.
#[derive(Clone, Debug, Default)]
pub struct SeenPage {
    /// Those that match.
    pub documents: Vec<Seen>,
    /// Where to go on.
    pub cursor: Option<Cursor>,
}

/// Why a unit of work could not go on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UnitError {
    /// It wrote too much.
    #[error("the unit of work would write more than {limit} {what}")]
    Limit {
        /// `documents` or `bytes`.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// It has already ended.
    #[error("the unit of work has ended")]
    Ended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<UnitError> for Problem {
    fn from(error: UnitError) -> Self {
        match error {
            UnitError::Limit { .. } => Self::new(host_resource::Code::TOO_LARGE, error.to_string()),
            UnitError::Ended => Self::conflict(error.to_string()),
            UnitError::Store(error) => error.into(),
        }
    }
}

/// What a unit of work had written at some moment; see [`UnitOfWork::roll_back`].
#[derive(Debug)]
pub struct Savepoint {
    /// How many writes there had been.
    writes: usize,
    bytes: usize,
}

/// One unit of work. Shared by the calls of one guest; put into a [`Context`] with [`Context::within`].
pub struct UnitOfWork {
    snapshot: Arc<dyn Snapshot>,
    hand: Option<(Key, Document)>,
    limits: WriteLimits,
    state: Mutex<Option<State>>,
}

struct State {
    ground: Overlay,
    overlay: Overlay,
    bytes: usize,
    /// What each write replaced, in their order: what going back takes up.
    replaced: Vec<(Key, Option<Staged>)>,
}

impl UnitOfWork {
    /// A unit of work on a snapshot.
    pub fn new(snapshot: Arc<dyn Snapshot>, limits: WriteLimits) -> Self {
        Self::over(snapshot, Overlay::default(), limits)
    }

    /// A unit of work that also sees what earlier ones on the same snapshot did.
    pub fn over(snapshot: Arc<dyn Snapshot>, ground: Overlay, limits: WriteLimits) -> Self {
        let overlay = Overlay {
            steps: ground.steps,
            ..Overlay::default()
        };
        Self {
            snapshot,
            hand: None,
            limits,
            state: Mutex::new(Some(State {
                ground,
                overlay,
                bytes: 0,
                replaced: Vec::new(),
            })),
        }
    }

    /// With a document that need not be looked up, as its present revision is known: if it is not what it was, the commit
    /// finds out.
    #[must_use]
    pub fn holding(mut self, key: Key, document: Document) -> Self {
        self.hand = Some((key, document));
        self
    }

    /// The unit of work that a request belongs to, if it does.
    pub fn of(context: &Context) -> Option<Arc<Self>> {
        context.scope()
    }

    /// One document as this unit sees it.
    pub async fn get(&self, key: &Key) -> Result<Option<Seen>, UnitError> {
        if let Some(staged) = self.staged(key)? {
            let Staged { base, step, body } = staged;
            return Ok(body.map(|body| Seen {
                id: key.id.clone(),
                rev: Rev::Staged { base, step },
                body,
            }));
        }
        let found = match self.hand.as_ref().filter(|(held, _)| held == key) {
            Some((_, document)) => Some(document.clone()),
            // What is known not to be there is not looked for again: units on one snapshot ask for much the same.
            None if self.known(key)? == Some(Expectation::Absent) => None,
            None => self.snapshot.get(key).await?,
        };
        let expected = expectation(found.as_ref().map(|document| document.revision));
        self.with_state(|state| {
            state.overlay.reads.entry(key.clone()).or_insert(expected);
            Ok(())
        })?;
        Ok(found.map(|document| Seen {
            id: document.id,
            rev: Rev::Committed(document.revision),
            body: document.body,
        }))
    }

    /// Writes a document.
    pub async fn put(&self, key: Key, body: Bytes) -> Result<Rev, UnitError> {
        self.stage(key, Some(body)).await
    }

    /// Deletes a document.
    pub async fn delete(&self, key: Key) -> Result<(), UnitError> {
        self.stage(key, None).await.map(drop)
    }

    /// A page of documents: those of the snapshot, changed as this unit changed them. What it wrote that the snapshot's
    /// query would not find comes with the first page.
    pub async fn scan(&self, scan: &Scan) -> Result<SeenPage, UnitError> {
        let matcher = scan.filter.as_deref().map(Matcher::new);
        let matches = |body: &[u8], id: &str, rev: &dyn fmt::Display| {
            matcher
                .as_ref()
                .is_none_or(|matcher| matcher.matches_bytes(body, id, &rev.to_string()))
        };
        let page = self.snapshot.scan(scan).await?;
        let mut documents = Vec::with_capacity(page.documents.len());
        if scan.after.is_none() {
            for (key, staged) in self.written_in(scan)? {
                let Some(body) = staged.body else { continue };
                let rev = Rev::Staged {
                    base: staged.base,
                    step: staged.step,
                };
                let before = self.snapshot.get(&key).await?;
                let was_found = before.is_some_and(|before| matches(&before.body, &key.id, &before.revision));
                if !was_found && matches(&body, &key.id, &rev) {
                    documents.push(Seen { id: key.id, rev, body });
                }
            }
        }
        for document in page.documents {
            match self.staged(&scan.collection.key(document.id.clone()))? {
                None => documents.push(Seen {
                    id: document.id,
                    rev: Rev::Committed(document.revision),
                    body: document.body,
                }),
                Some(Staged {
                    base,
                    step,
                    body: Some(body),
                }) => {
                    let rev = Rev::Staged { base, step };
                    if matches(&body, &document.id, &rev) {
                        documents.push(Seen {
                            id: document.id,
                            rev,
                            body,
                        });
                    }
                }
                Some(Staged { body: None, .. }) => {}
            }
        }
        Ok(SeenPage {
            documents,
            cursor: page.cursor,
        })
    }

    /// What the unit has written so far, to be gone back to.
    pub fn savepoint(&self) -> Result<Savepoint, UnitError> {
        self.with_state(|state| {
            Ok(Savepoint {
                writes: state.replaced.len(),
                bytes: state.bytes,
            })
        })
    }

    /// Forgets what was written since a savepoint. What was read since then still has to hold at commit.
    pub fn roll_back(&self, savepoint: Savepoint) -> Result<(), UnitError> {
        self.with_state(|state| {
            let kept = savepoint.writes.min(state.replaced.len());
            for (key, before) in state.replaced.drain(kept..).rev() {
                match before {
                    Some(before) => drop(state.overlay.writes.insert(key, before)),
                    None => drop(state.overlay.writes.remove(&key)),
                }
            }
            state.bytes = savepoint.bytes;
            Ok(())
        })
    }

    /// Does something in this unit; when it fails, nothing of it was written.
    pub async fn all_or_nothing<T, E: From<UnitError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let savepoint = self.savepoint()?;
        let done = work.await;
        if done.is_err() {
            self.roll_back(savepoint)?;
        }
        done
    }

    /// How many documents this unit has given a body so far, and how many it has deleted.
    pub fn count(&self) -> (usize, usize) {
        let state = self.state.lock();
        state.as_ref().map_or((0, 0), |state| state.overlay.count())
    }

    /// Ends the unit: its ground as it was given, and what it did itself, to be kept or dropped. Later calls answer
    /// [`UnitError::Ended`]. None when it had already ended.
    pub fn end(&self) -> Option<Ended> {
        self.state
            .lock()
            .take()
            .map(|State { ground, overlay, .. }| Ended { ground, own: overlay })
    }

    async fn stage(&self, key: Key, body: Option<Bytes>) -> Result<Rev, UnitError> {
        let base = match self.known(&key)? {
            Some(Expectation::Absent) => None,
            Some(Expectation::Revision(revision)) => Some(revision),
            Some(Expectation::Any) | None => self.snapshot.get(&key).await?.map(|document| document.revision),
        };
        let WriteLimits { rows, bytes } = self.limits;
        self.with_state(|state| {
            let written = state.bytes.saturating_add(body.as_ref().map_or(0, Bytes::len));
            if written > bytes {
                return Err(UnitError::Limit {
                    what: "bytes",
                    limit: bytes,
                });
            }
            if state.overlay.writes.len() >= rows && !state.overlay.writes.contains_key(&key) {
                return Err(UnitError::Limit {
                    what: "documents",
                    limit: rows,
                });
            }
            state.bytes = written;
            state.overlay.steps += 1;
            let step = state.overlay.steps;
            state
                .overlay
                .reads
                .entry(key.clone())
                .or_insert_with(|| expectation(base));
            let before = state.overlay.writes.insert(key.clone(), Staged { base, step, body });
            state.replaced.push((key, before));
            Ok(Rev::Staged { base, step })
        })
    }

    /// What a document is in the snapshot, if this unit or one that it stands on has looked.
    fn known(&self, key: &Key) -> Result<Option<Expectation>, UnitError> {
        let of = |overlay: &Overlay| overlay.reads.get(key).copied();
        self.with_state(|state| Ok(of(&state.overlay).or_else(|| of(&state.ground))))
    }

    fn staged(&self, key: &Key) -> Result<Option<Staged>, UnitError> {
        self.with_state(|state| Ok(state.overlay.staged(key).or_else(|| state.ground.staged(key)).cloned()))
    }

    fn written_in(&self, scan: &Scan) -> Result<Vec<(Key, Staged)>, UnitError> {
        self.with_state(|state| {
            let mut written: BTreeMap<Key, Staged> = BTreeMap::new();
            for overlay in [&state.ground, &state.overlay] {
                let inside = overlay
                    .writes
                    .iter()
                    .filter(|(key, _)| key.collection == scan.collection);
                written.extend(inside.map(|(key, staged)| (key.clone(), staged.clone())));
            }
            Ok(written.into_iter().collect())
        })
    }

    fn with_state<T>(&self, work: impl FnOnce(&mut State) -> Result<T, UnitError>) -> Result<T, UnitError> {
        work(self.state.lock().as_mut().ok_or(UnitError::Ended)?)
    }
}

impl fmt::Debug for UnitOfWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnitOfWork")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
