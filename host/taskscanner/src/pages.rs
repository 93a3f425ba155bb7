//! The pages of a run that are claimed and not yet committed as a whole: how far the cursor may move.

use std::collections::VecDeque;
use std::sync::Arc;

use host_store::Cursor;

/// Pages in the order of the scan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages {
    open: VecDeque<Page>,
    /// Ids that an interrupted part of the run settled, on pages that were not announced again yet.
    inherited: Vec<Arc<str>>,
}

#[derive(Clone, Debug)]
struct Page {
    number: u64,
    /// Objects of it that are not settled.
    left: usize,
    passed: Passed,
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
    pub(crate) passed: Passed,
    pub(crate) permits: usize,
    /// Whether the last page of all was among them.
    pub(crate) is_last: bool,
}

/// Objects of a page that the run left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Somebody is working on them.
    pub(crate) skipped: u64,
    /// They failed too often.
    pub(crate) quarantined: u64,
}

impl Pages {
    /// Those of a run that goes on where these ids behind the cursor were settled.
    pub(crate) fn resumed(done: Vec<Arc<str>>) -> Self {
        Self {
            open: VecDeque::new(),
            inherited: done,
        }
    }

    /// A page was claimed that reaches to the id `last`, and `objects` of it are to be settled.
    pub(crate) fn announce(
        &mut self,
        number: u64,
        objects: usize,
        passed: Passed,
        end: Option<Cursor>,
        last: Option<&str>,
    ) {
        // The cursor moves over what was inherited with the page that it lies on, also where it does not match any more.
        let is_end = end.is_none();
        let is_inside = |id: &mut Arc<str>| is_end || last.is_some_and(|last| &**id <= last);
        let done = self.inherited.extract_if(.., is_inside).collect();
        self.open.push_back(Page {
            number,
            left: objects,
            passed,
            end,
            holds_permit: objects > 0,
            done,
        });
    }

    /// Objects that are not settled.
    pub(crate) fn left(&self) -> usize {
        self.open.iter().map(|page| page.left).sum()
    }

    /// An object had its turn.
    pub(crate) fn settle(&mut self, number: u64, id: &Arc<str>) {
        if let Some(page) = self.open.iter_mut().find(|page| page.number == number) {
            page.left -= 1;
            page.done.push(Arc::clone(id));
        }
    }

    /// Closes the pages at the front that are settled.
    pub(crate) fn close(&mut self) -> Closed {
        let mut closed = Closed::default();
        while self.open.front().is_some_and(|page| page.left == 0) {
            let Some(page) = self.open.pop_front() else { break };
            closed.is_last = page.end.is_none();
            closed.end = page.end.or(closed.end);
            closed.passed.skipped += page.passed.skipped;
            closed.passed.quarantined += page.passed.quarantined;
            closed.permits += usize::from(page.holds_permit);
        }
        closed
    }

    /// Ids behind the cursor that are settled.
    pub(crate) fn done(&self) -> Vec<Arc<str>> {
        self.open
            .iter()
            .flat_map(|page| &page.done)
            .chain(&self.inherited)
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(position: u8) -> Option<Cursor> {
        Some(Cursor::from_bytes(vec![position]))
    }

    fn passed(skipped: u64, quarantined: u64) -> Passed {
        Passed { skipped, quarantined }
    }

    #[test]
    fn the_cursor_never_moves_over_an_object_that_is_not_settled() {
        let ids: Vec<Arc<str>> = ["a", "b", "c"].map(Arc::from).into();
        let mut pages = Pages::default();
        pages.announce(0, 2, passed(1, 0), cursor(1), Some("b"));
        pages.announce(1, 1, passed(0, 2), cursor(2), Some("c"));
        pages.announce(2, 0, passed(5, 3), cursor(3), None);
        pages.settle(1, &ids[2]);
        pages.settle(0, &ids[0]);
        assert_eq!(pages.close(), Closed::default());
        assert_eq!(pages.done(), [ids[0].clone(), ids[2].clone()]);
        assert_eq!(pages.left(), 1);
        pages.settle(0, &ids[1]);
        assert_eq!(
            pages.close(),
            Closed {
                end: cursor(3),
                passed: passed(6, 5),
                permits: 2,
                is_last: false,
            }
        );
        assert!(pages.done().is_empty());
    }

    #[test]
    fn what_was_settled_before_an_interruption_is_known_until_the_cursor_is_behind_it() {
        let ids: Vec<Arc<str>> = ["a", "b", "c", "d"].map(Arc::from).into();
        let mut pages = Pages::resumed(vec![ids[0].clone(), ids[2].clone()]);
        assert_eq!(pages.done(), [ids[0].clone(), ids[2].clone()]);
        pages.announce(0, 1, Passed::default(), cursor(1), Some("b"));
        pages.settle(0, &ids[1]);
        assert_eq!(pages.done(), [ids[0].clone(), ids[1].clone(), ids[2].clone()]);
        assert_eq!(pages.close().end, cursor(1));
        assert_eq!(pages.done(), [ids[2].clone()]);
        // The last page has no end, and everything lies before it.
        pages.announce(1, 1, Passed::default(), None, None);
        pages.settle(1, &ids[3]);
        assert_eq!(
            pages.close(),
            Closed {
                is_last: true,
                permits: 1,
                ..Closed::default()
            }
        );
        assert!(pages.done().is_empty());
    }
}
