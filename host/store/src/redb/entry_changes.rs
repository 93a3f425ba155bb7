//! What a transaction does to the table of index entries.

use ::redb::WriteTransaction;

use super::tables::ENTRIES;
use crate::document::Revision;
use crate::error::StoreError;
use crate::index::entry::Entries;

/// Index entries to write (with the revision since which they hold) and to remove.
#[derive(Default)]
pub(super) struct EntryChanges(Vec<(Vec<u8>, Option<Revision>)>);

impl EntryChanges {
    /// Replaces the entries of one document. Where its values in an index stay the same, nothing is written, so that
    /// the entries keep telling since when they have been there. Where one changes, all are written: a scan by value
    /// that began before must not take what is left of an array for a document that it has not seen.
    pub(super) fn replace(&mut self, old: &Entries, new: &Entries, revision: Revision) {
        if old == new {
            return;
        }
        for (number, entries) in new.by_index() {
            if old.of(number) != entries {
                self.add(entries, revision);
            }
        }
        let gone = old.iter().filter(|entry| !new.contains(entry));
        self.0.extend(gone.map(|entry| (entry.clone(), None)));
    }

    /// Writes entries.
    pub(super) fn add(&mut self, entries: &[Vec<u8>], revision: Revision) {
        self.0
            .extend(entries.iter().map(|entry| (entry.clone(), Some(revision))));
    }

    /// Writes them into the file, in key order.
    pub(super) fn apply(mut self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort_unstable();
        let mut table = transaction.open_table(ENTRIES)?;
        for (entry, since) in &self.0 {
            match since {
                Some(revision) => drop(table.insert(entry.as_slice(), revision.0)?),
                None => drop(table.remove(entry.as_slice())?),
            }
        }
        Ok(())
    }
}
