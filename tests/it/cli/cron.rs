//! `taskwarden cron`: the next fire times, and what clock changes do to them.

use serde_json::{Value, json};

use super::binary;
use crate::harness::run;

/// Runs it, and answers what it printed; it ends with 0 and says nothing else.
#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let ended = run(binary(&["cron"]).args(arguments));
    assert_eq!((ended.code, ended.errors.as_str()), (Some(0), ""), "{ended:?}");
    ended.output
}

#[track_caller]
fn next(arguments: &[&str]) -> Vec<Value> {
    let answer: Value = serde_json::from_str(&printed(&[arguments, &["--json"]].concat())).unwrap();
    assert_eq!(answer["valid"], true, "{answer}");
    assert_eq!(answer.as_object().unwrap().len(), 2, "{answer}");
    answer["next"].as_array().unwrap().clone()
}

fn times(fires: &[Value]) -> Vec<&str> {
    fires.iter().map(|fire| fire["time"].as_str().unwrap()).collect()
}

#[test]
fn a_line_is_a_fire_time_in_utc_and_in_the_zone() {
    let text = printed(&[
        "0 30 9 ? * MON-FRI",
        "--tz",
        "America/New_York",
        "--after",
        "2026-07-03T00:00:00Z",
        "--count",
        "3",
    ]);
    let expected = "2026-07-03T13:30:00Z  2026-07-03T09:30:00-04:00\n\
                    2026-07-06T13:30:00Z  2026-07-06T09:30:00-04:00\n\
                    2026-07-07T13:30:00Z  2026-07-07T09:30:00-04:00\n";
    assert_eq!(text, expected);
}

#[test]
fn in_json_a_fire_is_time_local_and_note() {
    let fires = next(&["0 0 12 * * ?", "--after", "2026-01-01T00:00:00Z", "--count", "1"]);
    assert_eq!(
        fires,
        [json!({"time": "2026-01-01T12:00:00Z", "local": "2026-01-01T12:00:00+00:00", "note": null})]
    );
}

#[test]
fn five_fire_times_are_shown_when_nothing_is_said() {
    assert_eq!(next(&["* * * * * ?"]).len(), 5);
    assert_eq!(next(&["* * * * * ?", "--count", "1000"]).len(), 1000);
}

#[test]
fn after_is_exclusive_and_may_have_any_offset() {
    for after in [
        "2026-01-01T12:00:00Z",
        "2026-01-01T13:00:00+01:00",
        "2026-01-01T12:00:00.000Z",
    ] {
        assert_eq!(
            times(&next(&["0 0 12 * * ?", "--after", after, "--count", "1"])),
            ["2026-01-02T12:00:00Z"],
            "{after}"
        );
    }
    let just_before = next(&["0 0 12 * * ?", "--after", "2026-01-01T11:59:59.999Z", "--count", "1"]);
    assert_eq!(times(&just_before), ["2026-01-01T12:00:00Z"]);
}

/// In Berlin the clock goes from 02:00 to 03:00 on 29 March 2026.
#[test]
fn a_fire_time_that_the_clock_change_swallows_is_noted_at_the_next_one() {
    let fires = next(&[
        "0 30 2 * * ?",
        "--tz",
        "Europe/Berlin",
        "--after",
        "2026-03-27T12:00:00Z",
        "--count",
        "3",
    ]);
    assert_eq!(
        times(&fires),
        ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"]
    );
    let notes: Vec<Option<&str>> = fires.iter().map(|fire| fire["note"].as_str()).collect();
    let note = notes[1].unwrap();
    assert!(
        note.contains("02:30:00 on 2026-03-29 does not exist in Europe/Berlin") && note.contains("dropped"),
        "{note}"
    );
    assert_eq!((notes[0], notes[2]), (None, None));
    let text = printed(&[
        "0 30 2 * * ?",
        "--tz",
        "Europe/Berlin",
        "--after",
        "2026-03-27T12:00:00Z",
        "--count",
        "3",
    ]);
    assert!(text.lines().nth(1).unwrap().ends_with(&format!("  ({note})")), "{text}");
}

