//! A page in the store's own order: the scan goes on where the previous page ended, so all pages together cost one scan.
//!
//! Inside a unit of work, what the unit itself wrote and only therefore matches comes first, in the order of ids; then
//! what the snapshot holds, as the unit changed it. What the unit writes while it pages never makes it miss an object
//! of the snapshot or see one twice.

use host_store::unit_of_work::{Seen, UnitError};
use host_store::{Scan, UnitOfWork};

use super::cookie::{CookieError, Position};
use super::matches::{CHUNK, Matches};
use super::window::{Found, MAX_PAGE, PAGE, PAGE_BYTES, Window};

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(super) enum PagedError {
    /// The cookie was made for a sorted result.
    #[error(transparent)]
    Cookie(#[from] CookieError),
    /// The unit of work could not answer.
    #[error(transparent)]
    Unit(#[from] UnitError),
}

/// Reads the page.
pub(super) async fn read(unit: &UnitOfWork, scan: Scan, window: Window) -> Result<Found, PagedError> {
    let (past, after) = match window.start {
        None => (None, None),
        Some(Position::Own(id)) => (Some(id), None),
        Some(Position::Stored(cursor)) => (None, Some(cursor)),
        Some(Position::Sorted(_)) => return Err(CookieError.into()),
    };
    let mut sheet = Sheet::new(window.offset, window.size);
    let mut matches = Matches::new(unit, scan.after(after));
    let mut own = Vec::new();
    if matches.position().is_none() {
        own = matches.own().await?;
        let is_new = |seen: &&Seen| past.as_deref().is_none_or(|past| *seen.id > *past);
        for seen in own.iter().filter(is_new) {
            if sheet.is_full() {
                return Ok(sheet.end_within_own());
            }
            sheet.push(seen.clone());
        }
    }
    loop {
        let here = matches.position().cloned();
        let limit = if sheet.is_full() { 1 } else { sheet.room().min(CHUNK) };
        let Some(page) = matches.next(limit).await? else {
            return Ok(Found {
                objects: sheet.objects,
                ..Found::default()
            });
        };
        let mut page = page.into_iter().skip(if here.is_none() { own.len() } else { 0 });
        if sheet.is_full() {
            // One more object, or none: only then is it known whether this was the last page.
            if page.next().is_some() {
                return Ok(match here {
                    Some(cursor) => Found {
                        end: Some(Position::Stored(cursor)),
                        objects: sheet.objects,
                        total: None,
                    },
                    None => sheet.end_within_own(),
                });
            }
        } else {
            page.for_each(|seen| sheet.push(seen));
        }
    }
}

/// A page that fills up.
struct Sheet {
    objects: Vec<Seen>,
    /// How many objects are still to be left out.
    offset: usize,
    size: usize,
    bytes: usize,
}

impl Sheet {
    fn new(offset: usize, size: Option<usize>) -> Self {
        Self {
            objects: Vec::new(),
            offset,
            size: size.unwrap_or(PAGE).min(MAX_PAGE),
            bytes: 0,
        }
    }

    /// Whether nothing more belongs on it.
    fn is_full(&self) -> bool {
        self.objects.len() >= self.size || self.bytes >= PAGE_BYTES
    }

    /// How many more objects may be pushed.
    fn room(&self) -> usize {
        self.offset.saturating_add(self.size - self.objects.len())
    }

    fn push(&mut self, seen: Seen) {
        if self.offset > 0 {
            self.offset -= 1;
        } else {
            self.bytes += seen.body.len();
            self.objects.push(seen);
        }
    }

    /// The page, when its last object is one that the unit wrote.
    fn end_within_own(self) -> Found {
        let end = self.objects.last().map(|last| Position::Own(last.id.to_string()));
        Found {
            objects: self.objects,
            end,
            total: None,
        }
    }
}
