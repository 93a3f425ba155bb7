//! A page in an order that the client chose. There is no index for it, so everything that matches is looked at, but only
//! the best so far are kept. The next page begins behind the last object's values, not at a count, so it neither misses
//! nor repeats anything when others write meanwhile.

use host_store::unit_of_work::{Seen, UnitError};
use host_store::{Scan, StoreError, UnitOfWork};

use super::cookie::{CookieError, Position};
use super::matches::{CHUNK, Matches};
use super::order::{Order, Rank};
use super::window::{Found, PAGE_BYTES, Window};

/// A sorted query keeps at most so many objects in memory; its offset and its page have to fit. A query without a page
/// size gets pages of this size: each costs a look at everything.
pub const MAX_SORTED: usize = 10_000;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(super) enum SortedError {
    /// The cookie was made for another order.
    #[error(transparent)]
    Cookie(#[from] CookieError),
    /// The page lies too far behind.
    #[error(
        "a sorted query reaches {MAX_SORTED} objects at most with its offset and its page size: go on with the cookie instead"
    )]
    Far,
    /// The objects of the offset do not fit into memory.
    #[error("the objects before this offset are too large to be sorted at once: go on with the cookie instead")]
    Large,
    /// The unit of work could not answer.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// What is stored is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the page, and counts what matches on the way.
pub(super) async fn read(unit: &UnitOfWork, scan: Scan, order: &Order, window: Window) -> Result<Found, SortedError> {
    let start = match window.start {
        None => None,
        Some(Position::Sorted(rank)) => Some(rank),
        Some(Position::Own(_) | Position::Stored(_)) => return Err(CookieError.into()),
    };
    let room = match window.size {
        Some(size) => window.offset.saturating_add(size),
        None => MAX_SORTED,
    };
    if room > MAX_SORTED || window.offset >= MAX_SORTED {
        return Err(SortedError::Far);
    }
    let mut best = Best::new(order, room);
    let mut matches = Matches::new(unit, scan);
    let mut total = 0;
    while let Some(page) = matches.next(CHUNK).await? {
        for seen in page {
            total += 1;
            let rank = order.rank(&seen)?;
            if start.as_ref().is_none_or(|start| order.compare(&rank, start).is_gt()) {
                best.offer(rank, seen);
            }
        }
    }
    Ok(Found {
        total: Some(total),
        ..best.finish(window.offset)?
    })
}

/// The first objects of an order, of those offered so far.
struct Best<'a> {
    order: &'a Order,
    /// How many are wanted.
    room: usize,
    /// What was kept, and what was offered since.
    held: Vec<(Rank, Seen)>,
    bytes: usize,
    /// Nothing behind this is wanted any more.
    ceiling: Option<Rank>,
    /// Whether something was left out.
    has_more: bool,
}

impl<'a> Best<'a> {
    fn new(order: &'a Order, room: usize) -> Self {
        Self {
            order,
            room,
            held: Vec::new(),
            bytes: 0,
            ceiling: None,
            has_more: false,
        }
    }

    fn offer(&mut self, rank: Rank, seen: Seen) {
        if self
            .ceiling
            .as_ref()
            .is_some_and(|ceiling| self.order.compare(&rank, ceiling).is_gt())
        {
            self.has_more = true;
            return;
        }
        self.bytes += seen.body.len();
        self.held.push((rank, seen));
        // Sorting only when twice as much is held as is kept makes an offer cheap.
        if self.held.len() >= 2 * self.room || self.bytes >= 2 * PAGE_BYTES {
            self.prune();
        }
    }

    /// Sorts, and keeps as many as are wanted and fit into memory, but at least one.
    fn prune(&mut self) {
        self.held
            .sort_unstable_by(|(left, _), (right, _)| self.order.compare(left, right));
        let mut bytes = 0;
        let mut kept = 0;
        for (_, seen) in self.held.iter().take(self.room) {
            if bytes >= PAGE_BYTES {
                break;
            }
            bytes += seen.body.len();
            kept += 1;
        }
        if kept < self.held.len() {
            self.has_more = true;
            self.held.truncate(kept);
            self.ceiling = self.held.last().map(|(rank, _)| rank.clone());
        }
        self.bytes = bytes;
    }

    fn finish(mut self, offset: usize) -> Result<Found, SortedError> {
        self.prune();
        if self.has_more && self.held.len() <= offset {
            return Err(SortedError::Large);
        }
        let end = self
            .held
            .last()
            .filter(|_| self.has_more)
            .map(|(rank, _)| Position::Sorted(rank.clone()));
        Ok(Found {
            objects: self.held.into_iter().skip(offset).map(|(_, seen)| seen).collect(),
            end,
            total: None,
        })
    }
}
