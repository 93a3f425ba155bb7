//! Jobs: what is run, and the rule of when. What a job looks like on the wire is the scheduler's; how it is read, with
//! every mistake named, is in [`parse`].

mod name;
mod parse;
mod time;

#[cfg(test)]
mod tests;

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::cron::{ClockChange, Cron};
use crate::misfire::MisfirePolicy;
use crate::trigger::{Repeat, Timing, Trigger};

pub use name::{JobId, JobIdError, LogLevel, MAX_JOB_ID_LENGTH, SERVICE_PREFIX, ServiceName};
pub use time::ScheduleTime;

/// A job as it was configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// False lets it sleep: it has no trigger and cannot be started by hand.
    pub enabled: bool,
    /// True keeps it across restarts; false keeps it in memory.
    pub persisted: bool,
    /// True runs it again when a crash cut off a run.
    pub recoverable: bool,
    /// What it does about missed fires.
    pub misfire_policy: MisfirePolicy,
    /// When it fires.
    pub schedule: Schedule,
    /// Who runs it.
    pub service: ServiceName,
    /// What the service is given, untouched.
    pub invoke_context: Value,
    /// The level at which its runs are logged.
    pub log_level: LogLevel,
    /// The zone of its cron expression and of times without an offset; absent means the host's.
    pub time_zone: Option<Tz>,
    /// What clock changes do to its cron expression.
    pub clock_change: ClockChange,
    /// No fire is before it.
    pub start: Option<ScheduleTime>,
    /// Every fire is before it.
    pub end: Option<ScheduleTime>,
    /// True lets a run begin while another one goes on.
    pub concurrent: bool,
}

/// The two kinds of schedules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// `simple`: once, and again after each interval.
    Simple {
        /// Time between two fires, never negative.
        interval: TimeDelta,
        /// How many fires follow the first one.
        repeat: Repeat,
    },
    /// `cron`: whenever an expression says so.
    Cron(Cron),
}

impl Job {
    /// The trigger of the job when it is stored at `now`, in a host whose own zone is `host_zone`. `None` if it would
    /// never fire. Whether the job is enabled does not matter here.
    pub fn trigger(&self, host_zone: Tz, now: Timestamp) -> Option<Trigger> {
        let zone = self.time_zone.unwrap_or(host_zone);
        let start = self.start.as_ref().map(|time| time.instant(zone));
        let end = self.end.as_ref().map(|time| time.instant(zone));
        Trigger::new(self.timing(host_zone), start, end, now)
    }

    /// True if it fires by interval and not by an expression.
    pub fn is_simple(&self) -> bool {
        matches!(self.schedule, Schedule::Simple { .. })
    }

    /// The rule of its fire times, in a host whose own zone is `host_zone`.
    pub fn timing(&self, host_zone: Tz) -> Timing {
        match &self.schedule {
            Schedule::Simple { interval, repeat } => Timing::Simple {
                interval: *interval,
                repeat: *repeat,
            },
            Schedule::Cron(cron) => Timing::Cron {
                cron: cron.clone(),
                zone: self.time_zone.unwrap_or(host_zone),
                clock_change: self.clock_change,
            },
        }
    }
}
