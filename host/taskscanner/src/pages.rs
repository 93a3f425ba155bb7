//! The pages of a run that are claimed and not yet committed as a whole: how far the cursor may move.

use std::collections::VecDeque;
use std::sync::Arc;

use host_store::Cursor;

/// Pages in the order of the scan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages(VecDeque<Page>);

#[derive(Clone, Debug)]
struct Page {
    number: u64,
    /// Objects of it that are not settled.
    left: usize,
    skipped: u64,
    end: Option<Cursor>,
    /// Its permit is given back when it is closed; an empty page gave it back at once.
    holds_permit: bool,
    /// Ids of it that are settled.
    done: Vec<Arc<str>>,
}

/// What closing the finished pages means.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Closed {
    /// Where the cursor stands now, if it moved. The end of the last page of all has none.
    pub(crate) end: Option<Cursor>,
    pub(crate) skipped: u64,
    pub(crate) permits: usize,
}

impl Pages {
    /// A page was claimed, and `objects` of it are to be settled.
    pub(crate) fn announce(&mut self, number: u64, objects: usize, skipped: u64, end: Option<Cursor>) {
        self.0.push_back(Page { number, left: objects, skipped, end, holds_permit: objects > 0, done: Vec::new() });
    }

    /// Objects that are not settled.
    pub(crate) fn left(&self) -> usize {
        self.0.iter().map(|page| page.left).sum()
    }

    /// An object had its turn.
    pub(crate) fn settle(&mut self, number: u64, id: &Arc<str>) {
        if let Some(page) = self.0.iter_mut().find(|page| page.number == number) {
            page.left -= 1;
            page.done.push(Arc::clone(id));
        }
    }

    /// Closes the pages at the front that are settled.
    pub(crate) fn close(&mut self) -> Closed {
        let mut closed = Closed::default();
        while self.0.front().is_some_and(|page| page.left == 0) {
            let Some(page) = self.0.pop_front() else { break };
            closed.end = page.end.or(closed.end);
            closed.skipped += page.skipped;
            closed.permits += usize::from(page.holds_permit);
        }
        closed
    }

    /// Ids behind the cursor that are settled.
    pub(crate) fn done(&self) -> Vec<Arc<str>> {
        self.0.iter().flat_map(|page| page.done.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(position: u8) -> Option<Cursor> {
        Some(Cursor::from_bytes(vec![position]))
    }

    #[test]
    fn the_cursor_never_moves_over_an_object_that_is_not_settled() {
        let ids: Vec<Arc<str>> = ["a", "b", "c"].map(Arc::from).into();
        let mut pages = Pages::default();
        pages.announce(0, 2, 1, cursor(1));
        pages.announce(1, 1, 0, cursor(2));
        pages.announce(2, 0, 5, cursor(3));
        pages.settle(1, &ids[2]);
        pages.settle(0, &ids[0]);
        assert_eq!(pages.close(), Closed::default());
        assert_eq!(pages.done(), [ids[0].clone(), ids[2].clone()]);
        assert_eq!(pages.left(), 1);
        pages.settle(0, &ids[1]);
        assert_eq!(pages.close(), Closed { end: cursor(3), skipped: 6, permits: 2 });
        assert!(pages.done().is_empty());
    }
}
