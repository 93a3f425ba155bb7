//! The instants at which a zone's clock is set forward or back.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::clock::Timestamp;

/// No clock change is longer than this: the longest moved islands across the date line, by 24 hours.
pub(super) const REACH: TimeDelta = TimeDelta::hours(26);

/// Between two changes of one zone lies more than this, so looking at this distance finds them all.
const STRIDE: TimeDelta = TimeDelta::days(7);

/// One change of a zone's distance from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Transition {
    /// The first instant of the new distance.
    pub(super) at: Timestamp,
    /// Local time minus UTC until then.
    pub(super) before: TimeDelta,
    /// Local time minus UTC from then on.
    pub(super) after: TimeDelta,
}

impl Transition {
    /// The first change after `from`, and not after `to`.
    pub(super) fn between(zone: Tz, from: Timestamp, to: Timestamp) -> Option<Transition> {
        let before = offset(zone, from);
        let mut low = from;
        while low < to {
            let high = low.checked_add_signed(STRIDE).map_or(to, |high| high.min(to));
            if offset(zone, high) != before {
                let at = first_other(zone, before, low, high);
                return Some(Transition {
                    at,
                    before,
                    after: offset(zone, at),
                });
            }
            low = high;
        }
        None
    }

    /// True if the clock goes forward, so that some wall times do not exist.
    pub(super) fn is_gap(&self) -> bool {
        self.after > self.before
    }

    /// True if the clock goes back, so that some wall times exist twice.
    pub(super) fn is_overlap(&self) -> bool {
        self.after < self.before
    }

    /// How far the clock is set, never negative.
    pub(super) fn length(&self) -> TimeDelta {
        (self.after - self.before).abs()
    }

    /// What the clock shows when it is set.
    pub(super) fn wall_before(&self) -> NaiveDateTime {
        self.at.naive_utc() + self.before
    }

    /// What it is set to.
    pub(super) fn wall_after(&self) -> NaiveDateTime {
        self.at.naive_utc() + self.after
    }
}

/// Local time minus UTC at that instant.
pub(super) fn offset(zone: Tz, instant: Timestamp) -> TimeDelta {
    let seconds = zone
        .offset_from_utc_datetime(&instant.naive_utc())
        .fix()
        .local_minus_utc();
    TimeDelta::seconds(seconds.into())
}

/// Halves the stretch until the first second with another distance than `before` is left.
fn first_other(zone: Tz, before: TimeDelta, mut low: Timestamp, mut high: Timestamp) -> Timestamp {
    while high.timestamp() - low.timestamp() > 1 {
        let middle = low.timestamp() + (high.timestamp() - low.timestamp()) / 2;
        let middle = DateTime::from_timestamp(middle, 0).unwrap_or(high);
        if offset(zone, middle) == before {
            low = middle;
        } else {
            high = middle;
        }
    }
    DateTime::from_timestamp(high.timestamp(), 0).unwrap_or(high)
}
