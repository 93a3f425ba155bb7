//! When a trigger fires, and which states it goes through.

use super::*;
use crate::clock::{parse_wire_time, wire_time};

fn at(text: &str) -> Timestamp {
    parse_wire_time(text).unwrap()
}

fn simple(interval_ms: i64, count: i64) -> Timing {
    Timing::Simple {
        interval: TimeDelta::milliseconds(interval_ms),
        repeat: Repeat::from_wire(count).unwrap(),
    }
}

fn cron(text: &str) -> Timing {
    let cron = Cron::parse(text).unwrap();
    Timing::Cron {
        cron,
        zone: chrono_tz::UTC,
        clock_change: ClockChange::default(),
    }
}

/// All fire times of a trigger, at most so many.
fn fires(timing: Timing, start: Option<&str>, end: Option<&str>, now: &str, most: usize) -> Vec<String> {
    let mut fires = Vec::new();
    let mut next = Trigger::new(timing, start.map(at), end.map(at), at(now));
    while let Some(trigger) = next.filter(|_| fires.len() < most) {
        fires.push(wire_time(trigger.next));
        next = match trigger.fire() {
            AfterFire::Again(trigger) => Some(trigger),
            AfterFire::Complete { .. } => None,
        };
    }
    fires
}

#[test]
fn a_simple_trigger_fires_at_its_start_and_after_each_interval() {
    let check = |timing, start: Option<&str>, end: Option<&str>, expected: &[&str]| {
        assert_eq!(fires(timing, start, end, "2026-01-01T00:00:00.250Z", 4), expected);
    };
    let now = "2026-01-01T00:00:00.250Z";
    check(simple(1000, 0), None, None, &[now]);
    check(
        simple(1000, 2),
        None,
        None,
        &[now, "2026-01-01T00:00:01.250Z", "2026-01-01T00:00:02.250Z"],
    );
    check(
        simple(3_600_000, -1),
        None,
        None,
        &[
            now,
            "2026-01-01T01:00:00.250Z",
            "2026-01-01T02:00:00.250Z",
            "2026-01-01T03:00:00.250Z",
        ],
    );
    // All at once.
    check(simple(0, 2), None, None, &[now, now, now]);
    // A start in the future counts, one in the past means now.
    let later = "2026-01-02T00:00:00.500Z";
    check(simple(1000, 0), Some(later), None, &[later]);
    check(simple(1000, 0), Some("2025-01-01T00:00:00Z"), None, &[now]);
    // The end itself is too late.
    check(simple(1000, -1), None, Some("2026-01-01T00:00:01.250Z"), &[now]);
    check(
        simple(1000, -1),
        None,
        Some("2026-01-01T00:00:01.251Z"),
        &[now, "2026-01-01T00:00:01.250Z"],
    );
    check(simple(1000, -1), None, Some(now), &[]);
    check(simple(i64::MAX, -1), None, None, &[now]);
}

#[test]
fn a_cron_trigger_counts_a_match_at_its_start() {
    let check = |text: &str, start: Option<&str>, end: Option<&str>, now: &str, expected: &[&str]| {
        assert_eq!(fires(cron(text), start, end, now, 2), expected, "{text}");
    };
    let noon = "2026-01-01T12:00:00.000Z";
    let next_noon = "2026-01-02T12:00:00.000Z";
    check(
        "0 0 12 * * ?",
        None,
        None,
        "2026-01-01T12:00:00.900Z",
        &[noon, next_noon],
    );
    check(
        "0 0 12 * * ?",
        None,
        None,
        "2026-01-01T12:00:01.000Z",
        &[next_noon, "2026-01-03T12:00:00.000Z"],
    );
    check(
        "0 0 12 * * ?",
        Some("2026-01-02T12:00:00Z"),
        None,
        noon,
        &[next_noon, "2026-01-03T12:00:00.000Z"],
    );
    check("0 0 12 * * ?", None, Some("2026-01-02T12:00:00Z"), noon, &[noon]);
    check("0 0 12 1 1 ? 2026", None, None, noon, &[noon]);
    check("0 0 12 1 1 ? 2025", None, None, noon, &[]);
}

