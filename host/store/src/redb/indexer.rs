//! Declares, builds and drops indexes, in transactions of bounded size between the commits of the writer thread.
//!
//! A commit maintains an index from the moment it is declared. What lay there before is taken up by steps in id order;
//! the file says how far they have come, so that a build goes on after a crash. Both may write the same entry: an entry
//! says what a document holds now, whoever writes it.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use ::redb::{Database, ReadableTable, WriteTransaction};
use host_resource::Pointer;
use tokio::sync::oneshot;

use super::catalog::Catalog;
use super::entry_changes::EntryChanges;
use super::tables::{self, DOCUMENTS, ENTRIES, INDEXES, NUMBER_INDEX, NUMBERS};
use crate::error::StoreError;
use crate::index::entry::{Entries, index_end, index_prefix};
use crate::index::{Index, IndexNumber, IndexState, Indexes};
use crate::key::Collection;

/// Documents that one step of a build takes up. Some milliseconds of work, so that commits do not wait long for it, and
/// much more work than an fsync is.
const STEP_DOCUMENTS: usize = 2000;
/// A step of a build ends once it has read so many bytes, however few documents these are.
const STEP_BYTES: usize = 8 << 20;
/// Entries that one step removes from a dropped index; about as long as a step of a build.
const STEP_ENTRIES: usize = 10_000;

/// The declared indexes of a tenant and what is to be done about them.
pub(super) struct Indexer {
    database: Arc<Database>,
    catalog: Catalog,
    next_index: IndexNumber,
    unfinished: VecDeque<(Collection, IndexNumber)>,
    waiting: Vec<Waiting>,
}

/// Somebody who wants to know when indexes are built.
struct Waiting {
    numbers: Vec<IndexNumber>,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

impl Indexer {
    /// Takes up what an earlier process has left unfinished.
    pub(super) fn new(database: Arc<Database>, catalog: Catalog, next_index: IndexNumber) -> Self {
        let unfinished = catalog.unfinished().into();
        Self {
            database,
            catalog,
            next_index,
            unfinished,
            waiting: Vec::new(),
        }
    }

    /// What is declared now.
    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Whether there is nothing to build and nothing to drop.
    pub(super) fn is_idle(&self) -> bool {
        self.unfinished.is_empty()
    }

    /// Changes the declaration of a collection; the answer comes when what it names is built.
    pub(super) fn declare(
        &mut self,
        collection: &Collection,
        pointers: Vec<Pointer>,
        answer: oneshot::Sender<Result<(), StoreError>>,
    ) {
        match self.change(collection, pointers) {
            Ok(numbers) => {
                self.waiting.push(Waiting { numbers, answer });
                self.answer();
            }
            Err(error) => drop(answer.send(Err(error))),
        }
    }

    /// One step for the index that comes first.
    pub(super) fn step(&mut self) {
        let Some((collection, number)) = self.unfinished.front().cloned() else {
            return;
        };
        let outcome = self.in_transaction(|transaction, catalog| advance(transaction, catalog, &collection, number));
        match outcome {
            Ok(Progress::More) => {}
            Ok(Progress::Finished) => {
                self.unfinished.pop_front();
                self.answer();
            }
            Err(error) => {
                // It is taken up again when it is declared again, or at the next open.
                tracing::error!(%error, cause = std::error::Error::source(&error), %collection, "building an index failed");
                self.unfinished.pop_front();
                self.fail(number, &error);
            }
        }
    }

    /// Writes the new declaration, and in the same transaction the first step of what is new: over an empty collection
    /// that is all there is to do. Answers which of the declared indexes are not built yet.
    fn change(&mut self, collection: &Collection, pointers: Vec<Pointer>) -> Result<Vec<IndexNumber>, StoreError> {
        let mut indexes = self.catalog.of(collection).list().to_vec();
        for index in &mut indexes {
            if !pointers.contains(&index.pointer) {
                index.state = IndexState::Dropping;
            }
        }
        let mut next = self.next_index;
        for pointer in pointers {
            if !indexes
                .iter()
                .any(|index| index.pointer == pointer && index.state != IndexState::Dropping)
            {
                indexes.push(Index {
                    number: next,
                    pointer,
                    state: IndexState::Building { after: None },
                });
                next = IndexNumber(next.0 + 1);
            }
        }
        let is_new = |number: IndexNumber| number >= self.next_index;
        if self.catalog.of(collection).list() != indexes {
            let new: Vec<_> = indexes
                .iter()
                .map(|index| index.number)
                .filter(|number| is_new(*number))
                .collect();
            self.in_transaction(|transaction, catalog| {
                catalog.set(collection, indexes);
                transaction
                    .open_table(NUMBERS)?
                    .insert(NUMBER_INDEX, u64::from(next.0))?;
                for number in new {
                    advance(transaction, catalog, collection, number)?;
                }
                catalog.store(collection, &mut transaction.open_table(INDEXES)?)
            })?;
            self.next_index = next;
        }
        let mut building = Vec::new();
        for index in self.catalog.of(collection).list() {
            if index.state == IndexState::Built {
                continue;
            }
            if !self.unfinished.iter().any(|(_, number)| *number == index.number) {
                self.unfinished.push_back((collection.clone(), index.number));
            }
            if index.state != IndexState::Dropping {
                building.push(index.number);
            }
        }
        Ok(building)
    }

