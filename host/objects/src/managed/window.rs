//! Which part of what a query finds it answers with.

use host_resource::{Problem, Query};
use host_store::unit_of_work::Seen;

use super::cookie::Position;

/// So many objects come on a page when the client names no size; a cookie leads on.
pub const PAGE: usize = 500;
/// At most so many objects come on a page, whatever size the client names.
pub const MAX_PAGE: usize = 10_000;
/// A page ends early when its objects are larger than this together (bytes): a thousand small ones and a thousand large
/// ones must fit into the same memory.
pub(super) const PAGE_BYTES: usize = 16 * 1024 * 1024;

/// Where a page begins, and how many objects belong on it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    /// Where the previous page ended; none on the first.
    pub(super) start: Option<Position>,
    /// How many objects to leave out first.
    pub(super) offset: usize,
    /// How many objects the client wants on a page, if it says.
    pub(super) size: Option<usize>,
}

/// A part of what a query found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) objects: Vec<Seen>,
    /// Where the next page begins; none when this was the last.
    pub(super) end: Option<Position>,
    /// How many match in all, when that was counted on the way.
    pub(super) total: Option<u64>,
}

impl Window {
    /// The window that a query asks for. A size of 0 is none.
    pub(super) fn new(query: &Query, start: Option<Position>) -> Result<Self, Problem> {
        if start.is_some() && query.offset > 0 {
            return Err(Problem::bad_request(
                "a query has a paged results cookie or an offset, not both",
            ));
        }
        Ok(Self {
            start,
            offset: query.offset,
            size: query.page_size.filter(|size| *size > 0),
        })
    }
}
