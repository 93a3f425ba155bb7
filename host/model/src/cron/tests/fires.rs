//! When expressions fire.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::super::*;
use crate::clock::{Timestamp, parse_wire_time};

fn at(text: &str) -> Timestamp {
    parse_wire_time(text).unwrap()
}

/// The first fires after an instant, in local time without the zone's offset.
fn fires(expression: &str, zone: &str, after: &str, clock_change: ClockChange, count: usize) -> Vec<String> {
    let fires = Cron::parse(expression)
        .unwrap()
        .preview(at(after), zone.parse().unwrap(), clock_change, count);
    fires.into_iter().map(|fire| fire.local.to_rfc3339()).collect()
}

#[test]
fn days_follow_the_calendar() {
    let check = |expression: &str, expected: &[&str]| {
        let found = fires(
            expression,
            "UTC",
            "2026-01-01T00:00:00Z",
            ClockChange::default(),
            expected.len(),
        );
        let found: Vec<_> = found.iter().map(|text| &text[..10]).collect();
        assert_eq!(found, expected, "{expression}");
    };
    check(
        "0 0 12 31 * ?",
        &["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31"],
    );
    check(
        "0 0 12 L * ?",
        &["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"],
    );
    check("0 0 12 L 2 ?", &["2026-02-28", "2027-02-28", "2028-02-29"]);
    check("0 0 12 L-3 2-3 ?", &["2026-02-25", "2026-03-28"]);
    check("0 0 12 L-30 * ?", &["2026-01-01", "2026-03-01", "2026-05-01"]);
    // 31 January 2026 is a Saturday, 31 May a Sunday.
    check(
        "0 0 12 LW * ?",
        &["2026-01-30", "2026-02-27", "2026-03-31", "2026-04-30", "2026-05-29"],
    );
    check("0 0 12 L-1W 5 ?", &["2026-05-29"]);
    // 1 February 2026 is a Sunday, 1 August a Saturday.
    check("0 0 12 1W 2,8 ?", &["2026-02-02", "2026-08-03"]);
    check("0 0 12 15W 2-3,8 ?", &["2026-02-16", "2026-03-16", "2026-08-14"]);
    check("0 0 12 31W 2,5 ?", &["2026-05-29", "2027-05-31"]);
    check("0 0 12 1,L 2 ?", &["2026-02-01", "2026-02-28", "2027-02-01"]);
    check(
        "0 0 12 29-3 2 ?",
        &["2026-02-01", "2026-02-02", "2026-02-03", "2027-02-01"],
    );
    check("0 0 12 ? * L", &["2026-01-03", "2026-01-10"]);
    check("0 0 12 ? * 6L", &["2026-01-30", "2026-02-27", "2026-03-27"]);
    check("0 0 12 ? * FRIL", &["2026-01-30", "2026-02-27"]);
    check("0 0 12 ? * 6#3", &["2026-01-16", "2026-02-20"]);
    check("0 0 12 ? * FRI#5", &["2026-01-30", "2026-05-29", "2026-07-31"]);
    check(
        "0 0 12 ? * FRI-MON",
        &["2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05", "2026-01-09"],
    );
    check(
        "0 0 12 1 NOV-FEB ?",
        &["2026-01-01", "2026-02-01", "2026-11-01", "2026-12-01", "2027-01-01"],
    );
    check("0 0 12 1 7/6 ?", &["2026-07-01", "2027-07-01"]);
    check("0 0 12 29 2 ?", &["2028-02-29", "2032-02-29"]);
    check(
        "0 0 12 1 1 ? 2027/30",
        &["2027-01-01", "2057-01-01", "2087-01-01", "2117-01-01"],
    );
}

#[test]
fn times_follow_the_clock() {
    let check = |expression: &str, after: &str, expected: &[&str]| {
        let found = fires(expression, "UTC", after, ClockChange::default(), expected.len());
        let found: Vec<_> = found.iter().map(|text| &text[..19]).collect();
        assert_eq!(found, expected, "{expression}");
    };
    check("0 0 12 * * ?", "2026-01-01T12:00:00Z", &["2026-01-02T12:00:00"]);
    check("0 0 12 * * ?", "2026-01-01T11:59:59.999Z", &["2026-01-01T12:00:00"]);
    check("0 0 12 * * ?", "2026-01-01T11:59:58Z", &["2026-01-01T12:00:00"]);
    check(
        "5/15 * * * * ?",
        "2026-01-01T00:00:49Z",
        &["2026-01-01T00:00:50", "2026-01-01T00:01:05", "2026-01-01T00:01:20"],
    );
    check(
        "58-1 59 23 * * ?",
        "2026-01-01T00:00:00Z",
        &[
            "2026-01-01T23:59:00",
            "2026-01-01T23:59:01",
            "2026-01-01T23:59:58",
            "2026-01-01T23:59:59",
            "2026-01-02T23:59:00",
        ],
    );
    check(
        "30 10 22-2/2 * * ?",
        "2026-01-01T22:10:30Z",
        &["2026-01-02T00:10:30", "2026-01-02T02:10:30"],
    );
    check("0 0 0 31 12 ?", "2026-12-31T00:00:00Z", &["2027-12-31T00:00:00"]);
}

