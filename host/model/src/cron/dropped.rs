//! Fires that do not happen because the clock goes forward over their wall time.

use chrono::{Datelike, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;

use super::transition::Transition;
use super::{ClockChange, Cron, OnGap, SEARCH_YEARS};
use crate::clock::Timestamp;

/// The fires that one clock change drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// When the clock is set.
    pub at: Timestamp,
    /// The first wall time that is left out.
    pub first: NaiveDateTime,
    /// The last one.
    pub last: NaiveDateTime,
    /// How many there are.
    pub count: u64,
}

impl Cron {
    /// What clock changes after `after` and not after `until` drop, at most `limit` of them. Nothing where such fires are
    /// moved.
    pub fn dropped_between(
        &self,
        after: Timestamp,
        until: Timestamp,
        zone: Tz,
        clock_change: ClockChange,
        limit: usize,
    ) -> Vec<Dropped> {
        let losses = self.losses(after, until, zone, clock_change);
        losses.take(limit).map(|(_, dropped)| dropped).collect()
    }

    /// The clock changes after `after` and not after `until` that drop something, with what they drop.
    pub(super) fn losses(
        &self,
        after: Timestamp,
        until: Timestamp,
        zone: Tz,
        clock_change: ClockChange,
    ) -> impl Iterator<Item = (Transition, Dropped)> {
        let next = move |from: Timestamp| Transition::between(zone, from, until);
        let first = (clock_change.on_gap == OnGap::Skip).then(|| next(after)).flatten();
        std::iter::successors(first, move |change| next(change.at))
            .filter(Transition::is_gap)
            .filter_map(|change| Some((change, self.lost_in(change)?)))
    }

    /// A wall time in the gap is lost unless the expression also names the one that the clock shows instead: a schedule
    /// of every hour goes on an hour after the last fire, and nobody misses anything.
    fn lost_in(&self, change: Transition) -> Option<Dropped> {
        let mut lost: Option<Dropped> = None;
        let mut from = change.wall_before();
        while let Some(wall) = self.first_wall(from, from.year() + SEARCH_YEARS)
            && wall < change.wall_after()
        {
            if !self.names(wall + change.length()) {
                let before = lost.map_or((wall, 0), |lost| (lost.first, lost.count));
                lost = Some(Dropped {
                    at: change.at,
                    first: before.0,
                    last: wall,
                    count: before.1 + 1,
                });
            }
            from = wall + TimeDelta::seconds(1);
        }
        lost
    }
}
