//! What redb does on its own: the same bytes as a scan, sorted, a page in each commit.

use std::path::Path;
use std::time::Instant;

use redb::{Database, Durability, TableDefinition};

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");

/// Objects that are committed together, as by the scanner.
const PAGE: usize = 500;

/// Writes each document twice, as a scan does: first its claim, in a commit that need not be durable, then its outcome,
/// in one that is. Objects per second.
pub(crate) fn rate(folder: &Path, documents: &[(String, Vec<u8>)]) -> anyhow::Result<f64> {
    let database = Database::create(folder.join("raw.redb"))?;
    for page in documents.chunks(PAGE) {
        write(&database, page, Durability::Immediate)?;
    }
    let started = instant();
    for page in documents.chunks(PAGE) {
        write(&database, page, Durability::None)?;
        write(&database, page, Durability::Immediate)?;
    }
    Ok(documents.len() as f64 / started.elapsed().as_secs_f64())
}

/// Writes each document once, each page in a durable commit. Objects per second.
pub(crate) fn written_once(folder: &Path, documents: &[(String, Vec<u8>)]) -> anyhow::Result<f64> {
    let database = Database::create(folder.join("raw.redb"))?;
    let started = instant();
    for page in documents.chunks(PAGE) {
        write(&database, page, Durability::Immediate)?;
    }
    Ok(documents.len() as f64 / started.elapsed().as_secs_f64())
}

fn write(database: &Database, page: &[(String, Vec<u8>)], durability: Durability) -> anyhow::Result<()> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(durability)?;
    {
        let mut table = transaction.open_table(TABLE)?;
        for (id, document) in page {
            table.insert(id.as_bytes(), document.as_slice())?;
        }
    }
    transaction.commit()?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a measurement")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}
