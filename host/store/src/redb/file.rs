//! A tenant's file: opened, made, checked, and what the writer has to know of it.

use std::path::Path;

use ::redb::backends::InMemoryBackend;
use ::redb::{Builder, Database, ReadableDatabase, TableError};

use super::catalog::Catalog;
use super::failure;
use super::tables::{DOCUMENTS, ENTRIES, FORMAT, INDEXES, NUMBER_FORMAT, NUMBER_INDEX, NUMBER_REVISION, NUMBERS};
use super::writer::VISIBLE_SETS;
use crate::document::Revision;
use crate::error::StoreError;
use crate::index::IndexNumber;

/// So many revisions are left out when a file is opened. A crash forgets commits that were only visible, at most
/// [`VISIBLE_SETS`] of them, and somebody may have seen their revisions: they must not come again with other contents.
pub(super) const REVISION_GAP: u64 = 1 << 16;

const _: () = assert!(
    VISIBLE_SETS < REVISION_GAP,
    "a revision that a crash forgot would be given twice"
);

/// What a file holds besides documents.
pub(super) struct Contents {
    pub(super) next_revision: Revision,
    pub(super) next_index: IndexNumber,
    pub(super) catalog: Catalog,
}

/// Opens a file, or makes it.
pub(super) fn open(path: &Path, cache_bytes: usize) -> Result<(Database, Contents), StoreError> {
    let database = Builder::new()
        .set_cache_size(cache_bytes)
        .create(path)
        .map_err(|error| failure::opening(path, error))?;
    let contents = contents(&database, &path.display().to_string())?;
    Ok((database, contents))
}

/// Makes a file that is only in memory.
pub(super) fn in_memory(cache_bytes: usize) -> Result<(Database, Contents), StoreError> {
    let database = Builder::new()
        .set_cache_size(cache_bytes)
        .create_with_backend(InMemoryBackend::new())
        .map_err(StoreError::engine)?;
    let contents = contents(&database, "memory")?;
    Ok((database, contents))
}

/// What a file holds, or what a new one begins with.
pub(super) fn contents(database: &Database, name: &str) -> Result<Contents, StoreError> {
    let transaction = database.begin_read()?;
    let numbers = match transaction.open_table(NUMBERS) {
        Err(TableError::TableDoesNotExist(_)) => {
            create(database)?;
            return Ok(Contents {
                next_revision: Revision(1),
                next_index: IndexNumber(1),
                catalog: Catalog::default(),
            });
        }
        table => table?,
    };
    let number = |key: &str| -> Result<Option<u64>, StoreError> { Ok(numbers.get(key)?.map(|found| found.value())) };
    match number(NUMBER_FORMAT)? {
        Some(FORMAT) => {}
        found => {
            let found = found.map_or("none".to_owned(), |format| format.to_string());
            return Err(StoreError::Damaged(format!(
                "{name}: the format is {found}, this version reads {FORMAT}"
            )));
        }
    }
    let next_index = u32::try_from(number(NUMBER_INDEX)?.unwrap_or(1))
        .map_err(|_| StoreError::Damaged(format!("{name}: the number of the next index is too large")))?;
    Ok(Contents {
        next_revision: Revision(number(NUMBER_REVISION)?.map_or(1, |next| next + REVISION_GAP)),
        next_index: IndexNumber(next_index),
        catalog: Catalog::load(&transaction.open_table(INDEXES)?)?,
    })
}

/// All tables are made at once, so that readers find them.
fn create(database: &Database) -> Result<(), StoreError> {
    let transaction = database.begin_write()?;
    transaction.open_table(DOCUMENTS)?;
    transaction.open_table(ENTRIES)?;
    transaction.open_table(INDEXES)?;
    transaction.open_table(NUMBERS)?.insert(NUMBER_FORMAT, FORMAT)?;
    Ok(transaction.commit()?)
}