    /// Answers those who wait for nothing any more.
    fn answer(&mut self) {
        let is_unfinished = |number: &IndexNumber| self.unfinished.iter().any(|(_, unfinished)| unfinished == number);
        for done in self
            .waiting
            .extract_if(.., |waiting| !waiting.numbers.iter().any(is_unfinished))
        {
            let _ = done.answer.send(Ok(()));
        }
    }

    fn fail(&mut self, number: IndexNumber, error: &StoreError) {
        for failed in self.waiting.extract_if(.., |waiting| waiting.numbers.contains(&number)) {
            let _ = failed.answer.send(Err(error.clone()));
        }
    }

    /// Changes file and catalog together: when one stays as it was, so does the other.
    fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&WriteTransaction, &mut Catalog) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transaction = self.database.begin_write()?;
        let mut catalog = self.catalog.clone();
        let outcome = work(&transaction, &mut catalog)?;
        transaction.commit()?;
        self.catalog = catalog;
        Ok(outcome)
    }
}

/// Whether an index needs further steps.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Progress {
    More,
    Finished,
}

/// One step for one index, with the catalog's row for it.
fn advance(
    transaction: &WriteTransaction,
    catalog: &mut Catalog,
    collection: &Collection,
    number: IndexNumber,
) -> Result<Progress, StoreError> {
    let mut indexes = catalog.of(collection).list().to_vec();
    let Some(at) = indexes.iter().position(|index| index.number == number) else {
        return Ok(Progress::Finished);
    };
    let progress = match indexes[at].state.clone() {
        IndexState::Built => return Ok(Progress::Finished),
        IndexState::Building { after } => match build(transaction, collection, &indexes[at], after.as_deref())? {
            Some(last) => {
                indexes[at].state = IndexState::Building { after: Some(last) };
                Progress::More
            }
            None => {
                indexes[at].state = IndexState::Built;
                Progress::Finished
            }
        },
        IndexState::Dropping => match empty(transaction, number)? {
            Progress::More => return Ok(Progress::More),
            Progress::Finished => {
                indexes.remove(at);
                Progress::Finished
            }
        },
    };
    catalog.set(collection, indexes);
    catalog.store(collection, &mut transaction.open_table(INDEXES)?)?;
    Ok(progress)
}

/// Takes up the next documents behind an id. Answers the last of them, or nothing when there are no more.
fn build(
    transaction: &WriteTransaction,
    collection: &Collection,
    index: &Index,
    after: Option<&str>,
) -> Result<Option<Arc<str>>, StoreError> {
    let documents = transaction.open_table(DOCUMENTS)?;
    let mut from = Vec::new();
    tables::document_key(&mut from, collection, after.unwrap_or_default());
    let from = if after.is_some() {
        Bound::Excluded(from.as_slice())
    } else {
        Bound::Included(from.as_slice())
    };
    let end = tables::collection_end(collection);
    let index = Indexes::new(vec![index.clone()]);
    let mut changes = EntryChanges::default();
    let mut last = None;
    let mut bytes = 0;
    for (count, row) in documents
        .range::<&[u8]>((from, Bound::Excluded(end.as_slice())))?
        .enumerate()
    {
        if count == STEP_DOCUMENTS || bytes >= STEP_BYTES {
            break;
        }
        let (key, value) = row?;
        let id = tables::id_of(collection, key.value())?;
        let (revision, body) = tables::split_value(value.value())?;
        changes.replace(&Entries::default(), &index.entries(body, id), revision);
        bytes += body.len();
        last = Some(Arc::from(id));
    }
    changes.apply(transaction)?;
    Ok(last)
}

