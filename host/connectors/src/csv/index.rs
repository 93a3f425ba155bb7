//! Where each object's line is: pairs of the id's hash and the offset, sorted. Whoever finds one looks whether it is the
//! right one, so two ids of one hash do no harm.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::table::{Row, Stamp, Table};
use crate::error::Error;

/// The lines of a file as it was at one moment.
pub(super) struct Index {
    pub(super) stamp: Stamp,
    entries: Vec<(u64, u64)>,
}

impl Index {
    /// Reads the whole table.
    ///
    /// # Errors
    /// An id that is there twice, or a line that is none.
    pub(super) fn of(mut table: Table) -> Result<Self, Error> {
        let mut entries = Vec::new();
        while let Some(row) = table.next_row()? {
            entries.push((hash(table.uid(&row)), row.offset));
        }
        entries.sort_unstable();
        let index = Self {
            stamp: table.stamp,
            entries,
        };
        for pair in index.entries.windows(2) {
            if let [(one, first), (other, second)] = *pair
                && one == other
            {
                let (first, second) = (row_at(&mut table, first)?, row_at(&mut table, second)?);
                if table.uid(&first) == table.uid(&second) {
                    let uid = table.uid(&first);
                    return Err(Error::Failed(format!("the id '{uid}' is there twice")));
                }
            }
        }
        Ok(index)
    }

    /// The line of an object.
    pub(super) fn find(&self, table: &mut Table, uid: &str) -> Result<Option<Row>, Error> {
        let hash = hash(uid);
        let first = self.entries.partition_point(|(other, _)| *other < hash);
        for &(_, offset) in self.entries[first..].iter().take_while(|(other, _)| *other == hash) {
            let row = row_at(table, offset)?;
            if table.uid(&row) == uid {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}

fn row_at(table: &mut Table, offset: u64) -> Result<Row, Error> {
    table.seek(offset)?;
    table
        .next_row()?
        .ok_or_else(|| Error::Changed("the file changed while it was read".to_owned()))
}

fn hash(uid: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    uid.hash(&mut hasher);
    hasher.finish()
}
