//! What a database is for the connector: sessions that run statements. A read needs no transaction; what is written in one
//! session becomes true when it ends well, and never if it is dropped.

use async_trait::async_trait;
use parking_lot::Mutex;

use super::cell::Cell;
use super::settings::Settings;
use super::statement::{Dialect, Statement};
use super::table::Table;
use crate::error::Error;

/// An answer to one statement ends behind the row with which it gets larger than this (bytes).
pub(super) const MAX_BATCH: usize = 8 << 20;
/// So many connections are kept while nobody uses them. How many there are at once is for `poolConfigOption` to say.
const MAX_IDLE: usize = 10;

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Rows, maybe not all of them.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) rows: Vec<Vec<Cell>>,
    /// Whether there were more than fit.
    pub(super) is_cut: bool,
}

/// A database.
#[async_trait]
pub(super) trait Database: Send + Sync + 'static {
    /// What it understands.
    fn dialect(&self) -> Dialect;

    /// Begins a session.
    async fn begin(&self, access: Access) -> Result<Box<dyn Session>, Error>;

    /// What the table is at the moment.
    async fn describe(&self, settings: &Settings) -> Result<Table, Error>;
}

/// A session.
#[async_trait]
pub(super) trait Session: Send {
    /// What a statement answers.
    async fn rows(&mut self, statement: Statement) -> Result<Rows, Error>;

    /// Makes true what was written, and keeps the connection for others.
    async fn end(self: Box<Self>) -> Result<(), Error>;

    /// Undoes what was written, and keeps the connection for others.
    async fn undo(self: Box<Self>) -> Result<(), Error>;
}

/// Connections that nobody uses.
pub(super) struct Idle<C>(Mutex<Vec<C>>);

impl<C> Default for Idle<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<C> Idle<C> {
    pub(super) fn take(&self) -> Option<C> {
        self.0.lock().pop()
    }

    /// Closes them: one of them turned out to be dead, or another file's, so all of them are, most likely.
    pub(super) fn forget(&self) {
        self.0.lock().clear();
    }

    pub(super) fn keep(&self, connection: C) {
        let mut idle = self.0.lock();
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
    }
}
