//! SQLite. A connection is used on threads that may wait; a statement that nobody waits for any more is interrupted.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::types::{Value as Native, ValueRef};
use rusqlite::{Connection, ErrorCode, InterruptHandle, OpenFlags, ffi, params_from_iter};

use super::cell::Cell;
use super::session::{Access, Database, Idle, MAX_BATCH, Rows, Session};
use super::settings::Settings;
use super::statement::{Dialect, Statement};
use super::table::{Class, Column, Table};
use crate::error::Error;
use crate::paths::AllowedFolders;

/// For so long a write waits for another one to end.
const BUSY: Duration = Duration::from_secs(5);

/// A file.
pub(super) struct Sqlite(Arc<Inner>);

struct Inner {
    file: PathBuf,
    folders: AllowedFolders,
    idle: Idle<Held>,
}

/// A connection, and the file that it was opened with, whatever is at its path by now.
struct Held {
    connection: Connection,
    identity: Option<(u64, u64)>,
}

impl Sqlite {
    pub(super) fn new(file: PathBuf, folders: AllowedFolders) -> Self {
        Self(Arc::new(Inner {
            file,
            folders,
            idle: Idle::default(),
        }))
    }
}

impl Inner {
    /// Which file is at the path.
    fn identity(&self) -> Option<(u64, u64)> {
        let found = std::fs::metadata(&self.file).ok()?;
        Some((found.dev(), found.ino()))
    }

    fn open(&self) -> Result<Held, Error> {
        let identity = self.identity();
        // Also now: a link may have come since the configuration was read.
        if !self.folders.admits(&self.file) {
            return Err(Error::Denied(
                "the file is in no folder that connectors may use".to_owned(),
            ));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.file, flags).map_err(refused)?;
        connection.busy_timeout(BUSY).map_err(refused)?;
        // What a file defines does not run with more than it needs.
        let settings = "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON;";
        connection.execute_batch(settings).map_err(refused)?;
        // Readers do not wait for writers then. A file that cannot be changed stays as it is.
        match connection.pragma_update(None, "journal_mode", "WAL").map_err(refused) {
            Ok(()) | Err(Error::Denied(_) | Error::Busy(_)) => Ok(Held { connection, identity }),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Database for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn begin(&self, access: Access) -> Result<Box<dyn Session>, Error> {
        let inner = Arc::clone(&self.0);
        let held = waiting(move || {
            // A file that was replaced is another one.
            let identity = inner.identity();
            let idle = inner.idle.take();
            let held = match idle.filter(|held| held.identity == identity && identity.is_some()) {
                Some(held) => held,
                None => {
                    // Those of the other file end first: they tidy up beside it, by its name.
                    inner.idle.forget();
                    inner.open()?
                }
            };
            if access == Access::Write {
                held.connection.execute_batch("BEGIN IMMEDIATE").map_err(refused)?;
            }
            Ok(held)
        })
        .await?;
        Ok(Box::new(FileSession {
            interrupt: held.connection.get_interrupt_handle(),
            held: Some(held),
            is_running: false,
            access,
            inner: Arc::clone(&self.0),
        }))
    }

    async fn describe(&self, settings: &Settings) -> Result<Table, Error> {
        let name = settings.table.strip_prefix("main.").unwrap_or(&settings.table);
        let mut session = self.begin(Access::Read).await?;
        let mut find = Statement::new(Dialect::Sqlite);
        find.push("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ")
            .bind(name.into())
            .push(" COLLATE NOCASE ORDER BY name <> ")
            .bind(name.into());
        let found = session.rows(find).await?.rows;
        let found = found.first().and_then(|row| row.first()).and_then(Cell::text);
        let name = found
            .filter(|found| !settings.is_exact || *found == name)
            .ok_or_else(|| Error::Failed(format!("there is no table '{name}'")))?
            .to_owned();
        let mut describe = Statement::new(Dialect::Sqlite);
        describe
            .push("SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk, hidden FROM pragma_table_xinfo(")
            .bind(name.as_str().into())
            .push(") WHERE hidden <> 1 ORDER BY cid");
        let rows = session.rows(describe).await?.rows;
        session.end().await?;
        let keys = rows.iter().filter(|row| number(row, 4) > 0).count();
        let columns = rows.iter().map(|row| {
            let declared = row[1].text().unwrap_or_default().to_owned();
            // Such a column is the number of the row, which the database gives.
            let is_row = keys == 1 && number(row, 4) > 0 && declared.eq_ignore_ascii_case("integer");
            Column {
                takes_null: number(row, 2) == 0,
                has_default: number(row, 3) != 0 || is_row,
                is_generated: number(row, 5) > 1,
                cast: declared,
                ..Column::named(row[0].text().unwrap_or_default(), Class::Any)
            }
        });
        Table::new(vec![name], columns.collect(), settings)
    }
}

fn number(row: &[Cell], at: usize) -> i64 {
    match row.get(at) {
        Some(Cell::Integer(number)) => *number,
        _ => 0,
    }
}

struct FileSession {
    /// None while a statement runs on another thread.
    held: Option<Held>,
    interrupt: InterruptHandle,
    is_running: bool,
    access: Access,
    inner: Arc<Inner>,
}

impl FileSession {
    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let lost = || Error::Failed("the session ended before".to_owned());
        let held = self.held.take().ok_or_else(lost)?;
        self.is_running = true;
        let (held, done) = waiting(move || {
            let done = work(&held.connection);
            Ok((held, done))
        })
        .await?;
        self.is_running = false;
        self.held = Some(held);
        done
    }
}

impl FileSession {
    async fn finish(mut self: Box<Self>, how: &'static str) -> Result<(), Error> {
        if self.access == Access::Write {
            self.run(move |connection| match connection.is_autocommit() {
                // SQLite undid it by itself.
                true if how == "ROLLBACK" => Ok(()),
                _ => connection.execute_batch(how).map_err(refused),
            })
            .await?;
        }
        if let Some(held) = self.held.take() {
            self.inner.idle.keep(held);
        }
        Ok(())
    }
}

#[async_trait]
impl Session for FileSession {
    async fn rows(&mut self, statement: Statement) -> Result<Rows, Error> {
        self.run(move |connection| rows(connection, statement)).await
    }