/// Removes entries of a dropped index.
fn empty(transaction: &WriteTransaction, number: IndexNumber) -> Result<Progress, StoreError> {
    let mut table = transaction.open_table(ENTRIES)?;
    let (from, to) = (index_prefix(number), index_end(number));
    let removed = table
        .extract_from_if::<&[u8], _>(from.as_slice()..to.as_slice(), |_, _| true)?
        .take(STEP_ENTRIES);
    let count = removed.map(|row| row.map(drop)).collect::<Result<Vec<()>, _>>()?.len();
    Ok(if count == STEP_ENTRIES {
        Progress::More
    } else {
        Progress::Finished
    })
}

#[cfg(test)]
mod tests {
    use ::redb::ReadableDatabase;

    use super::*;
    use crate::change_set::{ChangeSet, Expectation};
    use crate::document::Revision;
    use crate::redb::file;
    use crate::redb::group::Group;

    fn users() -> Collection {
        Collection::new("managed/user")
    }

    fn commit(database: &Database, catalog: &Catalog, changes: ChangeSet) {
        let transaction = database.begin_write().unwrap();
        let mut group = Group::new(&transaction, catalog, Revision(7)).unwrap();
        group.admit(changes).unwrap().unwrap();
        group.apply().unwrap();
        transaction.commit().unwrap();
    }

    fn put(changes: &mut ChangeSet, n: usize, value: usize) {
        changes.put(
            users().key(format!("{n:05}")),
            Expectation::Any,
            format!(r#"{{"value":{value}}}"#),
        );
    }

    fn entries(database: &Database) -> Vec<Vec<u8>> {
        let table = database.begin_read().unwrap().open_table(ENTRIES).unwrap();
        table
            .iter()
            .unwrap()
            .map(|row| row.unwrap().0.value().to_vec())
            .collect()
    }

    /// What the index must hold, from the documents.
    fn expected(database: &Database, indexes: &Indexes) -> Vec<Vec<u8>> {
        let table = database.begin_read().unwrap().open_table(DOCUMENTS).unwrap();
        let mut expected = Vec::new();
        for row in table.iter().unwrap() {
            let (key, value) = row.unwrap();
            let (_, body) = tables::split_value(value.value()).unwrap();
            expected.extend(
                indexes
                    .entries(body, tables::id_of(&users(), key.value()).unwrap())
                    .iter()
                    .cloned(),
            );
        }
        expected.sort();
        expected
    }

    fn reopened(database: &Arc<Database>) -> Indexer {
        let contents = file::contents(database, "memory").unwrap();
        Indexer::new(database.clone(), contents.catalog, contents.next_index)
    }

    #[test]
    fn a_build_that_a_crash_interrupts_goes_on_where_it_was() {
        let (database, _) = file::in_memory(1 << 20).unwrap();
        let database = Arc::new(database);
        let mut all = ChangeSet::new();
        (0..3 * STEP_DOCUMENTS).for_each(|n| put(&mut all, n, n % 10));
        commit(&database, &Catalog::default(), all);
        let mut indexer = reopened(&database);
        let (answer, mut built) = oneshot::channel();
        indexer.declare(&users(), vec!["/value".parse().unwrap()], answer);
        let mut steps = 0;
        while !indexer.is_idle() {
            // Behind what is built and before it; and then the crash.
            let mut changes = ChangeSet::new();
            put(&mut changes, 17 + steps, 100 + steps);
            put(&mut changes, 3 * STEP_DOCUMENTS - 17 - steps, 200 + steps);
            changes.delete(
                users().key(format!("{:05}", 2 * STEP_DOCUMENTS + steps)),
                Expectation::Any,
            );
            changes.delete(users().key(format!("{:05}", 30 + steps)), Expectation::Any);
            commit(&database, indexer.catalog(), changes);
            indexer = reopened(&database);
            assert!(matches!(built.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
            indexer.step();
            steps += 1;
        }
        assert_eq!(steps, 3);
        let indexes = indexer.catalog().of(&users());
        assert!(indexes.list().iter().all(|index| index.state == IndexState::Built));
        assert_eq!(entries(&database), expected(&database, &indexes));

        let (answer, mut dropped) = oneshot::channel();
        indexer.declare(&users(), Vec::new(), answer);
        assert!(
            matches!(dropped.try_recv(), Ok(Ok(()))),
            "nobody waits for entries to be removed"
        );
        let (answer, mut again) = oneshot::channel();
        indexer.declare(&users(), vec!["/value".parse().unwrap()], answer);
        indexer = reopened(&database);
        while !indexer.is_idle() {
            indexer.step();
        }
        assert!(matches!(again.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
        let declared = indexer.catalog().of(&users());
        assert_eq!(declared.list().len(), 1);
        assert_ne!(declared.list()[0].number, indexes.list()[0].number);
        assert_eq!(entries(&database), expected(&database, &declared));
    }
}
