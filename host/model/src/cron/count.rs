//! How many fires lie in a stretch of time, and which is the last: without walking through them, because a year of an
//! expression that fires each second has 31 million.
//!
//! Like in [`super::next`], time is taken in stretches between clock changes, in which the wall times that are named are
//! counted by multiplication.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use chrono_tz::Tz;

use ::cron::TimeUnitSpec;

use super::transition::{REACH, Transition, offset};
use super::{ClockChange, Cron, OnGap, OnOverlap, SEARCH_YEARS};
use crate::clock::Timestamp;

const SECOND: TimeDelta = TimeDelta::seconds(1);

impl Cron {
    /// How many fires there are from `from` until `until`, both included.
    pub fn count_between(&self, from: Timestamp, until: Timestamp, zone: Tz, clock_change: ClockChange) -> u64 {
        let Some(mut start) = whole(from) else { return 0 };
        let Some(end) = until
            .with_nanosecond(0)
            .and_then(|until| until.checked_add_signed(SECOND))
        else {
            return 0;
        };
        let mut last_change = Transition::between(zone, start - REACH, start);
        let mut count = 0;
        while start < end {
            // A change just behind the end matters too: it may show again what lies before it.
            let next_change = Transition::between(zone, start, end + REACH);
            let stretch_end = next_change.map_or(end, |change| change.at.min(end));
            count += self.regular(start, stretch_end, last_change, next_change, zone, clock_change);
            count += last_change.map_or(0, |change| self.moved(change, start, stretch_end, clock_change));
            start = stretch_end;
            last_change = next_change;
        }
        count
    }

    /// The last fire from `from` until `until`, both included.
    pub fn last_between(
        &self,
        from: Timestamp,
        until: Timestamp,
        zone: Tz,
        clock_change: ClockChange,
    ) -> Option<Timestamp> {
        let next = |after| self.next_after(after, zone, clock_change).filter(|fire| *fire <= until);
        let mut found = next(from - TimeDelta::nanoseconds(1))?;
        let mut beyond = until;
        while beyond - found > SECOND {
            let middle = found + (beyond - found) / 2;
            match next(middle) {
                Some(fire) => found = fire,
                None => beyond = middle,
            }
        }
        Some(next(found).unwrap_or(found))
    }

    /// The fires of a stretch whose wall times differ from the instants by a constant.
    fn regular(
        &self,
        start: Timestamp,
        end: Timestamp,
        last_change: Option<Transition>,
        next_change: Option<Transition>,
        zone: Tz,
        clock_change: ClockChange,
    ) -> u64 {
        let offset = offset(zone, start);
        let mut from = start.naive_utc() + offset;
        let mut to = end.naive_utc() + offset;
        if let Some(change) = last_change.filter(|change| change.is_overlap())
            && clock_change.on_overlap == OnOverlap::First
        {
            from = from.max(change.wall_before());
        }
        if let Some(change) = next_change.filter(|change| change.is_overlap())
            && clock_change.on_overlap == OnOverlap::Second
        {
            to = to.min(change.wall_after());
        }
        self.walls_between(from, to)
    }

    /// The fires that the rules move out of this gap into the stretch behind it, but for those that are there anyway.
    fn moved(&self, change: Transition, start: Timestamp, end: Timestamp, clock_change: ClockChange) -> u64 {
        if !change.is_gap() || clock_change.on_gap != OnGap::Shift {
            return 0;
        }
        let mut wall = change.wall_before().max(start.naive_utc() + change.before);
        let limit = change.wall_after().min(end.naive_utc() + change.before);
        let mut count = 0;
        while let Some(named) = self.first_wall(wall, wall.year() + SEARCH_YEARS)
            && named < limit
        {
            count += u64::from(!self.names(named + change.length()));
            wall = named + SECOND;
        }
        count
    }

    /// How many wall times are named from `from` until before `to`.
    fn walls_between(&self, from: NaiveDateTime, to: NaiveDateTime) -> u64 {
        if from >= to {
            return 0;
        }
        let on = |date: NaiveDate, count: u64| if self.is_day(date) { count } else { 0 };
        let (first, last) = (from.date(), to.date());
        if first == last {
            return on(first, self.times_before(to.time()) - self.times_before(from.time()));
        }
        let a_day = self.times_of_day();
        let of_first = on(first, a_day - self.times_before(from.time()));
        let of_last = on(last, self.times_before(to.time()));
        let between = first.succ_opt().map_or(0, |second| self.days_between(second, last));
        of_first + between * a_day + of_last
    }

    /// How many days are named from `from` until before `to`.
    fn days_between(&self, from: NaiveDate, to: NaiveDate) -> u64 {
        let mut count = 0;
        let mut date = from;
        while date < to {
            let month_end = next_month(date).min(to);
            if self.is_year(date.year()) && self.0.plain.months().includes(date.month()) {
                let days = self.0.days.of(date.year(), date.month());
                let named = date.iter_days().take_while(|day| *day < month_end);
                count += named.filter(|day| days.contains(day.day())).map(|_| 1).sum::<u64>();
            }
            date = month_end;
        }
        count
    }

    fn times_of_day(&self) -> u64 {
        let plain = &self.0.plain;
        u64::from(plain.hours().count()) * u64::from(plain.minutes().count()) * u64::from(plain.seconds().count())
    }

    /// How many times of a day are named before `time`.
    fn times_before(&self, time: NaiveTime) -> u64 {
        let plain = &self.0.plain;
        let before = |values: u64, each: u64, has: bool, rest: u64| values * each + if has { rest } else { 0 };
        let seconds = size(plain.seconds().range(..time.second()));
        let each_minute = u64::from(plain.seconds().count());
        let minutes = before(
            size(plain.minutes().range(..time.minute())),
            each_minute,
            plain.minutes().includes(time.minute()),
            seconds,
        );
        let each_hour = u64::from(plain.minutes().count()) * each_minute;
        before(
            size(plain.hours().range(..time.hour())),
            each_hour,
            plain.hours().includes(time.hour()),
            minutes,
        )
    }
}

fn size<T>(values: impl Iterator<Item = T>) -> u64 {
    values.map(|_| 1).sum()
}

/// The next whole second, or the instant itself if it is one.
fn whole(instant: Timestamp) -> Option<Timestamp> {
    let second = instant.with_nanosecond(0)?;
    if second == instant {
        Some(second)
    } else {
        second.checked_add_signed(SECOND)
    }
}

/// The first day of the month after this one.
fn next_month(date: NaiveDate) -> NaiveDate {
    let (year, month) = if date.month() == 12 {
        (date.year() + 1, 1)
    } else {
        (date.year(), date.month() + 1)
    };
    NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(NaiveDate::MAX)
}