    async fn end(self: Box<Self>) -> Result<(), Error> {
        self.finish("COMMIT").await
    }

    async fn undo(self: Box<Self>) -> Result<(), Error> {
        self.finish("ROLLBACK").await
    }
}

impl Drop for FileSession {
    /// What was written is undone as the connection is closed.
    fn drop(&mut self) {
        if self.is_running {
            self.interrupt.interrupt();
        }
        if let (Some(held), Ok(runtime)) = (self.held.take(), tokio::runtime::Handle::try_current()) {
            // Closing the last connection writes the log back into the file.
            runtime.spawn_blocking(move || drop(held));
        }
    }
}

/// Runs what waits for a disk on a thread that may.
async fn waiting<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Error::Failed("using the file failed".to_owned())))
}

fn rows(connection: &Connection, statement: Statement) -> Result<Rows, Error> {
    let mut prepared = connection.prepare(&statement.text).map_err(refused)?;
    let width = prepared.column_count();
    let values = statement.values.into_iter().map(|cell| match cell {
        Cell::Null => Native::Null,
        Cell::Text(text) => Native::Text(text),
        Cell::Integer(number) => Native::Integer(number),
        Cell::Real(number) => Native::Real(number),
        Cell::Bytes(bytes) => Native::Blob(bytes),
    });
    let mut found = prepared.query(params_from_iter(values)).map_err(refused)?;
    let mut answer = Rows::default();
    let mut bytes = 0;
    while let Some(row) = found.next().map_err(refused)? {
        if bytes > MAX_BATCH {
            answer.is_cut = true;
            break;
        }
        let cells = (0..width).map(|at| cell(row.get_ref(at).map_err(refused)?));
        let cells = cells.collect::<Result<Vec<Cell>, Error>>()?;
        bytes += cells.iter().map(Cell::bytes).sum::<usize>();
        answer.rows.push(cells);
    }
    Ok(answer)
}

fn cell(value: ValueRef<'_>) -> Result<Cell, Error> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Cell::Text(text.to_owned()),
            Err(_) => return Err(Error::Failed("a text of the table is not UTF-8".to_owned())),
        },
    })
}

/// What a refusal means. Messages of SQLite name tables and columns, and no values.
fn refused(error: rusqlite::Error) -> Error {
    let rusqlite::Error::SqliteFailure(code, message) = &error else {
        return Error::Failed(error.to_string());
    };
    let text = message.clone().unwrap_or_else(|| code.to_string());
    match code.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::Busy("others keep the file locked".to_owned()),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
            Error::Denied(text)
        }
        ErrorCode::CannotOpen => Error::Unreachable("the file cannot be opened".to_owned()),
        ErrorCode::SystemIoFailure => Error::Lost(text),
        ErrorCode::ConstraintViolation => match code.extended_code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
                let columns = text.rsplit_once(": ").map_or(text.as_str(), |(_, columns)| columns);
                Error::Taken(columns.to_owned())
            }
            _ => Error::Invalid(text),
        },
        ErrorCode::TypeMismatch | ErrorCode::TooBig => Error::Invalid(text),
        _ => Error::Failed(text),
    }
}
