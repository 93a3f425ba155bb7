//! What a commit changes, and what must still be true for it.

use std::sync::Arc;

use bytes::Bytes;
use host_resource::Pointer;

use crate::document::Revision;
use crate::key::Key;

/// What must be true of a document when a change set is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// Nothing.
    Any,
    /// There is no such document.
    Absent,
    /// The document exists with this revision.
    Revision(Revision),
}

/// One document's new state.
#[derive(Clone, Debug)]
pub struct Write {
    /// Which document.
    pub key: Key,
    /// What it must be now.
    pub expected: Expectation,
    /// The text of a JSON object; none deletes.
    pub body: Option<Bytes>,
    /// Where alone the text differs from the one it replaces, if that is known: what is indexed elsewhere is not looked
    /// for again.
    pub places: Option<Arc<[Pointer]>>,
}

/// When a commit is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Once it survives a loss of power.
    #[default]
    Durable,
    /// Once everybody sees it. It is kept with the next durable commit; a crash before that forgets it. Only for what a
    /// crash may forget, such as the claims of a scan whose run is taken up again.
    Visible,
}

/// Writes that happen together or not at all, in one tenant.
#[derive(Clone, Debug, Default)]
pub struct ChangeSet {
    /// What to write. A key occurs at most once.
    pub writes: Vec<Write>,
    /// Documents that are not written but must not have changed.
    pub reads: Vec<(Key, Expectation)>,
    /// When the commit is answered.
    pub durability: Durability,
}

impl ChangeSet {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a document.
    pub fn put(&mut self, key: Key, expected: Expectation, body: impl Into<Bytes>) {
        self.writes.push(Write {
            key,
            expected,
            body: Some(body.into()),
            places: None,
        });
    }

    /// Writes a document that differs from its present revision in some places at most. Who says so and is wrong
    /// damages the indexes.
    pub fn mark(&mut self, key: Key, present: Revision, body: impl Into<Bytes>, places: &Arc<[Pointer]>) {
        self.writes.push(Write {
            key,
            expected: Expectation::Revision(present),
            body: Some(body.into()),
            places: Some(Arc::clone(places)),
        });
    }

    /// Deletes a document.
    pub fn delete(&mut self, key: Key, expected: Expectation) {
        self.writes.push(Write {
            key,
            expected,
            body: None,
            places: None,
        });
    }

    /// Requires something of a document that is not written.
    pub fn require(&mut self, key: Key, expected: Expectation) {
        self.reads.push((key, expected));
    }

    /// Whether committing it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Takes up the writes and reads of another change set, to be committed together with these.
    pub fn append(&mut self, other: Self) {
        self.writes.extend(other.writes);
        self.reads.extend(other.reads);
    }
}

/// A change set that was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The revision of every document that it wrote.
    pub revision: Revision,
}
