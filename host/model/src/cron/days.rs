//! The rules for days: which days of a given month an expression names.
//!
//! Exactly one of the two day fields counts, the other is `?`. What `L`, `W` and `#` mean depends on the month, so a
//! rule is asked for the days of one month of one year, and answers with a set of at most 31 bits.

use chrono::{Datelike, NaiveDate};

use super::error::{CronError, CronFault};
use super::piece::Piece;
use super::plain;

/// Which days an expression names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Days {
    /// The day of month field counts: the union of its elements.
    OfMonth {
        /// Days that are named by number.
        plain: DaySet,
        /// Days that depend on the month.
        special: Vec<MonthDay>,
    },
    /// The day of week field counts, with plain days only: bit 1 is Sunday.
    OfWeek(DaySet),
    /// `nL`: the last such day of the week in the month.
    LastOfWeek(u32),
    /// `n#m`: the m-th such day of the week in the month.
    NthOfWeek {
        /// 1 is Sunday.
        weekday: u32,
        /// 1 to 5.
        occurrence: u32,
    },
}

/// A day that has another number in another month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MonthDay {
    /// `L-n`, or `L` with n 0: n days before the last one.
    BeforeLast(u32),
    /// `L-nW`, or `LW` with n 0: the weekday nearest to that.
    WeekdayBeforeLast(u32),
    /// `dW`: the weekday nearest to day d.
    WeekdayNearest(u32),
}

/// A set of small numbers, one bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct DaySet(u32);

impl DaySet {
    pub(super) fn contains(self, day: u32) -> bool {
        day < 32 && self.0 & (1 << day) != 0
    }

    /// The smallest member that is at least `day`.
    pub(super) fn at_or_after(self, day: u32) -> Option<u32> {
        let rest = if day < 32 { self.0 >> day << day } else { 0 };
        (rest != 0).then(|| rest.trailing_zeros())
    }
}

impl FromIterator<u32> for DaySet {
    fn from_iter<I: IntoIterator<Item = u32>>(days: I) -> DaySet {
        DaySet(days.into_iter().fold(0, |set, day| set | 1 << day))
    }
}

impl Days {
    /// Reads the two day fields together.
    pub(super) fn parse(day_of_month: Piece<'_>, day_of_week: Piece<'_>) -> Result<Days, CronError> {
        match (is_question(day_of_month)?, is_question(day_of_week)?) {
            (true, true) => Err(day_of_week.fail(CronFault::QuestionTwice)),
            (true, false) => days_of_week(day_of_week),
            (false, true) => days_of_month(day_of_month),
            (false, false) => {
                // A mistake inside a field is the better news, so look there first.
                days_of_month(day_of_month)?;
                days_of_week(day_of_week)?;
                Err(day_of_week.fail(CronFault::BothDays))
            }
        }
    }

    /// The days of that month which the rule names.
    pub(super) fn of(&self, year: i32, month: u32) -> DaySet {
        let Some(page) = MonthPage::of(year, month) else {
            return DaySet::default();
        };
        match self {
            Days::OfMonth { plain, special } => {
                let special = special.iter().filter_map(|day| page.special(*day));
                page.days().filter(|day| plain.contains(*day)).chain(special).collect()
            }
            Days::OfWeek(weekdays) => page
                .days()
                .filter(|day| weekdays.contains(page.weekday(*day)))
                .collect(),
            Days::LastOfWeek(weekday) => page
                .days()
                .filter(|day| page.weekday(*day) == *weekday && day + 7 > page.last)
                .collect(),
            Days::NthOfWeek { weekday, occurrence } => page
                .days()
                .filter(|day| page.weekday(*day) == *weekday && (day - 1) / 7 + 1 == *occurrence)
                .collect(),
        }
    }
}

const SUNDAY: u32 = 1;
const SATURDAY: u32 = 7;

/// What a wall calendar's page shows.
struct MonthPage {
    /// Day of the week of the 1st, Sunday is 1.
    first_weekday: u32,
    /// 28 to 31.
    last: u32,
}

impl MonthPage {
    /// `None` where the calendar ends.
    fn of(year: i32, month: u32) -> Option<MonthPage> {
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        let last = (28..=31)
            .rev()
            .find(|day| NaiveDate::from_ymd_opt(year, month, *day).is_some())?;
        Some(MonthPage {
            first_weekday: first.weekday().number_from_sunday(),
            last,
        })
    }

    fn days(&self) -> impl Iterator<Item = u32> + use<> {
        1..=self.last
    }

    fn weekday(&self, day: u32) -> u32 {
        (self.first_weekday + day - 2) % 7 + 1
    }

