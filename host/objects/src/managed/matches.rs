//! What a query finds, one short page after the other, so that a query holds no more in memory than it answers.

use host_store::unit_of_work::{Seen, SeenPage, UnitError};
use host_store::{Cursor, Scan, UnitOfWork};

/// So many documents are read at once when all of them are looked at. The store sees to it that they fit into memory
/// however large they are; for some filters it prepares each call at the cost of a few thousand documents.
pub(super) const CHUNK: usize = 1000;

/// The objects that a query finds, as a unit of work sees them.
pub(super) struct Matches<'a> {
    unit: &'a UnitOfWork,
    scan: Scan,
    /// Whether a page was read already.
    has_begun: bool,
    /// Whether nothing is left.
    has_ended: bool,
}

impl<'a> Matches<'a> {
    /// What a scan finds behind the scan's position.
    pub(super) fn new(unit: &'a UnitOfWork, scan: Scan) -> Self {
        Self {
            unit,
            scan,
            has_begun: false,
            has_ended: false,
        }
    }

    /// What the unit itself wrote and only therefore matches, in the order of ids. [`Self::next`] gives it as well, in
    /// front of the first page from the beginning.
    pub(super) async fn own(&self) -> Result<Vec<Seen>, UnitError> {
        let scan = Scan {
            limit: 0,
            after: None,
            ..self.scan.clone()
        };
        Ok(self.unit.scan(&scan).await?.documents)
    }

    /// The next page, possibly an empty one; none when nothing is left.
    pub(super) async fn next(&mut self, limit: usize) -> Result<Option<Vec<Seen>>, UnitError> {
        if self.has_ended {
            return Ok(None);
        }
        if self.has_begun {
            // A query over everything takes its turn with the others.
            tokio::task::yield_now().await;
        }
        self.scan.limit = limit;
        let SeenPage { documents, cursor } = self.unit.scan(&self.scan).await?;
        self.has_begun = true;
        self.has_ended = cursor.is_none();
        self.scan.after = cursor;
        Ok(Some(documents))
    }

    /// Behind what the next page begins; none at the beginning, and at the end.
    pub(super) fn position(&self) -> Option<&Cursor> {
        self.scan.after.as_ref()
    }

    /// Counts what is left, in the memory of one chunk.
    pub(super) async fn count(mut self) -> Result<u64, UnitError> {
        let mut count = 0;
        while let Some(page) = self.next(CHUNK).await? {
            count += page.len() as u64;
        }
        Ok(count)
    }
}
