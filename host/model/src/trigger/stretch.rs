//! Fire times in a row: those of a trigger between two instants, known by their ends and their number.

use chrono::TimeDelta;

use super::{Repeat, Timing, Trigger};
use crate::clock::Timestamp;

/// Fire times in a row; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The first.
    pub first: Timestamp,
    /// The last; the first if there is only one.
    pub last: Timestamp,
    /// How many there are.
    pub count: u64,
}

impl Stretch {
    /// A single fire time.
    pub fn one(time: Timestamp) -> Stretch {
        Stretch {
            first: time,
            last: time,
            count: 1,
        }
    }
}

/// Shorter than any distance between two fire times, and than what is stored of them.
const INSTANT: TimeDelta = TimeDelta::nanoseconds(1);

impl Trigger {
    /// The fire times that are still ahead of the trigger and lie from `from` until `until`, both included; none if
    /// there are none. A simple trigger without an interval has one fire ahead at a time.
    pub fn due(&self, from: Timestamp, until: Timestamp) -> Option<Stretch> {
        let from = from.max(self.next);
        let until = self.end.map_or(until, |end| until.min(end - INSTANT));
        if from > until {
            return None;
        }
        match &self.timing {
            Timing::Simple { interval, repeat } => self.simple_due(*interval, *repeat, from, until),
            Timing::Cron {
                cron,
                zone,
                clock_change,
            } => {
                // The next fire counts although a policy may have moved it away from what the expression names.
                let regular = |from: Timestamp| {
                    let first = cron.next_after(from - INSTANT, *zone, *clock_change)?;
                    let last = cron.last_between(first, until, *zone, *clock_change)?;
                    let count = cron.count_between(first, last, *zone, *clock_change);
                    Some(Stretch { first, last, count })
                };
                if from > self.next {
                    return regular(from);
                }
                Some(match regular(self.next + INSTANT) {
                    Some(rest) => Stretch {
                        first: self.next,
                        count: rest.count + 1,
                        ..rest
                    },
                    None => Stretch::one(self.next),
                })
            }
        }
    }

    fn simple_due(&self, interval: TimeDelta, repeat: Repeat, from: Timestamp, until: Timestamp) -> Option<Stretch> {
        let interval = interval.num_milliseconds();
        if interval == 0 {
            return (from == self.next).then(|| Stretch::one(self.next));
        }
        // Counted from the next fire, whose number is 0.
        let number = |time: Timestamp| (time - self.next).num_milliseconds();
        let is_broken = from - self.next > TimeDelta::milliseconds(number(from));
        let behind = number(from) + i64::from(is_broken);
        let first = behind / interval + i64::from(behind % interval > 0);
        let mut last = number(until) / interval;
        if let Repeat::Times(count) = repeat {
            let left = count.saturating_sub(self.times_triggered);
            last = last.min(i64::try_from(left).unwrap_or(i64::MAX));
        }
        let at = |number: i64| {
            self.next
                .checked_add_signed(TimeDelta::milliseconds(number.checked_mul(interval)?))
        };
        Some(Stretch {
            first: at(first)?,
            last: at(last)?,
            count: u64::try_from(last - first + 1).ok().filter(|count| *count > 0)?,
        })
    }
}
