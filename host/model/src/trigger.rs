//! Triggers: when a job fires next, and what a fire makes of its trigger.
//!
//! A trigger is a value; firing consumes it and gives the next one, or says that it is complete. When it is due and
//! whether a fire was missed is for others ([`crate::misfire`], the scheduler).

mod state;
mod stretch;

#[cfg(test)]
mod tests;

use chrono::{TimeDelta, Timelike};
use chrono_tz::Tz;

use crate::clock::Timestamp;
use crate::cron::{ClockChange, Cron};

pub use state::{Status, TriggerState};
pub use stretch::Stretch;

/// What starts a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The rule of its fire times.
    pub timing: Timing,
    /// No fire is before it.
    pub start: Timestamp,
    /// Every fire is before it.
    pub end: Option<Timestamp>,
    /// The next fire time.
    pub next: Timestamp,
    /// The last fire time.
    pub previous: Option<Timestamp>,
    /// How often a simple trigger has fired since `start`; only counted for cron.
    pub times_triggered: u64,
}

/// The rule of a trigger's fire times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timing {
    /// At the start, then after each interval.
    Simple {
        /// Time between two fires; zero lets all fire at once. Never negative.
        interval: TimeDelta,
        /// How many fires follow the first one.
        repeat: Repeat,
    },
    /// Whenever the expression says so.
    Cron {
        /// The expression.
        cron: Cron,
        /// Whose wall clock it is about.
        zone: Tz,
        /// What clock changes do.
        clock_change: ClockChange,
    },
}

/// How many fires follow the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// So many.
    Times(u64),
    /// No end; -1 on the wire.
    Forever,
}

/// What a fire made of its trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterFire {
    /// It will fire again.
    Again(Trigger),
    /// It has no further fire time.
    Complete {
        /// The last fire time.
        previous: Timestamp,
        /// How often it has fired, counted as in [`Trigger`].
        times_triggered: u64,
    },
}

impl Trigger {
    /// The trigger of a job that is stored at `now`. A start that is absent or past means now. `None` if it would never
    /// fire.
    pub fn new(timing: Timing, start: Option<Timestamp>, end: Option<Timestamp>, now: Timestamp) -> Option<Trigger> {
        let start = start.map_or(now, |start| start.max(now));
        let (start, next) = match &timing {
            Timing::Simple { .. } => (start, start),
            Timing::Cron {
                cron,
                zone,
                clock_change,
            } => {
                // As in Quartz the start is a whole second, and a match at that second counts.
                let start = start.with_nanosecond(0)?;
                (
                    start,
                    cron.next_after(start - TimeDelta::seconds(1), *zone, *clock_change)?,
                )
            }
        };
        let trigger = Trigger {
            timing,
            start,
            end,
            next,
            previous: None,
            times_triggered: 0,
        };
        trigger.is_before_end(next).then_some(trigger)
    }

    /// What becomes of the trigger when it fires at its next fire time.
    pub fn fire(self) -> AfterFire {
        let previous = self.next;
        let times_triggered = self.times_triggered + 1;
        match self.following(times_triggered) {
            Some(next) => AfterFire::Again(Trigger {
                next,
                previous: Some(previous),
                times_triggered,
                ..self
            }),
            None => AfterFire::Complete {
                previous,
                times_triggered,
            },
        }
    }

    /// True if a fire at `time` is not too late for the trigger's end, which itself is too late.
    pub fn is_before_end(&self, time: Timestamp) -> bool {
        self.end.is_none_or(|end| time < end)
    }

    fn following(&self, times_triggered: u64) -> Option<Timestamp> {
        let next = match &self.timing {
            Timing::Simple {
                repeat: Repeat::Times(count),
                ..
            } if times_triggered > *count => return None,
            Timing::Simple { interval, .. } => self.next.checked_add_signed(*interval)?,
            Timing::Cron {
                cron,
                zone,
                clock_change,
            } => cron.next_after(self.next, *zone, *clock_change)?,
        };
        self.is_before_end(next).then_some(next)
    }
}

impl Repeat {
    /// The number on the wire: -1 without end.
    pub fn to_wire(self) -> i64 {
        match self {
            Repeat::Times(count) => i64::try_from(count).unwrap_or(i64::MAX),
            Repeat::Forever => -1,
        }
    }

    /// Reads the number on the wire; `None` below -1.
    pub fn from_wire(count: i64) -> Option<Repeat> {
        match count {
            -1 => Some(Repeat::Forever),
            count => u64::try_from(count).ok().map(Repeat::Times),
        }
    }
}
