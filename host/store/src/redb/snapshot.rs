//! A tenant's documents at one moment: one read transaction. Reading is synchronous; what the page cache holds is read in
//! less time than handing it to another thread would take.

use std::ops::Bound;

use ::redb::{ReadOnlyTable, ReadTransaction};
use async_trait::async_trait;
use bytes::Bytes;

use super::candidates::{self, Candidates};
use super::catalog;
use super::page::PageBuilder;
use super::position::Position;
use super::tables::{self, DOCUMENTS, ENTRIES, INDEXES, NUMBER_REVISION, NUMBERS};
use crate::document::{Document, Revision};
use crate::error::StoreError;
use crate::index::plan::{self, Plan};
use crate::index::{Index, Indexes, entry};
use crate::key::Key;
use crate::scan::{Order, Scan, ScanPage};
use crate::store::Snapshot;

/// A tenant's documents at one moment.
pub(super) struct RedbSnapshot {
    // Before the transaction, whose pages it reads.
    documents: ReadOnlyTable<&'static [u8], &'static [u8]>,
    transaction: ReadTransaction,
}

#[async_trait]
impl Snapshot for RedbSnapshot {
    async fn get(&self, key: &Key) -> Result<Option<Document>, StoreError> {
        let mut stored = Vec::with_capacity(key.collection.name().len() + 1 + key.id.len());
        tables::document_key(&mut stored, &key.collection, &key.id);
        let Some(found) = self.documents.get(stored.as_slice())? else {
            return Ok(None);
        };
        let (revision, body) = tables::split_value(found.value())?;
        Ok(Some(Document {
            id: key.id.clone(),
            revision,
            body: Bytes::copy_from_slice(body),
        }))
    }

    async fn scan(&self, scan: &Scan) -> Result<ScanPage, StoreError> {
        let mut page = PageBuilder::new(scan);
        let next = self.fill(scan, &mut page)?;
        let (documents, examined) = page.finish();
        Ok(ScanPage {
            documents,
            cursor: next.map(|next| next.cursor(&scan.collection)),
            examined,
        })
    }
}

