//! A group commit: many change sets, one after the other, in one transaction of redb.
//!
//! Each is checked against the file and what earlier ones of the group do. What they write is gathered first, so that
//! the table is written once per document, in key order, which is what redb does best.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ::redb::{ReadableTable, Table, WriteTransaction};
use bytes::Bytes;

use super::catalog::Catalog;
use super::entry_changes::EntryChanges;
use super::tables::{self, DOCUMENTS, NUMBER_REVISION, NUMBERS};
use crate::change_set::{ChangeSet, Committed, Expectation, Write};
use crate::document::Revision;
use crate::error::StoreError;
use crate::index::entry::Entries;
use crate::key::Key;

/// A group commit that is being put together.
pub(super) struct Group<'t> {
    transaction: &'t WriteTransaction,
    documents: Table<'t, &'static [u8], &'static [u8]>,
    catalog: &'t Catalog,
    staged: BTreeMap<Key, Staged>,
    next: Revision,
    buffer: Vec<u8>,
}

/// What a document will be.
struct Staged {
    revision: Revision,
    body: Option<Bytes>,
    /// The index entries that the file holds for it.
    entries: Entries,
}

/// What a document is at this point of the group.
struct Current {
    revision: Option<Revision>,
    /// Its index entries in the file; only looked for when it is about to be written.
    entries: Entries,
}

impl<'t> Group<'t> {
    /// An empty group whose first change set gets the revision `next`.
    pub(super) fn new(
        transaction: &'t WriteTransaction,
        catalog: &'t Catalog,
        next: Revision,
    ) -> Result<Self, StoreError> {
        let documents = transaction.open_table(DOCUMENTS)?;
        Ok(Self {
            transaction,
            documents,
            catalog,
            staged: BTreeMap::new(),
            next,
            buffer: Vec::new(),
        })
    }

    /// Adds a change set, or names the documents that are not what it expects.
    pub(super) fn admit(&mut self, mut changes: ChangeSet) -> Result<Result<Committed, Vec<Key>>, StoreError> {
        changes.writes.sort_by(|a, b| a.key.cmp(&b.key));
        let mut conflicts = Vec::new();
        let mut before = Vec::with_capacity(changes.writes.len());
        for Write { key, expected, .. } in &changes.writes {
            let current = self.current(key, *expected)?;
            if !is_met(*expected, current.revision) {
                conflicts.push(key.clone());
            }
            before.push(current.entries);
        }
        for (key, expected) in &changes.reads {
            let is_met = *expected == Expectation::Any || is_met(*expected, self.revision(key)?);
            if !is_met {
                conflicts.push(key.clone());
            }
        }
        if !conflicts.is_empty() {
            conflicts.sort();
            conflicts.dedup();
            return Ok(Err(conflicts));
        }
        if changes.writes.is_empty() {
            return Ok(Ok(Committed {
                revision: Revision(self.next.0 - 1),
            }));
        }
        let revision = self.next;
        self.next = Revision(revision.0 + 1);
        for (Write { key, body, .. }, entries) in changes.writes.into_iter().zip(before) {
            match self.staged.entry(key) {
                Entry::Vacant(place) => drop(place.insert(Staged {
                    revision,
                    body,
                    entries,
                })),
                Entry::Occupied(mut place) => {
                    let staged = place.get_mut();
                    (staged.revision, staged.body) = (revision, body);
                }
            }
        }
        Ok(Ok(Committed { revision }))
    }

    /// Writes what was admitted. Answers the revision of the next change set, and whether there is something to commit.
    pub(super) fn apply(self) -> Result<(Revision, bool), StoreError> {
        let Self {
            transaction,
            mut documents,
            catalog,
            staged,
            next,
            mut buffer,
        } = self;
        if staged.is_empty() {
            return Ok((next, false));
        }
        let mut entries = EntryChanges::default();
        let mut value = Vec::new();
        for (
            key,
            Staged {
                revision,
                body,
                entries: old,
            },
        ) in staged
        {
            tables::document_key(&mut buffer, &key.collection, &key.id);
            match &body {
                Some(body) => {
                    tables::document_value(&mut value, revision, body);
                    documents.insert(buffer.as_slice(), value.as_slice())?;
                }
                None => drop(documents.remove(buffer.as_slice())?),
            }
            let indexes = catalog.of(&key.collection);
            let new = body.map_or_else(Entries::default, |body| indexes.entries(&body, &key.id));
            entries.replace(&old, &new, revision);
        }
        entries.apply(transaction)?;
        transaction.open_table(NUMBERS)?.insert(NUMBER_REVISION, next.0)?;
        Ok((next, true))
    }