    /// The number of that day here; `None` if this month has no such day.
    fn special(&self, day: MonthDay) -> Option<u32> {
        let before_last = |n: u32| self.last.checked_sub(n).filter(|day| *day > 0);
        match day {
            MonthDay::BeforeLast(n) => before_last(n),
            MonthDay::WeekdayBeforeLast(n) => before_last(n).map(|day| self.nearest_weekday(day)),
            MonthDay::WeekdayNearest(day) => (day <= self.last).then(|| self.nearest_weekday(day)),
        }
    }

    /// Monday to Friday nearest to `day`, without leaving the month.
    fn nearest_weekday(&self, day: u32) -> u32 {
        match self.weekday(day) {
            SATURDAY if day == 1 => 3,
            SATURDAY => day - 1,
            SUNDAY if day == self.last => day - 2,
            SUNDAY => day + 1,
            _ => day,
        }
    }
}

fn is_question(field: Piece<'_>) -> Result<bool, CronError> {
    match field.text().strip_prefix('?') {
        None => Ok(false),
        Some(rest) => match rest.chars().next() {
            None => Ok(true),
            Some(stranger) => Err(field.fail(CronFault::AfterQuestion(stranger))),
        },
    }
}

fn days_of_month(field: Piece<'_>) -> Result<Days, CronError> {
    let mut plain = Vec::new();
    let mut special = Vec::new();
    for element in field.elements() {
        match month_day(element)? {
            Some(day) => special.push(day),
            None => plain.extend(plain::element_values(element)?),
        }
    }
    Ok(Days::OfMonth {
        plain: plain.into_iter().collect(),
        special,
    })
}

/// Reads `L`, `L-n`, `LW`, `L-nW` and `dW`; `None` for anything else.
fn month_day(element: Piece<'_>) -> Result<Option<MonthDay>, CronError> {
    let capitals = element.capitals();
    let (before_w, is_weekday) = match capitals.strip_suffix('W') {
        Some(before_w) => (before_w, true),
        None => (capitals.as_str(), false),
    };
    let number = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse::<u32>())
    };
    let last = |n| {
        if is_weekday {
            MonthDay::WeekdayBeforeLast(n)
        } else {
            MonthDay::BeforeLast(n)
        }
    };
    if before_w == "L" {
        return Ok(Some(last(0)));
    }
    if let Some(offset) = before_w.strip_prefix("L-") {
        return match number(offset) {
            Some(_) if offset.is_empty() => Err(element.fail(CronFault::Missing)),
            Some(Ok(n)) if n <= 30 => Ok(Some(last(n))),
            Some(_) => Err(element.fail(CronFault::LastOffset)),
            None => Err(element.fail(CronFault::Illegal(capitals))),
        };
    }
    if !is_weekday || before_w.is_empty() {
        return Ok(None);
    }
    match number(before_w) {
        Some(Ok(day)) if (1..=31).contains(&day) => Ok(Some(MonthDay::WeekdayNearest(day))),
        Some(Ok(0)) => Err(element.fail(CronFault::OutOfRange(element.field))),
        Some(_) => Err(element.fail(CronFault::WeekdayOfNoDay)),
        None => Ok(None),
    }
}

fn days_of_week(field: Piece<'_>) -> Result<Days, CronError> {
    let elements = field.elements();
    let is_nth = |element: &&Piece<'_>| element.text().contains('#');
    let is_last = |element: &&Piece<'_>| element.capitals().ends_with('L');
    match elements.as_slice() {
        [element] if is_nth(&element) => nth_of_week(*element),
        [element] if element.capitals() == "L" => Ok(Days::OfWeek(DaySet::from_iter([SATURDAY]))),
        [element] if is_last(&element) => {
            let weekday = plain::value(element.part(0, element.text().len() - 1))?;
            Ok(Days::LastOfWeek(weekday))
        }
        several if several.iter().filter(is_nth).count() > 1 => Err(field.fail(CronFault::OccurrenceTwice)),
        several if several.iter().any(|element| is_nth(&element)) => Err(field.fail(CronFault::OccurrenceInList)),
        several if several.iter().any(|element| is_last(&element)) => Err(field.fail(CronFault::LastInList)),
        _ => Ok(Days::OfWeek(plain::values(field)?.into_iter().collect())),
    }
}

fn nth_of_week(element: Piece<'_>) -> Result<Days, CronError> {
    let Some((weekday, occurrence)) = element.split_at('#') else {
        return Err(element.fail(CronFault::Occurrence));
    };
    if occurrence.text().contains('#') {
        return Err(element.fail(CronFault::OccurrenceTwice));
    }
    let weekday = plain::value(weekday)?;
    match occurrence.text() {
        "1" | "2" | "3" | "4" | "5" => {
            let occurrence = plain::value(occurrence)?;
            Ok(Days::NthOfWeek { weekday, occurrence })
        }
        _ => Err(element.fail(CronFault::Occurrence)),
    }
}