#[test]
fn an_expression_comes_to_an_end() {
    let check = |expression: &str, after: &str| {
        assert_eq!(
            fires(expression, "Europe/Berlin", after, ClockChange::default(), 1),
            Vec::<String>::new()
        );
    };
    check("0 0 12 1 1 ? 2025", "2026-01-01T00:00:00Z");
    check("0 0 12 30 2 ?", "2026-01-01T00:00:00Z");
    check("0 0 12 1 1 ? 2199", "2026-01-01T00:00:00Z");
    check("0 0 12 1 1 ? 2026", "2026-01-01T11:00:00Z");
}

#[test]
fn a_clock_change_follows_its_rules() {
    let skip = |on_overlap| ClockChange {
        on_gap: OnGap::Skip,
        on_overlap,
    };
    let check = |expression: &str, zone: &str, after: &str, clock_change, expected: &[&str]| {
        let found = fires(expression, zone, after, clock_change, expected.len());
        assert_eq!(found, expected, "{expression} in {zone}, {clock_change:?}");
    };
    let quartz = ClockChange::default();
    let shift = ClockChange {
        on_gap: OnGap::Shift,
        on_overlap: OnOverlap::Second,
    };
    let (first, both) = (skip(OnOverlap::First), skip(OnOverlap::Both));
    let berlin = "Europe/Berlin";

    let spring = "2026-03-28T22:00:00Z";
    check("0 30 2 * * ?", berlin, spring, quartz, &["2026-03-30T02:30:00+02:00"]);
    check(
        "0 30 2 * * ?",
        berlin,
        spring,
        shift,
        &["2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"],
    );
    check(
        "0 30 2,3 * * ?",
        berlin,
        spring,
        shift,
        &["2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"],
    );
    let hourly = [
        "2026-03-29T01:15:00+01:00",
        "2026-03-29T03:15:00+02:00",
        "2026-03-29T04:15:00+02:00",
    ];
    check("0 15 * * * ?", berlin, "2026-03-28T23:30:00Z", quartz, &hourly);
    check("0 15 * * * ?", berlin, "2026-03-28T23:30:00Z", shift, &hourly);
    let mixed = [
        "2026-03-29T03:10:00+02:00",
        "2026-03-29T03:20:00+02:00",
        "2026-03-29T03:30:00+02:00",
    ];
    check("0 20 3 * * ?", berlin, spring, shift, &mixed[1..2]);
    check(
        "0 10/20 2,3 * * ?",
        berlin,
        "2026-03-29T01:00:00Z",
        shift,
        &["2026-03-29T03:10:00+02:00"],
    );
    check("0 0/10 2 * * ?", berlin, "2026-03-29T01:00:00Z", shift, &mixed);

    let autumn = "2026-10-24T22:00:00Z";
    check(
        "0 30 2 * * ?",
        berlin,
        autumn,
        quartz,
        &["2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"],
    );
    check(
        "0 30 2 * * ?",
        berlin,
        autumn,
        first,
        &["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
    );
    let twice = [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
        "2026-10-26T02:30:00+01:00",
    ];
    check("0 30 2 * * ?", berlin, autumn, both, &twice);
    let pause = [
        "2026-10-25T01:30:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T02:30:00+01:00",
    ];
    check("0 0/30 * * * ?", berlin, "2026-10-24T23:29:00Z", quartz, &pause);
    // Asked from inside the hour that does not count.
    check("0 0/30 * * * ?", berlin, "2026-10-25T00:40:00Z", quartz, &pause[1..]);
    let early = ["2026-10-25T02:30:00+02:00", "2026-10-25T03:00:00+01:00"];
    check("0 0/30 * * * ?", berlin, "2026-10-25T00:00:00Z", first, &early);
    check("0 0/30 * * * ?", berlin, "2026-10-25T01:10:00Z", first, &early[1..]);

    // Half an hour, at midnight, and a whole day.
    check(
        "0 15 2 * * ?",
        "Australia/Lord_Howe",
        "2026-10-03T10:00:00Z",
        shift,
        &["2026-10-04T02:45:00+11:00"],
    );
    check(
        "0 30 0 * * ?",
        "America/Santiago",
        "2026-09-06T00:00:00Z",
        quartz,
        &["2026-09-07T00:30:00-03:00"],
    );
    check(
        "0 0 12 30 12 ?",
        "Pacific/Apia",
        "2011-12-01T00:00:00Z",
        shift,
        &["2011-12-31T12:00:00+14:00"],
    );
    check(
        "0 0 12 30 12 ?",
        "Pacific/Apia",
        "2011-12-01T00:00:00Z",
        quartz,
        &["2012-12-30T12:00:00+14:00"],
    );
    // Once a year, and just then.
    check(
        "0 30 2 29 3 ?",
        berlin,
        "2025-06-01T00:00:00Z",
        quartz,
        &["2027-03-29T02:30:00+02:00"],
    );
    check(
        "0 30 2 29 3 ?",
        berlin,
        "2025-06-01T00:00:00Z",
        shift,
        &["2026-03-29T03:30:00+02:00"],
    );
}

#[test]
fn what_an_overlap_shows_again_is_not_overlooked() {
    let check = |expression: &str, zone: &str, after: &str, on_overlap, expected: &[&str]| {
        let on_gap = OnGap::Skip;
        let found = fires(
            expression,
            zone,
            after,
            ClockChange { on_gap, on_overlap },
            expected.len(),
        );
        assert_eq!(found, expected, "{expression} in {zone} after {after}, {on_overlap:?}");
    };
    let twice = [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
        "2027-10-31T02:30:00+02:00",
    ];
    // The next wall time is a year away, and the clock goes back in between.
    let berlin = "Europe/Berlin";
    let last_sunday = "0 30 2 ? 10 1L";
    check(last_sunday, berlin, "2026-10-24T00:00:00Z", OnOverlap::Both, &twice);
    check(
        last_sunday,
        berlin,
        "2026-10-25T00:45:00Z",
        OnOverlap::Second,
        &["2026-10-25T02:30:00+01:00"],
    );
    check(
        last_sunday,
        berlin,
        "2026-10-25T00:45:00Z",
        OnOverlap::First,
        &twice[2..],
    );
    // There is no next wall time at all.
    check(
        "0 30 2 25 10 ? 2026",
        berlin,
        "2026-10-24T00:00:00Z",
        OnOverlap::Both,
        &twice[..2],
    );
    check(
        "0 30 2 25 10 ? 2026",
        berlin,
        "2026-10-25T00:45:00Z",
        OnOverlap::Second,
        &twice[1..2],
    );
    let midnight = [
        "2026-04-04T23:00:00-03:00",
        "2026-04-04T23:00:00-04:00",
        "2026-05-04T23:00:00-04:00",
    ];
    check(
        "0 0 23 4 * ?",
        "America/Santiago",
        "2026-04-04T12:00:00Z",
        OnOverlap::Both,
        &midnight,
    );
}

#[test]
fn years_are_counted_without_walking_through_them() {
    let check = |expression: &str, zone: &str, clock_change: ClockChange, from: &str, until: &str, expected: u64| {
        let cron = Cron::parse(expression).unwrap();
        let count = cron.count_between(at(from), at(until), zone.parse().unwrap(), clock_change);
        assert_eq!(count, expected, "{expression} in {zone}");
    };
    let quartz = ClockChange::default();
    let both = ClockChange {
        on_gap: OnGap::Shift,
        on_overlap: OnOverlap::Both,
    };
    let (begin, end) = ("2026-01-01T00:00:00Z", "2026-12-31T23:59:59Z");
    check("* * * * * ?", "UTC", quartz, begin, end, 365 * 86_400);
    check(
        "* * * * * ?",
        "UTC",
        quartz,
        begin,
        "2125-12-31T23:59:59Z",
        36_524 * 86_400,
    );
    // Quartz is silent in the first of two equal hours.
    check("* * * * * ?", "Europe/Berlin", quartz, begin, end, 365 * 86_400 - 3600);
    check("* * * * * ?", "Europe/Berlin", both, begin, end, 365 * 86_400);
    check("0 30 2 * * ?", "Europe/Berlin", quartz, begin, end, 364);
    check("0 30 2 * * ?", "Europe/Berlin", both, begin, end, 366);
    check(
        "0 0 0 29 2 ?",
        "UTC",
        quartz,
        "2024-01-01T00:00:00Z",
        "2032-12-31T00:00:00Z",
        3,
    );
    check("0 0 0 1 1 ? 2027", "UTC", quartz, begin, end, 0);
    check("* * * * * ?", "UTC", quartz, end, begin, 0);
    let cron = Cron::parse("* * * * * ?").unwrap();
    assert_eq!(
        cron.last_between(at(begin), at(end) + TimeDelta::milliseconds(900), Tz::UTC, quartz),
        Some(at(end))
    );
}

#[test]
fn what_a_gap_drops_is_known() {
    let cron = Cron::parse("0 0/20 2 * * ?").unwrap();
    let zone: Tz = "Europe/Berlin".parse().unwrap();
    let of = |clock_change| {
        cron.dropped_between(
            at("2026-01-01T00:00:00Z"),
            at("2027-12-31T00:00:00Z"),
            zone,
            clock_change,
            10,
        )
    };
    let dropped = of(ClockChange::default());
    assert_eq!(dropped.len(), 2);
    assert_eq!(
        (
            dropped[0].at,
            dropped[0].count,
            dropped[0].first.to_string(),
            dropped[0].last.to_string()
        ),
        (
            at("2026-03-29T01:00:00Z"),
            3,
            "2026-03-29 02:00:00".to_owned(),
            "2026-03-29 02:40:00".to_owned()
        )
    );
    let shifted = ClockChange {
        on_gap: OnGap::Shift,
        ..ClockChange::default()
    };
    assert_eq!(of(shifted), []);
    let hourly = Cron::parse("0 0 * * * ?").unwrap();
    let all = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    assert_eq!(
        hourly.dropped_between(all.0, all.1, zone, ClockChange::default(), 10),
        []
    );
}
