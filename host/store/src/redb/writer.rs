//! The one thread that writes a tenant's file.
//!
//! Commits wait in a bounded queue. The thread takes what has gathered there while the last transaction was on its way
//! to the disk and makes it one transaction: the more callers there are, the more of them share an fsync, and nobody
//! waits for a timer. Each caller is answered when the transaction is committed, so a group is as durable as the most
//! careful of its members wants. Between two groups, indexes that are being built or dropped advance by one step.

use std::sync::Arc;

use ::redb::Database;
use tokio::sync::{mpsc, oneshot};

use super::file::Contents;
use super::group::Group;
use super::indexer::Indexer;
use crate::change_set::{ChangeSet, Committed, Durability};
use crate::document::Revision;
use crate::error::{CommitError, StoreError};
use crate::key::Collection;
use host_resource::Pointer;

/// Commits that may wait; more callers wait at the door. As many as one group takes, since a longer queue only adds
/// memory and delay.
pub(super) const QUEUE: usize = GROUP_SETS;
/// Change sets in a group. At a few hundred fsyncs a second this is far beyond what the sandboxes above can produce, and
/// it bounds how long the first of the group waits for the last.
const GROUP_SETS: usize = 256;
/// A group takes no more change sets once it holds so many bytes: what is written by one transaction stays in memory
/// until then, and behind 16 MiB an fsync is no longer what costs.
const GROUP_BYTES: usize = 16 << 20;
/// A group is durable after so many change sets that were only visible: redb can reuse pages only behind a durable
/// commit, and [`super::file::REVISION_GAP`] must be more than what a crash can forget.
pub(super) const VISIBLE_SETS: u64 = 1024;

/// What the thread is asked for.
pub(super) enum Command {
    /// See [`crate::Store::commit`].
    Commit(Pending),
    /// See [`crate::Store::declare_indexes`].
    Declare {
        collection: Collection,
        pointers: Vec<Pointer>,
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
}

/// A commit that waits.
pub(super) struct Pending {
    pub(super) changes: ChangeSet,
    pub(super) answer: oneshot::Sender<Result<Committed, CommitError>>,
}

/// What the thread holds.
pub(super) struct Writer {
    database: Arc<Database>,
    inbox: mpsc::Receiver<Command>,
    /// A command that was taken out of the queue but does not belong to the group.
    held: Option<Command>,
    next_revision: Revision,
    /// How many change sets a crash would forget.
    visible: u64,
    indexer: Indexer,
}

impl Writer {
    pub(super) fn new(database: Arc<Database>, contents: Contents, inbox: mpsc::Receiver<Command>) -> Self {
        let Contents {
            next_revision,
            next_index,
            catalog,
        } = contents;
        let indexer = Indexer::new(database.clone(), catalog, next_index);
        Self {
            database,
            inbox,
            held: None,
            next_revision,
            visible: 0,
            indexer,
        }
    }

    /// Serves until the last sender is gone and the queue is empty. What is left of an index goes on at the next open.
    pub(super) fn run(mut self) -> Result<(), StoreError> {
        while let Some(command) = self.next() {
            match command {
                Command::Commit(first) => self.commit(first),
                Command::Declare {
                    collection,
                    pointers,
                    answer,
                } => self.indexer.declare(&collection, pointers, answer),
            }
        }
        let Self { database, indexer, .. } = self;
        drop(indexer);
        // Whoever else holds it is just beginning a read; then its last holder closes it.
        Arc::into_inner(database).map_or(Ok(()), |database| database.close().map_err(StoreError::engine))
    }

    fn next(&mut self) -> Option<Command> {
        loop {
            if let Some(held) = self.held.take() {
                return Some(held);
            }
            if self.indexer.is_idle() {
                return self.inbox.blocking_recv();
            }
            self.indexer.step();
            match self.inbox.try_recv() {
                Ok(command) => return Some(command),
                Err(mpsc::error::TryRecvError::Empty) => {}
                Err(mpsc::error::TryRecvError::Disconnected) => return None,
            }
        }
    }

    fn commit(&mut self, first: Pending) {
        let (sets, answers): (Vec<_>, Vec<_>) = self
            .gather(first)
            .into_iter()
            .map(|Pending { changes, answer }| (changes, answer))
            .unzip();
        match self.write(sets) {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    // A caller that no longer listens has its commit all the same.
                    let _ = answer.send(outcome);
                }
            }
            Err(error) => {
                tracing::error!(%error, cause = std::error::Error::source(&error), commits = answers.len(), "a group commit failed");
                for answer in answers {
                    let _ = answer.send(Err(error.clone().into()));
                }
            }
        }
    }

    /// The first commit and what waits behind it.
    fn gather(&mut self, first: Pending) -> Vec<Pending> {
        let mut bytes = size(&first.changes);
        let mut group = vec![first];
        while group.len() < GROUP_SETS && bytes < GROUP_BYTES {
            match self.inbox.try_recv() {
                Ok(Command::Commit(pending)) => {
                    bytes += size(&pending.changes);
                    group.push(pending);
                }
                Ok(other) => {
                    self.held = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        group
    }

    fn write(&mut self, sets: Vec<ChangeSet>) -> Result<Vec<Result<Committed, CommitError>>, StoreError> {
        let mut transaction = self.database.begin_write()?;
        let mut group = Group::new(&transaction, self.indexer.catalog(), self.next_revision)?;
        let mut wants_disk = false;
        let mut outcomes = Vec::with_capacity(sets.len());
        for set in sets {
            let durability = set.durability;
            let outcome = group.admit(set)?;
            wants_disk |= outcome.is_ok() && durability == Durability::Durable;
            outcomes.push(outcome.map_err(CommitError::Conflict));
        }
        let (next, has_changes) = group.apply()?;
        let count = next.0 - self.next_revision.0;
        // Also when the commit fails: nobody knows then what the disk has seen of these revisions.
        self.next_revision = next;
        if !has_changes {
            transaction.abort()?;
            return Ok(outcomes);
        }
        let is_durable = wants_disk || self.visible + count > VISIBLE_SETS;
        transaction.set_durability(if is_durable {
            ::redb::Durability::Immediate
        } else {
            ::redb::Durability::None
        })?;
        transaction.commit()?;
        self.visible = if is_durable { 0 } else { self.visible + count };
        Ok(outcomes)
    }
}

fn size(changes: &ChangeSet) -> usize {
    changes
        .writes
        .iter()
        .map(|write| write.key.id.len() + write.body.as_ref().map_or(0, bytes::Bytes::len))
        .sum()
}
