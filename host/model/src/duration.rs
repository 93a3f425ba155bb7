//! Durations as people write them in a scan: `10m`, `1d`, `6M`. Months and years follow the calendar.

use std::fmt;
use std::str::FromStr;

use chrono::{Months, TimeDelta};

use crate::clock::Timestamp;

/// A number of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CalendarDuration {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: Unit,
}

/// The unit of a [`CalendarDuration`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`, 24 hours
    Day,
    /// `M`, of the calendar: a month after the 31st of January is the last of February
    Month,
    /// `y`, twelve months
    Year,
}

impl CalendarDuration {
    /// No time at all.
    pub const ZERO: CalendarDuration = CalendarDuration {
        count: 0,
        unit: Unit::Second,
    };

    /// The instant that is this much after `instant`; `None` where the calendar ends.
    pub fn after(self, instant: Timestamp) -> Option<Timestamp> {
        match self.length() {
            Length::Fixed(delta) => instant.checked_add_signed(delta),
            Length::Months(months) => instant.checked_add_months(months),
        }
    }

    /// The instant that is this much before `instant`; `None` where the calendar ends.
    pub fn before(self, instant: Timestamp) -> Option<Timestamp> {
        match self.length() {
            Length::Fixed(delta) => instant.checked_sub_signed(delta),
            Length::Months(months) => instant.checked_sub_months(months),
        }
    }

    fn length(self) -> Length {
        let count = i64::from(self.count);
        match self.unit {
            Unit::Second => Length::Fixed(TimeDelta::seconds(count)),
            Unit::Minute => Length::Fixed(TimeDelta::minutes(count)),
            Unit::Hour => Length::Fixed(TimeDelta::hours(count)),
            Unit::Day => Length::Fixed(TimeDelta::days(count)),
            Unit::Month => Length::Months(Months::new(self.count)),
            Unit::Year => Length::Months(Months::new(self.count.saturating_mul(12))),
        }
    }
}

enum Length {
    Fixed(TimeDelta),
    Months(Months),
}

const UNITS: [(Unit, char); 6] = [
    (Unit::Second, 's'),
    (Unit::Minute, 'm'),
    (Unit::Hour, 'h'),
    (Unit::Day, 'd'),
    (Unit::Month, 'M'),
    (Unit::Year, 'y'),
];

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a duration: write a whole number and a unit, such as 10m; units are s, m (minutes), h, d, M (months) and y"
)]
pub struct DurationError(pub String);

impl FromStr for CalendarDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<CalendarDuration, DurationError> {
        let refused = || DurationError(text.to_owned());
        let last = text.chars().next_back().ok_or_else(refused)?;
        let (unit, letter) = *UNITS.iter().find(|(_, letter)| *letter == last).ok_or_else(refused)?;
        let digits = &text[..text.len() - letter.len_utf8()];
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused());
        }
        let count = digits.parse().map_err(|_| refused())?;
        Ok(CalendarDuration { count, unit })
    }
}

impl fmt::Display for CalendarDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = UNITS
            .iter()
            .find(|(unit, _)| *unit == self.unit)
            .map(|(_, letter)| *letter);
        write!(f, "{}{}", self.count, letter.expect("every unit has a letter"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{parse_wire_time, wire_time};

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for text in ["0s", "10m", "1h", "7d", "6M", "2y", "4294967295s"] {
            assert_eq!(text.parse::<CalendarDuration>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "m",
            "10",
            "10 m",
            "-1m",
            "+1m",
            "1.5h",
            "10w",
            "10min",
            "PT10M",
            "4294967296s",
            "1é",
        ] {
            let error = text.parse::<CalendarDuration>().unwrap_err();
            assert_eq!(error, DurationError(text.to_owned()));
        }
    }

    #[test]
    fn months_and_years_follow_the_calendar() {
        let check = |instant: &str, duration: &str, after: &str, before: &str| {
            let instant = parse_wire_time(instant).unwrap();
            let duration: CalendarDuration = duration.parse().unwrap();
            assert_eq!(
                duration.after(instant).map(wire_time).as_deref(),
                Some(after),
                "after {duration}"
            );
            assert_eq!(
                duration.before(instant).map(wire_time).as_deref(),
                Some(before),
                "before {duration}"
            );
        };
        let new_year = "2026-01-01T00:00:00Z";
        check(new_year, "10m", "2026-01-01T00:10:00.000Z", "2025-12-31T23:50:00.000Z");
        check(new_year, "90s", "2026-01-01T00:01:30.000Z", "2025-12-31T23:58:30.000Z");
        check(new_year, "25h", "2026-01-02T01:00:00.000Z", "2025-12-30T23:00:00.000Z");
        check(new_year, "1d", "2026-01-02T00:00:00.000Z", "2025-12-31T00:00:00.000Z");
        check(
            "2024-03-31T12:00:00Z",
            "1M",
            "2024-04-30T12:00:00.000Z",
            "2024-02-29T12:00:00.000Z",
        );
        check(
            "2024-02-29T12:00:00Z",
            "1y",
            "2025-02-28T12:00:00.000Z",
            "2023-02-28T12:00:00.000Z",
        );
    }

    #[test]
    fn beyond_the_calendar_there_is_no_instant() {
        let duration: CalendarDuration = "4294967295y".parse().unwrap();
        assert_eq!(duration.after(parse_wire_time("2026-01-01T00:00:00Z").unwrap()), None);
    }
}
