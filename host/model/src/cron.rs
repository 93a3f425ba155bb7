//! Cron expressions in Quartz's dialect: seconds to years, `? L W #`, steps, names and ranges that wrap around.
//!
//! The sets of the plain fields are held by the `cron` crate, which gets every element written out as a list of numbers;
//! the rules for days ([`days`]) and the years, of which that crate knows those until 2100 only, are ours.
//!
//! Matching is done on wall-clock time. What the change to and from daylight saving time does to it is in [`next`]: by
//! default as in Quartz, a wall time that does not exist is skipped, and one that exists twice fires the second time.

mod clock_change;
mod count;
mod days;
mod dropped;
mod error;
mod next;
mod piece;
mod plain;
mod preview;
mod transition;

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::RangeFrom;
use std::sync::Arc;

use ::cron::{Schedule, TimeUnitSpec};
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

pub use clock_change::{ClockChange, OnGap, OnOverlap, UnknownRule};
pub use dropped::Dropped;
pub use error::{CronError, CronFault, CronField};
pub use preview::Fire;

use days::Days;
use piece::Fields;

/// How many years ahead a next fire time is looked for, as in Quartz: an expression that names only the past, or the
/// 30th of February, has to come to an end.
pub const SEARCH_YEARS: i32 = 100;

/// A valid expression. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cron(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    text: String,
    /// Seconds, minutes, hours and months; its days and years are all of them and not asked.
    plain: Schedule,
    days: Days,
    /// Ascending; `None` for every year.
    years: Option<Vec<u32>>,
}

impl Cron {
    /// Reads an expression of six or seven fields.
    ///
    /// # Errors
    /// The first mistake, with its field, place and what would be right.
    pub fn parse(text: &str) -> Result<Cron, CronError> {
        let fields = Fields::split(text)?;
        let seconds = plain::values(fields.seconds)?;
        let minutes = plain::values(fields.minutes)?;
        let hours = plain::values(fields.hours)?;
        let days = Days::parse(fields.day_of_month, fields.day_of_week)?;
        let months = plain::values(fields.month)?;
        let years = fields
            .year
            .filter(|year| year.text() != "*")
            .map(plain::values)
            .transpose()?;
        let lists = [&seconds, &minutes, &hours].map(|values| list(values)).join(" ");
        let plain = format!("{lists} * {} *", list(&months))
            .parse()
            .expect("lists of values within the bounds of their fields are an expression");
        Ok(Cron(Arc::new(Parts {
            text: text.to_owned(),
            plain,
            days,
            years,
        })))
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The first wall time at or after `wall` that the expression names, until the end of `last_year`.
    fn first_wall(&self, wall: NaiveDateTime, last_year: i32) -> Option<NaiveDateTime> {
        let wall = round_up(wall)?;
        let (date, time) = (wall.date(), wall.time());
        if let (true, Some(time)) = (self.is_day(date), self.first_time(time)) {
            return Some(date.and_time(time));
        }
        let date = self.first_date(date.succ_opt()?, last_year)?;
        Some(date.and_time(self.first_time(NaiveTime::MIN)?))
    }

    fn is_day(&self, date: NaiveDate) -> bool {
        self.is_year(date.year())
            && self.0.plain.months().includes(date.month())
            && self.0.days.of(date.year(), date.month()).contains(date.day())
    }

    fn is_year(&self, year: i32) -> bool {
        self.0
            .years
            .as_ref()
            .is_none_or(|years| u32::try_from(year).is_ok_and(|year| years.binary_search(&year).is_ok()))
    }

    /// The first day at or after `from` that is named.
    fn first_date(&self, from: NaiveDate, last_year: i32) -> Option<NaiveDate> {
        for year in (from.year()..=last_year).filter(|year| self.is_year(*year)) {
            let first_month = if year == from.year() { from.month() } else { 1 };
            for month in self.0.plain.months().range(first_month..) {
                let is_first = year == from.year() && month == from.month();
                let first_day = if is_first { from.day() } else { 1 };
                if let Some(day) = self.0.days.of(year, month).at_or_after(first_day) {
                    return NaiveDate::from_ymd_opt(year, month, day);
                }
            }
        }
        None
    }

    /// The first time of day at or after `from` that is named, if any is left on that day.
    fn first_time(&self, from: NaiveTime) -> Option<NaiveTime> {
        let hours = |range: RangeFrom<u32>| self.0.plain.hours().range(range).next();
        let minutes = |range: RangeFrom<u32>| self.0.plain.minutes().range(range).next();
        let seconds = |range: RangeFrom<u32>| self.0.plain.seconds().range(range).next();
        let hour = hours(from.hour()..)?;
        if hour == from.hour() {
            let minute = minutes(from.minute()..);
            if minute == Some(from.minute())
                && let Some(second) = seconds(from.second()..)
            {
                return NaiveTime::from_hms_opt(hour, from.minute(), second);
            }
            let minute = if minute == Some(from.minute()) {
                minutes(from.minute() + 1..)
            } else {
                minute
            };
            if let Some(minute) = minute {
                return NaiveTime::from_hms_opt(hour, minute, seconds(0..)?);
            }
        }
        let hour = if hour == from.hour() { hours(hour + 1..)? } else { hour };
        NaiveTime::from_hms_opt(hour, minutes(0..)?, seconds(0..)?)
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Cron) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Cron {}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

/// The next whole second, or `wall` itself if it is one.
fn round_up(wall: NaiveDateTime) -> Option<NaiveDateTime> {
    let whole = wall.with_nanosecond(0)?;
    if whole == wall {
        Some(wall)
    } else {
        whole.checked_add_signed(chrono::TimeDelta::seconds(1))
    }
}

fn list(values: &[u32]) -> String {
    values.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}
