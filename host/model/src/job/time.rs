//! `startTime` and `endTime`: local times, with or without an offset, that are shown as they were given.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::clock::Timestamp;

/// A time of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleTime {
    /// As it was given.
    text: String,
    local: NaiveDateTime,
    /// Absent means the zone of the job.
    offset: Option<FixedOffset>,
}

impl ScheduleTime {
    /// The time as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The instant that it means for a job in `zone`, which only counts without an offset. A wall time that exists twice
    /// is the first one; one that does not exist is as far behind the gap as it is into it.
    pub fn instant(&self, zone: Tz) -> Timestamp {
        if let Some(offset) = self.offset {
            return (self.local - TimeDelta::seconds(offset.local_minus_utc().into())).and_utc();
        }
        match zone.from_local_datetime(&self.local) {
            LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => instant.to_utc(),
            LocalResult::None => {
                let day = TimeDelta::days(1);
                let day_before = zone.from_local_datetime(&(self.local - day)).earliest();
                day_before.map_or_else(|| self.local.and_utc(), |instant| instant.to_utc() + day)
            }
        }
    }

    /// The offset, if it was given.
    pub fn offset(&self) -> Option<FixedOffset> {
        self.offset
    }

    /// The wall time.
    pub fn local(&self) -> NaiveDateTime {
        self.local
    }
}

/// A text that is no time of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a time: write yyyy-MM-ddTHH:mm:ss, if wanted with an offset such as +02:00 or Z behind")]
pub struct ScheduleTimeError(pub String);

impl FromStr for ScheduleTime {
    type Err = ScheduleTimeError;

    fn from_str(text: &str) -> Result<ScheduleTime, ScheduleTimeError> {
        let refused = || ScheduleTimeError(text.to_owned());
        // The library takes a blank for the T, and years of any length.
        if text.len() < 19 || text.as_bytes()[10] != b'T' || !text.is_ascii() {
            return Err(refused());
        }
        let (local, offset) = match text[19..].find(['+', '-', 'Z', 'z']) {
            None => (text.parse().map_err(|_| refused())?, None),
            Some(_) => {
                let time = DateTime::parse_from_rfc3339(text).map_err(|_| refused())?;
                (time.naive_local(), Some(*time.offset()))
            }
        };
        Ok(ScheduleTime {
            text: text.to_owned(),
            local,
            offset,
        })
    }
}

impl fmt::Display for ScheduleTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