#[test]
fn a_fire_counts_and_remembers() {
    let now = at("2026-01-01T00:00:00Z");
    let trigger = Trigger::new(simple(1000, 1), None, None, now).unwrap();
    let AfterFire::Again(trigger) = trigger.fire() else {
        panic!("it fires twice")
    };
    assert_eq!((trigger.times_triggered, trigger.previous), (1, Some(now)));
    let later = now + TimeDelta::seconds(1);
    assert_eq!(
        trigger.fire(),
        AfterFire::Complete {
            previous: later,
            times_triggered: 2
        }
    );
}

#[test]
fn states_move_as_the_reference_says() {
    use TriggerState::{Blocked, Complete, Normal, Paused};
    let check = |status: Status, state, previous: Option<TriggerState>| {
        assert_eq!((status.state, status.previous), (state, previous));
    };
    let new = Status::NEW;
    check(new, Normal, None);
    check(new.paused(), Paused, Some(Normal));
    check(new.paused().paused(), Paused, Some(Normal));
    check(new.paused().resumed(), Normal, Some(Paused));
    check(new.resumed(), Normal, None);
    check(new.completed(), Complete, Some(Normal));
    check(new.completed().paused(), Complete, Some(Normal));
    check(new.completed().resumed(), Complete, Some(Normal));
    // During a run of a job that allows one at a time.
    check(new.during_run(), Blocked, Some(Normal));
    check(new.paused().during_run(), Paused, Some(Blocked));
    check(new.completed().during_run(), Complete, Some(Normal));
}

#[test]
fn every_state_is_read_as_it_is_written() {
    for name in ["NONE", "NORMAL", "PAUSED", "COMPLETE", "ERROR", "BLOCKED"] {
        assert_eq!(name.parse::<TriggerState>().unwrap().to_string(), name);
    }
    assert!("normal".parse::<TriggerState>().is_err());
}

#[test]
fn what_is_due_is_what_would_fire() {
    let all = |trigger: Trigger| {
        let mut fires = Vec::new();
        let mut next = Some(trigger);
        while let Some(trigger) = next.filter(|_| fires.len() < 5_000) {
            fires.push(trigger.next);
            next = match trigger.fire() {
                AfterFire::Again(trigger) => Some(trigger),
                AfterFire::Complete { .. } => None,
            };
        }
        fires
    };
    let begin = at("2026-01-01T00:00:00.250Z");
    let timings = [
        simple(700, -1),
        simple(1000, 5),
        simple(1000, 0),
        simple(0, 3),
        cron("0/7 * * * * ?"),
        cron("3 1-2 0 * * ?"),
    ];
    for timing in timings {
        for end in [None, Some(begin + TimeDelta::milliseconds(9_100))] {
            let Some(trigger) = Trigger::new(timing.clone(), None, end, begin) else {
                continue;
            };
            let fires = all(trigger.clone());
            for from in (-1000..12_000).step_by(350) {
                for length in [0, 1, 349, 2000, 61_000] {
                    let from = begin + TimeDelta::milliseconds(from);
                    let until = from + TimeDelta::milliseconds(length);
                    let named = fires.iter().filter(|fire| **fire >= from && **fire <= until);
                    let mut named: Vec<_> = named.copied().collect();
                    if timing == simple(0, 3) {
                        named.truncate(1);
                    }
                    let expected = named.first().map(|first| Stretch {
                        first: *first,
                        last: *named.last().unwrap(),
                        count: named.len() as u64,
                    });
                    assert_eq!(trigger.due(from, until), expected, "{timing:?} {end:?} {from} {until}");
                }
            }
        }
    }
}
