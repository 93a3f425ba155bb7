//! The next instant at which an expression fires.
//!
//! Time is walked in stretches between clock changes. Within a stretch wall time and instants differ by a constant, so
//! its fires are the named wall times in it, less what the rules take away at its ends, plus what they bring in:
//!
//! - a *gap* before a stretch may bring in the wall times that were left out, moved by its length (`onGap: shift`);
//! - an *overlap* before a stretch may take away its head, which is the second time (`onOverlap: first`);
//! - an *overlap* after a stretch may take away its tail, which is the first time (`onOverlap: second`).
//!
//! So the fires of an expression are one set of instants, whatever instant one asks from.

use chrono::{Datelike, NaiveDateTime, TimeDelta, Timelike};
use chrono_tz::Tz;

use super::transition::{REACH, Transition, offset};
use super::{ClockChange, Cron, OnGap, OnOverlap, SEARCH_YEARS};
use crate::clock::Timestamp;

impl Cron {
    /// The first fire strictly after `after`, a whole second; `None` if there is none within [`SEARCH_YEARS`].
    pub fn next_after(&self, after: Timestamp, zone: Tz, clock_change: ClockChange) -> Option<Timestamp> {
        let mut from = after.with_nanosecond(0)?.checked_add_signed(TimeDelta::seconds(1))?;
        let mut last_change = Transition::between(zone, from.checked_sub_signed(REACH)?, from);
        let last_year = from.year().checked_add(SEARCH_YEARS)?;
        loop {
            let offset = offset(zone, from);
            let moved = last_change.and_then(|change| self.first_moved(change, from, clock_change, last_year));
            let start = match last_change {
                Some(change) if change.is_overlap() && clock_change.on_overlap == OnOverlap::First => {
                    (from.naive_utc() + offset).max(change.wall_before())
                }
                _ => from.naive_utc() + offset,
            };
            // What an overlap ahead shows again lies before `start`, where nothing is looked for.
            let shown_again = |change: &Transition| change.is_overlap() && change.wall_after() < start;
            let Some(wall) = self.first_wall(start, last_year) else {
                let change = Transition::between(zone, from, from.checked_add_signed(REACH)?).filter(shown_again);
                let Some(change) = change.filter(|_| moved.is_none()) else {
                    return moved;
                };
                from = change.at;
                last_change = Some(change);
                continue;
            };
            let regular = (wall - offset).and_utc();
            let next_change = Transition::between(zone, from, regular.checked_add_signed(REACH)?);
            let end = next_change.map(|change| match clock_change.on_overlap {
                OnOverlap::Second if change.is_overlap() => change.at - change.length(),
                OnOverlap::First | OnOverlap::Second | OnOverlap::Both => change.at,
            });
            match (next_change, moved) {
                (None, _) => return Some(moved.map_or(regular, |moved| moved.min(regular))),
                _ if end.is_some_and(|end| regular < end) => {
                    return Some(moved.map_or(regular, |moved| moved.min(regular)));
                }
                (Some(_), Some(moved)) => return Some(moved),
                (Some(change), None) => {
                    // No other named wall time lies before `wall`, so neither does a fire before its neighbourhood.
                    let neighbourhood = regular - REACH - REACH;
                    if neighbourhood <= change.at || shown_again(&change) {
                        from = change.at;
                        last_change = next_change;
                    } else {
                        from = neighbourhood;
                        last_change = Transition::between(zone, from - REACH, from);
                    }
                }
            }
        }
    }

    /// True if that wall time is named.
    pub(super) fn names(&self, wall: NaiveDateTime) -> bool {
        self.first_wall(wall, wall.year()) == Some(wall)
    }

    /// The first fire at or after `from` that the rules move out of this gap.
    fn first_moved(
        &self,
        change: Transition,
        from: Timestamp,
        clock_change: ClockChange,
        last_year: i32,
    ) -> Option<Timestamp> {
        if !change.is_gap() || clock_change.on_gap != OnGap::Shift {
            return None;
        }
        let earliest = change.wall_before().max(from.naive_utc() + change.before);
        let wall = self.first_wall(earliest, last_year)?;
        (wall < change.wall_after()).then(|| (wall - change.before).and_utc())
    }
}
