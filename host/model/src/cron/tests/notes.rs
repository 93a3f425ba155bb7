//! What a preview says about clock changes.

use super::super::*;
use crate::clock::parse_wire_time;

#[test]
fn a_note_says_what_a_clock_change_does() {
    let check = |expression: &str, after: &str, on_gap, on_overlap, expected: &[(&str, Option<&str>)]| {
        let after = parse_wire_time(after).unwrap();
        let clock_change = ClockChange { on_gap, on_overlap };
        let zone = chrono_tz::Europe::Berlin;
        let fires = Cron::parse(expression)
            .unwrap()
            .preview(after, zone, clock_change, expected.len());
        let found: Vec<_> = fires
            .iter()
            .map(|fire| (fire.local.to_rfc3339(), fire.note.clone()))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(local, note)| ((*local).to_owned(), note.map(str::to_owned)))
            .collect();
        assert_eq!(found, expected, "{expression}");
    };
    use OnGap::*;
    use OnOverlap::*;
    let spring = "2026-03-28T12:00:00Z";
    let autumn = "2026-10-24T12:00:00Z";
    check(
        "0 30 2 * * ?",
        spring,
        Skip,
        Second,
        &[
            (
                "2026-03-30T02:30:00+02:00",
                Some(
                    "02:30:00 on 2026-03-29 does not exist in Europe/Berlin: the clock goes forward from 02:00:00 to \
                     03:00:00, so that fire is dropped (onGap skip).",
                ),
            ),
            ("2026-03-31T02:30:00+02:00", None),
        ],
    );
    check(
        "0 0/15 2 * * ?",
        spring,
        Skip,
        Second,
        &[(
            "2026-03-30T02:00:00+02:00",
            Some(
                "02:00:00 to 02:45:00 on 2026-03-29 do not exist in Europe/Berlin: the clock goes forward from 02:00:00 \
                 to 03:00:00, so 4 fires are dropped (onGap skip).",
            ),
        )],
    );
    check(
        "0 30 2 * * ?",
        spring,
        Shift,
        Second,
        &[
            (
                "2026-03-29T03:30:00+02:00",
                Some(
                    "02:30:00 on 2026-03-29 does not exist in Europe/Berlin: the clock goes forward from 02:00:00 to \
                     03:00:00, so it fires at 03:30:00 (onGap shift).",
                ),
            ),
            ("2026-03-30T02:30:00+02:00", None),
        ],
    );
    let hourly = [
        ("2026-03-29T01:00:00+01:00", None),
        ("2026-03-29T03:00:00+02:00", None),
        ("2026-03-29T04:00:00+02:00", None),
    ];
    check("0 0 * * * ?", "2026-03-28T23:30:00Z", Skip, Second, &hourly);
    check("0 0 * * * ?", "2026-03-28T23:30:00Z", Shift, Second, &hourly);
    let twice = |rest: &str| {
        format!(
            "02:30:00 on 2026-10-25 comes twice in Europe/Berlin: the clock goes back from 03:00:00 to 02:00:00, {rest}."
        )
    };
    let second = twice("so it fires the second time only (onOverlap second)");
    let once = [
        ("2026-10-25T02:30:00+01:00", Some(second.as_str())),
        ("2026-10-26T02:30:00+01:00", None),
    ];
    check("0 30 2 * * ?", autumn, Skip, Second, &once);
    let first = twice("so it fires the first time only (onOverlap first)");
    check(
        "0 30 2 * * ?",
        autumn,
        Skip,
        First,
        &[("2026-10-25T02:30:00+02:00", Some(first.as_str()))],
    );
    let (one, two) = (
        twice("so it fires twice, this is the first (onOverlap both)"),
        twice("so it fires twice, this is the second (onOverlap both)"),
    );
    let both = [
        ("2026-10-25T02:30:00+02:00", Some(one.as_str())),
        ("2026-10-25T02:30:00+01:00", Some(two.as_str())),
    ];
    check("0 30 2 * * ?", autumn, Skip, Both, &both);
}

#[test]
fn a_fire_is_shown_in_two_times() {
    let cron = Cron::parse("0 0 3 * * ?").unwrap();
    let after = parse_wire_time("2026-03-28T12:00:00Z").unwrap();
    let fires = cron.preview(after, chrono_tz::Europe::Berlin, ClockChange::default(), 1);
    assert_eq!(
        fires[0].to_json().to_string(),
        r#"{"time":"2026-03-29T01:00:00Z","local":"2026-03-29T03:00:00+02:00","note":null}"#
    );
}
