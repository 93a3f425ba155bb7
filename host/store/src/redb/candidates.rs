//! The ids that an index names, in the order of ids, from any position: what a plan reads to answer a scan by id.
//!
//! The entries of a single value are in that order already and are read in batches. The entries of a range are in the
//! order of values: all of them are read and sorted, if they are few, on every page. That is what makes the scan exact:
//! a document that moves within the range keeps its place among the ids.

use std::ops::Bound;
use std::vec;

use ::redb::ReadOnlyTable;

use crate::error::StoreError;
use crate::index::entry;
use crate::index::plan::{Class, Plan};

/// Ids that are read at once where they come in order; a few pages' worth.
const BATCH: usize = 2048;
/// Of each of many values at least so many.
const SMALLEST_SHARE: usize = 8;
/// Entries that are gathered and sorted for one page: about the time that it takes to look at so many thousand documents
/// of the collection instead, which is what is done when there are more.
const GATHER: usize = 20_000;

/// The ids that a plan names, in order.
pub(super) struct Candidates<'s> {
    entries: &'s ReadOnlyTable<&'static [u8], u64>,
    plan: &'s Plan,
    batch: vec::IntoIter<Box<str>>,
    /// Behind this id there may be more than the batch; none when there is not.
    more_behind: Option<Box<str>>,
}

impl<'s> Candidates<'s> {
    /// The ids behind a position; none when they are too many to be read.
    pub(super) fn find(
        entries: &'s ReadOnlyTable<&'static [u8], u64>,
        plan: &'s Plan,
        after: Option<&str>,
    ) -> Result<Option<Self>, StoreError> {
        let mut found = Self {
            entries,
            plan,
            batch: Vec::new().into_iter(),
            more_behind: None,
        };
        if plan.class <= Class::Booleans {
            found.read_batch(after)?;
            return Ok(Some(found));
        }
        Ok(gather(entries, plan, after)?.map(|ids| Self {
            batch: ids.into_iter(),
            ..found
        }))
    }

    /// The next id, which stays the next.
    pub(super) fn peek(&mut self) -> Result<Option<&str>, StoreError> {
        while self.batch.as_slice().is_empty() {
            let Some(after) = self.more_behind.take() else {
                return Ok(None);
            };
            self.read_batch(Some(&after))?;
        }
        Ok(self.batch.as_slice().first().map(|id| &**id))
    }

    /// Takes the next id.
    pub(super) fn take(&mut self) -> Option<Box<str>> {
        self.batch.next()
    }

    /// Reads the next ids of every value. What lies behind the first that has more than its share is left for later.
    fn read_batch(&mut self, after: Option<&str>) -> Result<(), StoreError> {
        let share = (BATCH / self.plan.ranges.len().max(1)).max(SMALLEST_SHARE);
        let mut ids: Vec<Box<str>> = Vec::new();
        let mut horizon: Option<Box<str>> = None;
        for range in &self.plan.ranges {
            let from = [range.from.as_slice(), after.unwrap_or_default().as_bytes()].concat();
            let from = if after.is_some() {
                Bound::Excluded(from.as_slice())
            } else {
                Bound::Included(from.as_slice())
            };
            let rows = self
                .entries
                .range::<&[u8]>((from, Bound::Excluded(range.to.as_slice())))?;
            let before = ids.len();
            for row in rows.take(share) {
                ids.push(id_in(row?.0.value())?.into());
            }
            if ids.len() - before == share {
                let last = ids.last().cloned();
                horizon = if horizon.is_none() { last } else { horizon.min(last) };
            }
        }
        ids.sort_unstable();
        ids.dedup();
        if let Some(horizon) = &horizon {
            ids.truncate(ids.partition_point(|id| id <= horizon));
        }
        (self.batch, self.more_behind) = (ids.into_iter(), horizon);
        Ok(())
    }
}

/// All ids of a plan behind a position; none when there are more than [`GATHER`].
fn gather(
    entries: &ReadOnlyTable<&'static [u8], u64>,
    plan: &Plan,
    after: Option<&str>,
) -> Result<Option<Vec<Box<str>>>, StoreError> {
    let mut ids: Vec<Box<str>> = Vec::new();
    let mut read = 0;
    for range in &plan.ranges {
        for row in entries.range::<&[u8]>(range.from.as_slice()..range.to.as_slice())? {
            read += 1;
            if read > GATHER {
                return Ok(None);
            }
            let (entry, _) = row?;
            let id = id_in(entry.value())?;
            if after.is_none_or(|after| id > after) {
                ids.push(id.into());
            }
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(Some(ids))
}

/// The id in an index entry.
pub(super) fn id_in(entry: &[u8]) -> Result<&str, StoreError> {
    entry::split(entry)
        .map(|(_, id)| id)
        .ok_or_else(|| StoreError::Damaged("an index entry cannot be read".to_owned()))
}
