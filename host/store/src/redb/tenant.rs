//! An open tenant: its file for readers, the queue to its writer thread, and an orderly end.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use ::redb::{Database, ReadTransaction, ReadableDatabase};
use host_model::tenant::TenantName;
use host_resource::Pointer;
use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot};

use super::file::Contents;
use super::writer::{Command, Pending, QUEUE, Writer};
use crate::change_set::{ChangeSet, Committed};
use crate::error::{CommitError, StoreError};
use crate::key::Collection;

/// An open tenant; nothing is left once it is closed.
pub(super) struct Tenant(RwLock<Option<Open>>);

struct Open {
    database: Arc<Database>,
    queue: mpsc::Sender<Command>,
    thread: JoinHandle<Result<(), StoreError>>,
}

impl Tenant {
    /// Starts the writer thread.
    pub(super) fn start(name: &TenantName, database: Database, contents: Contents) -> Result<Self, StoreError> {
        let database = Arc::new(database);
        let (queue, inbox) = mpsc::channel(QUEUE);
        let writer = Writer::new(database.clone(), contents, inbox);
        let thread = thread::Builder::new()
            .name(format!("store {name}"))
            .spawn(|| writer.run())
            .map_err(StoreError::engine)?;
        Ok(Self(RwLock::new(Some(Open {
            database,
            queue,
            thread,
        }))))
    }

    /// The documents as they are now.
    pub(super) fn read(&self) -> Result<ReadTransaction, StoreError> {
        let open = self.0.read();
        Ok(open.as_ref().ok_or(StoreError::Closed)?.database.begin_read()?)
    }

    /// See [`crate::Store::commit`].
    pub(super) async fn commit(&self, changes: ChangeSet) -> Result<Committed, CommitError> {
        self.ask(|answer| Command::Commit(Pending { changes, answer })).await?
    }

    /// See [`crate::Store::declare_indexes`].
    pub(super) async fn declare_indexes(
        &self,
        collection: Collection,
        pointers: Vec<Pointer>,
    ) -> Result<(), StoreError> {
        self.ask(|answer| Command::Declare {
            collection,
            pointers,
            answer,
        })
        .await?
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, StoreError> {
        let queue = self.0.read().as_ref().ok_or(StoreError::Closed)?.queue.clone();
        let (answer, answered) = oneshot::channel();
        queue.send(command(answer)).await.map_err(|_| StoreError::Closed)?;
        drop(queue);
        answered.await.map_err(|_| StoreError::Closed)
    }

    /// Refuses new work, finishes what was accepted, and closes the file. Blocks; snapshots answer
    /// [`StoreError::Closed`] from then on.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        let Some(Open {
            database,
            queue,
            thread,
        }) = self.0.write().take()
        else {
            return Ok(());
        };
        drop((database, queue));
        thread.join().map_err(|_| StoreError::engine(WriterPanicked))?
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, cause = std::error::Error::source(&error), "closing a tenant's file failed");
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the writer thread panicked")]
struct WriterPanicked;