/// And back from 03:00 to 02:00 on 25 October.
#[test]
fn a_fire_time_that_comes_twice_is_noted() {
    let fires = next(&[
        "0 30 2 * * ?",
        "--tz",
        "Europe/Berlin",
        "--after",
        "2026-10-24T12:00:00Z",
        "--count",
        "2",
    ]);
    assert_eq!(times(&fires), ["2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"]);
    let note = fires[0]["note"].as_str().unwrap();
    assert!(
        note.contains("02:30:00 on 2026-10-25 comes twice in Europe/Berlin"),
        "{note}"
    );
}

/// A schedule of every hour loses nothing, so nothing is noted.
#[test]
fn every_hour_is_every_hour_across_a_clock_change() {
    let fires = next(&[
        "0 0 * * * ?",
        "--tz",
        "Europe/Berlin",
        "--after",
        "2026-03-28T23:30:00Z",
        "--count",
        "3",
    ]);
    assert_eq!(
        times(&fires),
        ["2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"]
    );
    assert!(fires.iter().all(|fire| fire["note"].is_null()), "{fires:?}");
}

#[test]
fn an_expression_that_is_over_never_fires() {
    assert_eq!(printed(&["0 0 0 1 1 ? 2020"]), "never fires after that time\n");
    assert_eq!(printed(&["0 0 12 31 2 ?"]), "never fires after that time\n");
    assert_eq!(
        printed(&["0 0 0 1 1 ? 2020", "--json"]),
        "{\"valid\":true,\"next\":[]}\n"
    );
}

#[test]
fn what_is_wrong_is_said_and_ends_with_2() {
    for (arguments, words) in [
        (&["0 0 25 * * ?"][..], "Hour values must be between 0 and 23"),
        (&["0 0 * * *"], ""),
        (&[""], ""),
        (&["0 0 12 * * MON"], "?"),
        (
            &["0 0 * * * ?", "--tz", "Mars/Olympus"],
            "'Mars/Olympus' is not a time zone",
        ),
        (
            &["0 0 * * * ?", "--after", "yesterday"],
            "'yesterday' is not an RFC 3339 time",
        ),
        (
            &["0 0 * * * ?", "--after", "2026-01-01T00:00:00"],
            "is not an RFC 3339 time",
        ),
    ] {
        let text = run(binary(&["cron"]).args(arguments));
        assert_eq!(
            (text.code, text.output.as_str()),
            (Some(2), ""),
            "{arguments:?}: {text:?}"
        );
        assert_eq!(text.errors.lines().count(), 1, "{arguments:?}: {text:?}");
        let message = text.errors.trim_end().strip_prefix("taskwarden: ").unwrap();
        assert!(
            message.contains(words) && !message.is_empty(),
            "{arguments:?}: {message}"
        );
        let json = run(binary(&["cron", "--json"]).args(arguments));
        assert_eq!(
            (json.code, json.errors.as_str()),
            (Some(2), ""),
            "{arguments:?}: {json:?}"
        );
        let answer: Value = serde_json::from_str(&json.output).unwrap();
        assert_eq!(answer, json!({"valid": false, "message": message}), "{arguments:?}");
    }
}

#[test]
fn the_rules_for_clock_changes_can_be_chosen() {
    let of = |expression: &str, after: &str, rules: &[&str]| {
        let common = [expression, "--tz", "Europe/Berlin", "--after", after, "--count", "2"];
        let fires = next(&[&common, rules].concat());
        fires
            .iter()
            .map(|fire| fire["local"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let gap = |rules: &[&str]| of("0 30 2 * * ?", "2026-03-28T12:00:00Z", rules);
    assert_eq!(gap(&[]), ["2026-03-30T02:30:00+02:00", "2026-03-31T02:30:00+02:00"]);
    assert_eq!(
        gap(&["--on-gap", "shift"]),
        ["2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"]
    );
    let overlap = |rules: &[&str]| of("0 30 2 * * ?", "2026-10-24T12:00:00Z", rules);
    assert_eq!(overlap(&[]), ["2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"]);
    assert_eq!(
        overlap(&["--on-overlap", "first"]),
        ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    );
    assert_eq!(
        overlap(&["--on-overlap", "both"]),
        ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]
    );
    let refused = run(binary(&["cron"]).args(["0 0 0 * * ?", "--on-gap", "jump"]));
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.errors.contains("'jump' is not known here; write skip or shift"),
        "{}",
        refused.errors
    );
}