    /// What a document that is to be written is now. Without an expectation and an index, nobody wants to know.
    fn current(&mut self, key: &Key, expected: Expectation) -> Result<Current, StoreError> {
        if let Some(staged) = self.staged.get(key) {
            // The entries in the file were found when it was staged.
            return Ok(Current {
                revision: staged.body.is_some().then_some(staged.revision),
                entries: Entries::default(),
            });
        }
        let indexes = self.catalog.of(&key.collection);
        if expected == Expectation::Any && indexes.is_empty() {
            return Ok(Current {
                revision: None,
                entries: Entries::default(),
            });
        }
        tables::document_key(&mut self.buffer, &key.collection, &key.id);
        let Some(found) = self.documents.get(self.buffer.as_slice())? else {
            return Ok(Current {
                revision: None,
                entries: Entries::default(),
            });
        };
        let (revision, body) = tables::split_value(found.value())?;
        Ok(Current {
            revision: Some(revision),
            entries: indexes.entries(body, &key.id),
        })
    }

    /// The revision of a document that is only read.
    fn revision(&mut self, key: &Key) -> Result<Option<Revision>, StoreError> {
        if let Some(staged) = self.staged.get(key) {
            return Ok(staged.body.is_some().then_some(staged.revision));
        }
        tables::document_key(&mut self.buffer, &key.collection, &key.id);
        let found = self.documents.get(self.buffer.as_slice())?;
        found
            .map(|found| tables::split_value(found.value()).map(|(revision, _)| revision))
            .transpose()
    }
}

fn is_met(expected: Expectation, current: Option<Revision>) -> bool {
    match expected {
        Expectation::Any => true,
        Expectation::Absent => current.is_none(),
        Expectation::Revision(revision) => current == Some(revision),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Collection;
    use crate::redb::file;

    fn key(id: &str) -> Key {
        Collection::new("managed/user").key(id)
    }

    fn set(writes: &[(&str, Expectation, Option<&'static str>)], reads: &[(&str, Expectation)]) -> ChangeSet {
        let mut changes = ChangeSet::new();
        for (id, expected, body) in writes {
            match body {
                Some(body) => changes.put(key(id), *expected, *body),
                None => changes.delete(key(id), *expected),
            }
        }
        for (id, expected) in reads {
            changes.require(key(id), *expected);
        }
        changes
    }

    #[test]
    fn each_set_sees_what_earlier_ones_of_its_group_do() {
        use Expectation::{Absent, Any, Revision as At};
        let (database, _) = file::in_memory(1 << 20).unwrap();
        let transaction = database.begin_write().unwrap();
        let catalog = Catalog::default();
        let mut group = Group::new(&transaction, &catalog, Revision(5)).unwrap();
        let mut admit = |changes: ChangeSet| group.admit(changes).unwrap().map(|committed| committed.revision.0);
        assert_eq!(
            admit(set(&[("a", Absent, Some("1")), ("b", Any, Some("1"))], &[])),
            Ok(5)
        );
        assert_eq!(
            admit(set(&[("b", Absent, Some("2"))], &[("a", Absent), ("c", Absent)])),
            Err(vec![key("a"), key("b")])
        );
        assert_eq!(admit(set(&[], &[("a", At(Revision(5)))])), Ok(5));
        assert_eq!(
            admit(set(&[("a", At(Revision(5)), None)], &[("b", At(Revision(5)))])),
            Ok(6)
        );
        assert_eq!(
            admit(set(&[("c", Any, Some("1"))], &[("a", At(Revision(5)))])),
            Err(vec![key("a")])
        );
        assert_eq!(admit(set(&[("c", Any, Some("1"))], &[("a", Absent)])), Ok(7));
        assert_eq!(admit(set(&[("a", Absent, Some("3"))], &[])), Ok(8));
        assert!(matches!(group.apply(), Ok((Revision(9), true))));
        let documents = transaction.open_table(DOCUMENTS).unwrap();
        let stored: Vec<_> = documents
            .iter()
            .unwrap()
            .map(|row| {
                let (_, value) = row.unwrap();
                let (revision, body) = tables::split_value(value.value()).unwrap();
                (revision.0, String::from_utf8(body.to_vec()).unwrap())
            })
            .collect();
        assert_eq!(stored, [(8, "3".to_owned()), (5, "1".to_owned()), (7, "1".to_owned())]);
    }

    #[test]
    fn a_group_in_which_nobody_writes_is_not_committed() {
        let (database, _) = file::in_memory(1 << 20).unwrap();
        let transaction = database.begin_write().unwrap();
        let catalog = Catalog::default();
        let mut group = Group::new(&transaction, &catalog, Revision(5)).unwrap();
        assert!(group.admit(set(&[], &[("a", Expectation::Absent)])).unwrap().is_ok());
        assert!(
            group
                .admit(set(&[("a", Expectation::Revision(Revision(1)), None)], &[]))
                .unwrap()
                .is_err()
        );
        assert!(matches!(group.apply(), Ok((Revision(5), false))));
    }
}
