//! What a unit of work leaves: what it read, and what it wrote over that.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::change_set::{ChangeSet, Expectation};
use crate::document::Revision;
use crate::key::Key;

/// What a unit of work has read and written. The outcome of one may be the ground of the next, so that several run one
/// after the other and are committed together.
#[derive(Debug, Default)]
pub struct Overlay {
    /// What each document was in the snapshot when it was first read or written.
    pub(crate) reads: BTreeMap<Key, Expectation>,
    pub(crate) writes: BTreeMap<Key, Staged>,
    pub(crate) steps: u32,
}

/// A document as a unit of work wrote it.
#[derive(Debug, Clone)]
pub(crate) struct Staged {
    /// What it was before, if it was.
    pub(crate) base: Option<Revision>,
    /// Which write of the unit this is.
    pub(crate) step: u32,
    /// What it is now; none when it was deleted.
    pub(crate) body: Option<Bytes>,
}

impl Overlay {
    /// The outcome of a unit that gave one document a body.
    pub fn staging(key: Key, base: Revision, body: Bytes) -> Self {
        let base = Some(base);
        Self {
            reads: BTreeMap::from([(key.clone(), expectation(base))]),
            writes: BTreeMap::from([(
                key,
                Staged {
                    base,
                    step: 1,
                    body: Some(body),
                },
            )]),
            steps: 1,
        }
    }

    /// How many documents were given a body, and how many were deleted.
    pub fn count(&self) -> (usize, usize) {
        let deleted = self.writes.values().filter(|staged| staged.body.is_none()).count();
        (self.writes.len() - deleted, deleted)
    }

    /// The keys that were written.
    pub fn written(&self) -> impl Iterator<Item = &Key> {
        self.writes.keys()
    }

    /// The keys that were read by id or written.
    pub fn touched(&self) -> impl Iterator<Item = &Key> {
        // Whatever was written was looked up first, so `reads` names every key.
        self.reads.keys()
    }

    /// The body that a document was given, or none when it was deleted; none at all when it was not written.
    pub fn body(&self, key: &Key) -> Option<Option<&Bytes>> {
        self.writes.get(key).map(|staged| staged.body.as_ref())
    }

    /// Adds what a later unit of work on the same snapshot did.
    pub fn absorb(&mut self, later: Self) {
        for (key, expectation) in later.reads {
            self.reads.entry(key).or_insert(expectation);
        }
        for (key, staged) in later.writes {
            self.writes.insert(key, staged);
        }
        self.steps = self.steps.max(later.steps);
    }

    /// What to commit: every write expects what the snapshot had, every other document that was read by id as well.
    pub fn to_changes(&self) -> ChangeSet {
        let mut changes = ChangeSet::new();
        for (key, &expected) in &self.reads {
            let key = key.clone();
            match (self.writes.get(&key).map(|staged| staged.body.clone()), expected) {
                (None, expected) | (Some(None), expected @ Expectation::Absent) => changes.require(key, expected),
                (Some(None), expected) => changes.delete(key, expected),
                (Some(Some(body)), expected) => changes.put(key, expected, body),
            }
        }
        changes
    }

    pub(crate) fn staged(&self, key: &Key) -> Option<&Staged> {
        self.writes.get(key)
    }
}

/// What the snapshot's revision of a document makes a commit expect.
pub(crate) fn expectation(base: Option<Revision>) -> Expectation {
    base.map_or(Expectation::Absent, Expectation::Revision)
}

/// What is left of a unit of work that has ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// What earlier units did, as it was given to this one.
    pub ground: Overlay,
    /// What this unit did.
    pub own: Overlay,
}

impl Ended {
    /// Everything together.
    pub fn keep(self) -> Overlay {
        let mut kept = self.ground;
        kept.absorb(self.own);
        kept
    }
}
