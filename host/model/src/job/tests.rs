//! Jobs as they are written and as they are understood.

use serde_json::{Value, json};

use super::*;
use crate::clock::{parse_wire_time, wire_time};
use crate::cron::{OnGap, OnOverlap};

fn id() -> JobId {
    "test".parse().unwrap()
}

/// A valid job with some members replaced or added; null takes one out.
fn body(changes: Value) -> Value {
    let mut body = json!({"type": "cron", "schedule": "0 0 12 * * ?", "invokeService": "script", "invokeContext": {}});
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn parse(changes: Value) -> Result<Job, crate::invalid::Invalid> {
    Job::parse(id(), &body(changes))
}

#[test]
fn what_is_left_out_has_its_default() {
    let job = parse(json!({})).unwrap();
    let expected = Job {
        id: id(),
        enabled: true,
        persisted: false,
        recoverable: false,
        misfire_policy: MisfirePolicy::FireAndProceed,
        schedule: Schedule::Cron(Cron::parse("0 0 12 * * ?").unwrap()),
        service: ServiceName::Script,
        invoke_context: json!({}),
        log_level: LogLevel::Info,
        time_zone: None,
        clock_change: ClockChange {
            on_gap: OnGap::Skip,
            on_overlap: OnOverlap::Second,
        },
        start: None,
        end: None,
        concurrent: false,
    };
    assert_eq!(job, expected);
}

#[test]
fn the_simple_schedule_has_its_own_defaults() {
    let check = |changes: Value, interval_ms: i64, count: i64| {
        let mut changes = changes;
        changes["type"] = json!("simple");
        changes["schedule"] = Value::Null;
        let repeat = Repeat::from_wire(count).unwrap();
        let expected = Schedule::Simple {
            interval: TimeDelta::milliseconds(interval_ms),
            repeat,
        };
        assert_eq!(parse(changes).unwrap().schedule, expected);
    };
    check(json!({"repeatInterval": 3_600_000}), 3_600_000, -1);
    check(json!({"repeatInterval": 1000, "repeatCount": 0}), 1000, 0);
    check(json!({"repeatCount": 3}), 0, 3);
    check(json!({"repeatCount": 0, "misfirePolicy": "fireAndProceed"}), 0, 0);
    check(
        json!({"repeatCount": 0, "misfirePolicy": "MISFIRE_INSTRUCTION_FIRE_NOW"}),
        0,
        0,
    );
}

#[test]
fn every_property_is_understood() {
    let job = parse(json!({
        "enabled": "false", "persisted": true, "recoverable": true, "misfirePolicy": "doNothing",
        "repeatInterval": 0, "repeatCount": 0, "invokeService": "org.forgerock.openidm.taskScanner",
        "invokeContext": "anything", "invokeLogLevel": "fatal", "timeZone": "Europe/Berlin", "onGap": "shift",
        "onOverlap": "both", "startTime": "2026-01-01T00:00:00", "endTime": "2026-02-01T00:00:00",
        "concurrentExecution": true,
        "_id": "x", "_rev": "1", "triggers": [], "previousRunDate": null, "nextRunDate": "2026-01-01T00:00:00.000Z"
    }))
    .unwrap();
    assert!(!job.enabled && job.persisted && job.recoverable && job.concurrent);
    assert_eq!(job.misfire_policy, MisfirePolicy::DoNothing);
    assert_eq!(job.service.full(), "org.forgerock.openidm.taskscanner");
    assert_eq!(job.invoke_context, json!("anything"));
    assert_eq!(job.log_level, LogLevel::Fatal);
    assert_eq!(job.time_zone, Some(chrono_tz::Europe::Berlin));
    assert_eq!(
        job.clock_change,
        ClockChange {
            on_gap: OnGap::Shift,
            on_overlap: OnOverlap::Both
        }
    );
    let trigger = job
        .trigger(chrono_tz::UTC, parse_wire_time("2025-06-01T00:00:00Z").unwrap())
        .unwrap();
    assert_eq!(wire_time(trigger.start), "2025-12-31T23:00:00.000Z");
    assert_eq!(trigger.end.map(wire_time).as_deref(), Some("2026-01-31T23:00:00.000Z"));
    assert_eq!(wire_time(trigger.next), "2026-01-01T11:00:00.000Z");
}

#[test]
fn a_mistake_is_named_with_its_pointer() {
    let check = |changes: Value, pointer: &str, message: &str| {
        let invalid = parse(changes.clone()).expect_err(&changes.to_string());
        assert_eq!(invalid.pointer.to_string(), pointer, "{changes}");
        assert!(invalid.message.contains(message), "{changes}: {}", invalid.message);
    };
    check(json!({"enabld": true}), "/enabld", "did you mean 'enabled'?");
    check(json!({"colour": 1}), "/colour", "known here are enabled, persisted");
    check(
        json!({"enabled": "yes"}),
        "/enabled",
        "true or false is expected, not a string",
    );
    check(
        json!({"persisted": 1}),
        "/persisted",
        "true or false is expected, not a number",
    );
    check(json!({"type": "daily"}), "/type", "Specified type value invalid: daily");
    check(
        json!({"schedule": null}),
        "/schedule",
        "A schedule of type cron must provide a cron schedule",
    );
    check(
        json!({"schedule": "61 * * * * ?"}),
        "/schedule",
        "Minute and Second values must be between 0 and 59",
    );
    check(
        json!({"schedule": "0 0 0 * * *"}),
        "/schedule",
        "Support for specifying both",
    );
    check(
        json!({"repeatInterval": 5}),
        "/repeatInterval",
        "belongs to schedules of type simple",
    );
    check(
        json!({"repeatCount": 5}),
        "/repeatCount",
        "belongs to schedules of type simple",
    );
    check(
        json!({"misfirePolicy": "later"}),
        "/misfirePolicy",
        "Invalid misfire policy: later",
    );
    check(
        json!({"invokeService": null}),
        "/invokeService",
        "needs to be set but is empty",
    );
    check(
        json!({"invokeService": "cleaner"}),
        "/invokeService",
        "sync, provisioner, script, taskscanner",
    );
    check(
        json!({"invokeLogLevel": "loud"}),
        "/invokeLogLevel",
        "trace, debug, info, warn, error, fatal",
    );
    check(
        json!({"timeZone": "Mars/Olympus"}),
        "/timeZone",
        "timezone is not understood: Mars/Olympus",
    );
    check(json!({"onGap": "jump"}), "/onGap", "skip or shift");
    check(json!({"onOverlap": "third"}), "/onOverlap", "first, second or both");
    check(
        json!({"startTime": "tomorrow"}),
        "/startTime",
        "'tomorrow' is not a time",
    );
    check(json!({"startTime": 5}), "/startTime", "a string is expected");
    let times = |start: &str, end: &str| json!({"startTime": start, "endTime": end});
    let (day, next_day) = ("2026-01-01T00:00:00", "2026-01-02T00:00:00");
    check(times(next_day, day), "/endTime", "has to be after");
    check(times(day, day), "/endTime", "has to be after");
    check(
        times(&format!("{day}+01:00"), &format!("{next_day}+02:00")),
        "/endTime",
        "the same offset",
    );
    check(times(&format!("{day}+01:00"), next_day), "/endTime", "the same offset");

    let simple = |changes: Value| {
        let mut all = json!({"type": "simple", "schedule": null, "repeatInterval": 1000});
        all.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        all
    };
    check(
        simple(json!({"repeatInterval": -1})),
        "/repeatInterval",
        "whole number from 0",
    );
    check(
        simple(json!({"repeatInterval": "1s"})),
        "/repeatInterval",
        "whole number from 0",
    );
    check(
        simple(json!({"repeatInterval": 0})),
        "/repeatInterval",
        "would fire for ever",
    );
    check(
        simple(json!({"repeatCount": -2})),
        "/repeatCount",
        "whole number of at least -1",
    );
    check(
        simple(json!({"schedule": "0 0 12 * * ?"})),
        "/schedule",
        "has no cron expression",
    );
    check(
        simple(json!({"misfirePolicy": "doNothing"})),
        "/misfirePolicy",
        "fireAndProceed",
    );
    let invalid = Job::parse(id(), &json!([])).unwrap_err();
    assert_eq!(invalid.to_string(), "/: an object is expected here, not an array");
}

#[test]
fn a_time_without_offset_is_of_the_zone() {
    let check = |text: &str, expected: &str| {
        let time: ScheduleTime = text.parse().unwrap();
        assert_eq!(wire_time(time.instant(chrono_tz::Europe::Berlin)), expected, "{text}");
        assert_eq!(time.as_str(), text);
    };
    check("2026-06-01T12:00:00", "2026-06-01T10:00:00.000Z");
    check("2026-06-01T12:00:00.5", "2026-06-01T10:00:00.500Z");
    check("2026-06-01T12:00:00+05:00", "2026-06-01T07:00:00.000Z");
    check("2026-06-01T12:00:00-05:30", "2026-06-01T17:30:00.000Z");
    check("2026-06-01T12:00:00Z", "2026-06-01T12:00:00.000Z");
    check("2026-03-29T02:30:00", "2026-03-29T01:30:00.000Z");
    check("2026-10-25T02:30:00", "2026-10-25T00:30:00.000Z");
    for text in [
        "",
        "2026-06-01",
        "2026-06-01 12:00:00",
        "2026-06-01T12:00",
        "2026-13-01T12:00:00",
        "2026-06-01T12:00:00+5",
    ] {
        assert!(text.parse::<ScheduleTime>().is_err(), "{text}");
    }
}

#[test]
fn a_job_id_is_one_path_element() {
    let check = |text: &str, expected: Result<(), JobIdError>| {
        assert_eq!(text.parse::<JobId>().map(drop), expected, "{text:?}");
    };
    let stranger = |text: &str, position| {
        Err(JobIdError::Character {
            text: text.to_owned(),
            position,
        })
    };
    check("sunsetTask", Ok(()));
    check("b12e4a77-a626-4a38-a1dc-8edc7498ca1c", Ok(()));
    check("täglich um 5", Ok(()));
    check(&"x".repeat(200), Ok(()));
    check("", Err(JobIdError::Empty));
    check("ä/b", stranger("ä/b", 1));
    check("a\nb", stranger("a\nb", 1));
    check(&"x".repeat(201), Err(JobIdError::TooLong { length: 201 }));
}

#[test]
fn names_are_read_as_they_are_written() {
    for service in ServiceName::ALL {
        assert_eq!(service.short().parse(), Ok(service));
        assert_eq!(service.full().parse(), Ok(service));
    }
    assert_eq!("taskScanner".parse(), Ok(ServiceName::TaskScanner));
    for level in ["trace", "debug", "info", "warn", "error", "fatal"] {
        assert_eq!(level.parse::<LogLevel>().unwrap().to_string(), level);
    }
}
