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
    /// The index entries that the file holds for it; none as long as nothing that is indexed is written.
    entries: Option<Entries>,
}

/// What a document is at this point of the group.
struct Current {
    revision: Option<Revision>,
    /// Its index entries in the file; only looked for when they may change, and not known yet.
    entries: Option<Entries>,
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
        for write in &changes.writes {
            let current = self.current(write)?;
            if !is_met(write.expected, current.revision) {
                conflicts.push(write.key.clone());
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
                    staged.entries = staged.entries.take().or(entries);
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
            let Some(old) = old else { continue };
            let indexes = catalog.of(&key.collection);
            let new = body.map_or_else(Entries::default, |body| indexes.entries(&body, &key.id));
            entries.replace(&old, &new, revision);
        }
        entries.apply(transaction)?;
        transaction.open_table(NUMBERS)?.insert(NUMBER_REVISION, next.0)?;
        Ok((next, true))
    }

    /// What a document that is to be written is now. Without an expectation and an index, nobody wants to know.
    fn current(&mut self, write: &Write) -> Result<Current, StoreError> {
        let (key, expected) = (&write.key, write.expected);
        let indexes = self.catalog.of(&key.collection);
        let places = write.places.as_deref();
        let is_apart = indexes.is_empty() || places.is_some_and(|places| indexes.are_apart_from(places));
        let staged = self.staged.get(key);
        let revision = staged.map(|staged| staged.body.is_some().then_some(staged.revision));
        let wants_entries = !is_apart && staged.is_none_or(|staged| staged.entries.is_none());
        if !wants_entries && (revision.is_some() || expected == Expectation::Any) {
            return Ok(Current {
                revision: revision.flatten(),
                entries: None,
            });
        }
        tables::document_key(&mut self.buffer, &key.collection, &key.id);
        let found = self.documents.get(self.buffer.as_slice())?;
        let Some(found) = found else {
            return Ok(Current {
                revision: revision.flatten(),
                entries: wants_entries.then(Entries::default),
            });
        };
        let (in_file, body) = tables::split_value(found.value())?;
        Ok(Current {
            revision: revision.unwrap_or(Some(in_file)),
            entries: wants_entries.then(|| indexes.entries(body, &key.id)),
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
    use std::sync::Arc;

    use host_resource::Pointer;

    use super::*;
    use crate::index::{Index, IndexNumber, IndexState};
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
    fn a_mark_beside_what_is_indexed_leaves_the_entries_as_they_are() {
        let (database, _) = file::in_memory(1 << 20).unwrap();
        let mut catalog = Catalog::default();
        let index = Index {
            number: IndexNumber(1),
            pointer: Pointer::parse("/n").unwrap(),
            state: IndexState::Built,
        };
        catalog.set(&Collection::new("managed/user"), vec![index]);
        let mark = |revision: u64, body: &'static str, place: &str| {
            let mut changes = ChangeSet::new();
            let places = Arc::from([Pointer::parse(place).unwrap()]);
            changes.mark(key("a"), Revision(revision), body, &places);
            changes
        };
        let put = |body: &'static str| set(&[("a", Expectation::Any, Some(body))], &[]);
        let mut next = Revision(1);
        let mut check = |sets: Vec<ChangeSet>, body: &str| {
            let transaction = database.begin_write().unwrap();
            let mut group = Group::new(&transaction, &catalog, next).unwrap();
            for set in sets {
                assert!(group.admit(set).unwrap().is_ok(), "{body}");
            }
            next = group.apply().unwrap().0;
            let expected = catalog
                .of(&Collection::new("managed/user"))
                .entries(body.as_bytes(), "a");
            let entries = transaction.open_table(tables::ENTRIES).unwrap();
            let found: Vec<_> = entries
                .iter()
                .unwrap()
                .map(|row| row.unwrap().0.value().to_vec())
                .collect();
            assert!(found.iter().eq(expected.iter()), "{body}: {found:?}");
            drop(entries);
            transaction.commit().unwrap();
        };
        check(vec![put(r#"{"n":1}"#)], r#"{"n":1}"#);
        check(vec![mark(1, r#"{"n":1,"m":1}"#, "/m")], r#"{"n":1}"#);
        check(vec![mark(2, r#"{"n":2,"m":1}"#, "/n/x")], r#"{"n":2}"#);
        check(vec![mark(3, r#"{"n":2,"m":2}"#, "/m"), put(r#"{"n":3}"#)], r#"{"n":3}"#);
        check(vec![put(r#"{"n":4}"#), mark(6, r#"{"n":4,"m":3}"#, "/m")], r#"{"n":4}"#);
        check(
            vec![mark(7, r#"{"n":4,"m":4}"#, "/m"), mark(8, r#"{"n":5,"m":4}"#, "/n")],
            r#"{"n":5}"#,
        );
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
