//! The slow, obvious way: look at every second around a clock change and ask each field.

use chrono::{Datelike, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use proptest::prelude::*;
use std::collections::BTreeSet;

use super::super::*;
use crate::clock::{Timestamp, parse_wire_time};

/// An expression that is known by its sets, and its text.
#[derive(Debug, Clone)]
struct Known {
    seconds: BTreeSet<u32>,
    minutes: BTreeSet<u32>,
    hours: BTreeSet<u32>,
    days: KnownDays,
}

#[derive(Debug, Clone)]
enum KnownDays {
    Month(BTreeSet<u32>),
    Last,
    Week(BTreeSet<u32>),
    Nth(u32, u32),
    LastOf(u32),
}

impl Known {
    fn text(&self) -> String {
        let list = |set: &BTreeSet<u32>| set.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let (of_month, of_week) = match &self.days {
            KnownDays::Month(days) => (list(days), "?".to_owned()),
            KnownDays::Last => ("L".to_owned(), "?".to_owned()),
            KnownDays::Week(days) => ("?".to_owned(), list(days)),
            KnownDays::Nth(day, occurrence) => ("?".to_owned(), format!("{day}#{occurrence}")),
            KnownDays::LastOf(day) => ("?".to_owned(), format!("{day}L")),
        };
        format!(
            "{} {} {} {of_month} * {of_week}",
            list(&self.seconds),
            list(&self.minutes),
            list(&self.hours)
        )
    }

    fn names_day(&self, date: NaiveDate) -> bool {
        let weekday = date.weekday().number_from_sunday();
        let is_last_week = (date + TimeDelta::days(7)).month() != date.month();
        match &self.days {
            KnownDays::Month(days) => days.contains(&date.day()),
            KnownDays::Last => (date + TimeDelta::days(1)).month() != date.month(),
            KnownDays::Week(days) => days.contains(&weekday),
            KnownDays::Nth(day, occurrence) => weekday == *day && (date.day() - 1) / 7 + 1 == *occurrence,
            KnownDays::LastOf(day) => weekday == *day && is_last_week,
        }
    }

    /// Every named wall time of four days, by looking at each day, hour, minute and second of them.
    fn walls(&self, first_day: NaiveDate) -> Vec<NaiveDateTime> {
        let mut walls = Vec::new();
        for date in first_day.iter_days().take(4).filter(|date| self.names_day(*date)) {
            for hour in (0..24).filter(|hour| self.hours.contains(hour)) {
                for minute in (0..60).filter(|minute| self.minutes.contains(minute)) {
                    for second in (0..60).filter(|second| self.seconds.contains(second)) {
                        walls.push(date.and_hms_opt(hour, minute, second).unwrap());
                    }
                }
            }
        }
        walls
    }

    fn fires(&self, first_day: NaiveDate, zone: Tz, clock_change: ClockChange) -> BTreeSet<Timestamp> {
        let mut fires = BTreeSet::new();
        for wall in self.walls(first_day) {
            let instants = match zone.from_local_datetime(&wall) {
                LocalResult::Single(instant) => vec![instant],
                LocalResult::Ambiguous(first, second) => match clock_change.on_overlap {
                    OnOverlap::First => vec![first],
                    OnOverlap::Second => vec![second],
                    OnOverlap::Both => vec![first, second],
                },
                LocalResult::None if clock_change.on_gap == OnGap::Skip => vec![],
                LocalResult::None => {
                    // What the clock showed a day before tells its distance from UTC before the gap.
                    let day_before = zone.from_local_datetime(&(wall - TimeDelta::days(1))).latest().unwrap();
                    vec![day_before + TimeDelta::days(1)]
                }
            };
            fires.extend(instants.into_iter().map(|instant| instant.to_utc()));
        }
        fires
    }
}

/// Zones and a day before one of their changes, of all kinds: an hour, half an hour, at midnight, in both directions.
const CHANGES: [(&str, &str); 9] = [
    ("Europe/Berlin", "2026-03-28"),
    ("Europe/Berlin", "2026-10-24"),
    ("America/New_York", "2026-03-07"),
    ("America/New_York", "2026-10-31"),
    ("Australia/Lord_Howe", "2026-10-03"),
    ("Australia/Lord_Howe", "2026-04-04"),
    ("America/Santiago", "2026-09-05"),
    ("America/Santiago", "2026-04-04"),
    ("UTC", "2026-02-27"),
];

fn known() -> impl Strategy<Value = Known> {
    let set = |size, most| prop::collection::btree_set(0..size, 1..=most);
    let days = prop_oneof![
        prop::collection::btree_set(1..=31_u32, 1..31).prop_map(KnownDays::Month),
        Just(KnownDays::Month((1..=31).collect())),
        Just(KnownDays::Last),
        prop::collection::btree_set(1..=7_u32, 1..7).prop_map(KnownDays::Week),
        (1..=7_u32, 1..=5_u32).prop_map(|(day, occurrence)| KnownDays::Nth(day, occurrence)),
        (1..=7_u32).prop_map(KnownDays::LastOf),
    ];
    let hours = prop_oneof![set(5_u32, 5_usize), set(24_u32, 24_usize)];
    (set(60_u32, 3), set(60_u32, 6), hours, days).prop_map(|(seconds, minutes, hours, days)| Known {
        seconds,
        minutes,
        hours,
        days,
    })
}

fn rules() -> impl Strategy<Value = ClockChange> {
    let on_gap = prop_oneof![Just(OnGap::Skip), Just(OnGap::Shift)];
    let on_overlap = prop_oneof![Just(OnOverlap::First), Just(OnOverlap::Second), Just(OnOverlap::Both)];
    (on_gap, on_overlap).prop_map(|(on_gap, on_overlap)| ClockChange { on_gap, on_overlap })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fires_are_those_of_an_enumeration(known in known(), clock_change in rules(), change in 0..CHANGES.len(), asked in 1..86_400_i64, length in 0..90_000_i64) {
        let (zone, day) = CHANGES[change];
        let zone: Tz = zone.parse().unwrap();
        let day: NaiveDate = day.parse().unwrap();
        let cron = Cron::parse(&known.text()).unwrap();
        // The second and third day are compared; the others are there for what moves across midnight.
        let from = parse_wire_time(&format!("{day}T12:00:00Z")).unwrap();
        let until = from + TimeDelta::days(2);
        let expected: Vec<_> = known.fires(day, zone, clock_change).range(from + TimeDelta::seconds(1)..until).copied().collect();

        let mut found = Vec::new();
        let mut after = from;
        while let Some(next) = cron.next_after(after, zone, clock_change).filter(|next| *next < until) {
            found.push(next);
            after = next;
        }
        prop_assert_eq!(&found, &expected);

        // Counting and looking backwards see the same fires.
        let (low, high) = (from + TimeDelta::seconds(asked), from + TimeDelta::seconds(asked + length));
        let between: Vec<_> = found.iter().filter(|fire| **fire >= low && **fire <= high.min(until - TimeDelta::seconds(1))).collect();
        let high = high.min(until - TimeDelta::seconds(1));
        prop_assert_eq!(cron.count_between(low, high, zone, clock_change), between.len() as u64);
        prop_assert_eq!(cron.last_between(low, high, zone, clock_change), between.last().map(|fire| **fire));

        let asked = from + TimeDelta::seconds(asked);
        let next = cron.next_after(asked, zone, clock_change).filter(|next| *next < until);
        prop_assert_eq!(next, expected.iter().copied().find(|fire| *fire > asked));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[-0-9A-Za-z*?/,#LW \tä]{0,40}") {
        if let Err(error) = Cron::parse(&text) {
            prop_assert!(error.offset <= text.chars().count());
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn a_field_of_any_text_fails_in_that_field_or_is_fine(text in "[-0-9*?/,#LWMONFRI]{1,8}", place in 0..6_usize) {
        let mut fields = ["0", "0", "0", "?", "*", "MON"];
        if place == 3 {
            fields[5] = "?";
        }
        fields[place] = &text;
        let expression = fields.join(" ");
        if let Err(error) = Cron::parse(&expression) {
            let start = expression.chars().take(error.offset).filter(|c| *c == ' ').count();
            prop_assert!(start == place || matches!(error.fault, CronFault::BothDays | CronFault::QuestionTwice), "{}", error);
        }
    }
}