impl RedbSnapshot {
    /// What a transaction sees.
    pub(super) fn new(transaction: ReadTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            documents: transaction.open_table(DOCUMENTS)?,
            transaction,
        })
    }

    /// Chooses how to find the documents. Answers where the next page begins, if there is one.
    fn fill(&self, scan: &Scan, page: &mut PageBuilder) -> Result<Option<Position>, StoreError> {
        let position = scan
            .after
            .as_ref()
            .map(|cursor| Position::of(cursor, &scan.collection))
            .transpose()?;
        let is_broad = matches!(position, Some(Position::Id { is_broad: true, .. }));
        let indexes = if scan.filter.is_some() && !is_broad {
            self.indexes(scan)?
        } else {
            Vec::new()
        };
        match (position, &scan.order) {
            (None, Order::Value(pointer)) => match self.plan_on(&indexes, scan, pointer) {
                Some(plan) => self.by_value(scan, page, &indexes, &plan, self.revision()?, None),
                None => self.by_id(scan, page, &indexes, scan.behind.as_deref().map(Box::from)),
            },
            (Some(Position::Value { index, began, after }), Order::Value(pointer)) => {
                let plan = self
                    .plan_on(&indexes, scan, pointer)
                    .filter(|plan| plan.number == index)
                    .ok_or(StoreError::Cursor)?;
                self.by_value(scan, page, &indexes, &plan, began, Some(&after))
            }
            (Some(Position::Value { .. }), Order::Id) => Err(StoreError::Cursor),
            (Some(Position::Id { after, .. }), _) => self.by_id(scan, page, &indexes, after),
            (None, Order::Id) => self.by_id(scan, page, &indexes, scan.behind.as_deref().map(Box::from)),
        }
    }

    fn by_id(
        &self,
        scan: &Scan,
        page: &mut PageBuilder,
        indexes: &[Index],
        after: Option<Box<str>>,
    ) -> Result<Option<Position>, StoreError> {
        if let Some(plan) = scan.filter.as_deref().and_then(|filter| plan::best(indexes, filter)) {
            let entries = self.transaction.open_table(ENTRIES)?;
            if let Some(candidates) = Candidates::find(&entries, &plan, after.as_deref())? {
                let end = self.take_candidates(scan, page, candidates, after)?;
                return Ok(end.map(|after| Position::Id { after, is_broad: false }));
            }
        }
        let end = self.take_all(scan, page, after)?;
        Ok(end.map(|after| Position::Id { after, is_broad: true }))
    }

    /// Fills the page from the ids that an index names. Answers the id behind which the next page begins.
    fn take_candidates(
        &self,
        scan: &Scan,
        page: &mut PageBuilder,
        mut candidates: Candidates<'_>,
        mut after: Option<Box<str>>,
    ) -> Result<Option<Option<Box<str>>>, StoreError> {
        let mut key = Vec::new();
        while let Some(id) = candidates.peek()? {
            if page.is_full() || !self.offer(scan, page, &mut key, id)? {
                return Ok(Some(after));
            }
            after = candidates.take();
        }
        Ok(None)
    }

    /// Fills the page from the whole collection. Answers the id behind which the next page begins.
    fn take_all(
        &self,
        scan: &Scan,
        page: &mut PageBuilder,
        after: Option<Box<str>>,
    ) -> Result<Option<Option<Box<str>>>, StoreError> {
        let mut last = Vec::new();
        tables::document_key(&mut last, &scan.collection, after.as_deref().unwrap_or_default());
        let end = tables::collection_end(&scan.collection);
        let from = if after.is_some() {
            Bound::Excluded(last.as_slice())
        } else {
            Bound::Included(last.as_slice())
        };
        let mut is_begun = after.is_some();
        for row in self.documents.range::<&[u8]>((from, Bound::Excluded(end.as_slice())))? {
            let (key, value) = row?;
            let key = key.value();
            if page.is_full() || !page.offer(tables::id_of(&scan.collection, key)?, value.value())? {
                let after = if is_begun {
                    Some(tables::id_of(&scan.collection, &last)?.into())
                } else {
                    None
                };
                return Ok(Some(after));
            }
            last.clear();
            last.extend_from_slice(key);
            is_begun = true;
        }
        Ok(None)
    }

    /// Fills the page in the order of an index. Each document comes at its first entry among those that the plan reads.
    fn by_value(
        &self,
        scan: &Scan,
        page: &mut PageBuilder,
        indexes: &[Index],
        plan: &Plan,
        began: Revision,
        after: Option<&[u8]>,
    ) -> Result<Option<Position>, StoreError> {
        let prefix = entry::index_prefix(plan.number);
        let mut last = after
            .map(|after| [prefix.as_slice(), after].concat())
            .unwrap_or_default();
        let index = Indexes::new(
            indexes
                .iter()
                .filter(|index| index.number == plan.number)
                .cloned()
                .collect(),
        );
        let entries = self.transaction.open_table(ENTRIES)?;
        let mut key = Vec::new();
        let skipped = plan.ranges.partition_point(|range| range.to <= last);
        for range in &plan.ranges[skipped..] {
            let from = if range.from <= last {
                Bound::Excluded(last.clone())
            } else {
                Bound::Included(range.from.clone())
            };
            let from = from.as_ref().map(Vec::as_slice);
            for row in entries.range::<&[u8]>((from, Bound::Excluded(range.to.as_slice())))? {
                let (entry, since) = row?;
                let entry = entry.value();
                let has_moved = since.value() > began.0;
                if page.is_full() || !self.offer_entry(scan, page, &mut key, entry, has_moved, (&index, plan))? {
                    let after = last.get(prefix.len()..).unwrap_or_default().into();
                    return Ok(Some(Position::Value {
                        index: plan.number,
                        began,
                        after,
                    }));
                }
                last.clear();
                last.extend_from_slice(entry);
            }
        }
        Ok(None)
    }

    /// Offers the document of an index entry, unless it comes at another one. False when it has no room.
    fn offer_entry(
        &self,
        scan: &Scan,
        page: &mut PageBuilder,
        key: &mut Vec<u8>,
        entry: &[u8],
        has_moved: bool,
        (index, plan): (&Indexes, &Plan),
    ) -> Result<bool, StoreError> {
        if has_moved {
            page.pass(0);
            return Ok(true);
        }
        let id = candidates::id_in(entry)?;
        tables::document_key(key, &scan.collection, id);
        let found = self.documents.get(key.as_slice())?.ok_or_else(|| lost(id))?;
        let (_, body) = tables::split_value(found.value())?;
        let entries = index.entries(body, id);
        if entries
            .iter()
            .find(|entry| plan.contains(entry))
            .is_some_and(|first| first != entry)
        {
            page.pass(body.len());
            return Ok(true);
        }
        page.offer(id, found.value())
    }

    /// Offers a document that an index names. False when it has no room.
    fn offer(&self, scan: &Scan, page: &mut PageBuilder, key: &mut Vec<u8>, id: &str) -> Result<bool, StoreError> {
        tables::document_key(key, &scan.collection, id);
        let found = self.documents.get(key.as_slice())?.ok_or_else(|| lost(id))?;
        page.offer(id, found.value())
    }

    fn indexes(&self, scan: &Scan) -> Result<Vec<Index>, StoreError> {
        catalog::indexes_of(&scan.collection, &self.transaction.open_table(INDEXES)?)
    }

    fn plan_on(&self, indexes: &[Index], scan: &Scan, pointer: &host_resource::Pointer) -> Option<Plan> {
        plan::on(indexes, pointer, scan.filter.as_deref()?)
    }

    /// The last commit that this snapshot sees.
    fn revision(&self) -> Result<Revision, StoreError> {
        let next = self
            .transaction
            .open_table(NUMBERS)?
            .get(NUMBER_REVISION)?
            .map_or(1, |next| next.value());
        Ok(Revision(next - 1))
    }
}

fn lost(id: &str) -> StoreError {
    StoreError::Damaged(format!("an index names the document {id}, which does not exist"))
}
