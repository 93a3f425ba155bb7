//! Schedules that are not understood, or would never do anything.

use serde_json::{Value, json};

use super::{Empty, job_with};

#[test]
fn an_unknown_property_is_refused_with_its_pointer() {
    let server = Empty::new();
    server.refuses_job(
        &job_with("/enabeld", json!(true)),
        "/enabeld",
        "unknown property 'enabeld'; did you mean 'enabled'?",
    );
    server.refuses_job(
        &job_with("/priority", json!(5)),
        "/priority",
        "unknown property 'priority'; known here are enabled",
    );
    server.refuses_job(&job_with("/a~b", json!(5)), "/a~b", "unknown property");
    server.refuses_job(
        &job_with("/invokeContext/scripts", json!({})),
        "/invokeContext/scripts",
        "unknown property",
    );
    server.refuses_job(
        &job_with("/invokeContext/script/sorce", json!("")),
        "/invokeContext/script/sorce",
        "did you mean 'source'?",
    );
    // Also without an id of the client's.
    let create = ("POST", "scheduler/job?_action=create");
    server.refuses(
        create,
        &job_with("/enabeld", json!(true)),
        400,
        "unknown property",
        json!({"pointer": "/enabeld"}),
    );
}

#[test]
fn a_property_of_another_kind_or_value_is_refused() {
    let server = Empty::new();
    let check = |name: &str, value: Value, words: &str| {
        server.refuses_job(&job_with(&format!("/{name}"), value), &format!("/{name}"), words);
    };
    check("enabled", json!("yes"), "true or false is expected, not a string");
    check("persisted", json!(1), "true or false is expected, not a number");
    check("concurrentExecution", json!({}), "true or false");
    check(
        "type",
        json!("weekly"),
        "Specified type value invalid: weekly; write simple or cron",
    );
    check(
        "misfirePolicy",
        json!("retry"),
        "Invalid misfire policy: retry; write fireAndProceed or doNothing",
    );
    check("repeatInterval", json!(1000), "belongs to schedules of type simple");
    check(
        "invokeLogLevel",
        json!("loud"),
        "unknown log level 'loud': write one of trace, debug, info, warn, error, fatal",
    );
    check(
        "timeZone",
        json!("Mars/Olympus"),
        "Scheduler configured timezone is not understood: Mars/Olympus",
    );
    check("onGap", json!("jump"), "jump");
    check(
        "startTime",
        json!("tomorrow"),
        "'tomorrow' is not a time: write yyyy-MM-ddTHH:mm:ss",
    );
    check("startTime", json!("2026-02-30T00:00:00"), "is not a time");
    check("startTime", json!(1_780_315_200), "a string is expected");
    check("invokeContext", json!("text"), "must be an object");
    let pointer = "/schedule";
    let words = "a schedule of type simple has no cron expression; leave it out, or give the type cron";
    server.refuses_job(&job_with("/type", json!("simple")), pointer, words);
}

#[test]
fn a_simple_schedule_needs_a_sensible_interval() {
    let server = Empty::new();
    let check = |changes: Value, pointer: &str, words: &str| {
        let mut job = job_with("/schedule", Value::Null);
        job["type"] = json!("simple");
        job.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        server.refuses_job(&job, pointer, words);
    };
    check(json!({}), "/repeatInterval", "would fire for ever at once");
    check(
        json!({"repeatInterval": 0, "repeatCount": -1}),
        "/repeatInterval",
        "would fire for ever at once",
    );
    check(
        json!({"repeatInterval": -1}),
        "/repeatInterval",
        "a whole number from 0",
    );
    check(json!({"repeatInterval": 1.5}), "/repeatInterval", "a whole number");
    check(json!({"repeatInterval": "1000"}), "/repeatInterval", "a whole number");
    check(
        json!({"repeatInterval": 1000, "repeatCount": -2}),
        "/repeatCount",
        "of at least -1 (times, -1 for no end)",
    );
    check(
        json!({"repeatInterval": 1000, "misfirePolicy": "doNothing"}),
        "/misfirePolicy",
        "a simple schedule can only fire at once",
    );
}

#[test]
fn a_cron_expression_is_refused_with_the_reason() {
    let server = Empty::new();
    let check = |expression: &str, words: &str| {
        server.refuses_job(&job_with("/schedule", json!(expression)), "/schedule", words);
    };
    check("", "A schedule of type cron must provide a cron schedule");
    check("0 0 *", "Unexpected end of expression.");
    check(
        "0 0 0 * * * *",
        "Support for specifying both a day-of-week AND a day-of-month parameter is not implemented.",
    );
    check("0 0 0 ? * ?", "?");
    check("61 * * * * ?", "Minute and Second values must be between 0 and 59");
    check("60 0 0 * * ?", "Minute and Second values must be between 0 and 59");
    check("0 0 24 * * ?", "Hour values must be between 0 and 23");
    check("0 0 0 32 * ?", "Day of month values must be between 1 and 31");
    check("0 0 0 * 13 ?", "Month values must be between 1 and 12");
    check("0 0 0 ? * 8", "Day-of-Week values must be between 1 and 7");
    check("0 0 0 ? * FOO", "Invalid Day-of-Week value: 'FOO'");
    check("0 0 0 ? FOO 1", "Invalid Month value: 'FOO'");
    check(
        "0 ? 0 * * ?",
        "'?' can only be specified for Day-of-Month or Day-of-Week.",
    );
    check("0/ 0 0 * * ?", "'/' must be followed by an integer.");
    check("0 0/60 0 * * ?", "Increment >= 60 : 60");
    check(
        "0 0 0 ? * 2#6",
        "A numeric value between 1 and 5 must follow the '#' option",
    );
    check("0 0 0 * * ? 2026 x", "");
    check("every minute", "");
}

#[test]
fn what_would_never_fire_is_refused() {
    let server = Empty::new();
    let never = "will never fire";
    server.refuses_job(&job_with("/schedule", json!("0 0 0 1 1 ? 2020")), "/schedule", never);
    server.refuses_job(&job_with("/schedule", json!("0 0 0 31 2 ?")), "/schedule", never);
    server.refuses_job(&job_with("/endTime", json!("2020-01-01T00:00:00")), "/endTime", never);
    let bounded = |start: &str, end: &str| {
        let mut job = job_with("/startTime", json!(start));
        job["endTime"] = json!(end);
        job
    };
    server.refuses_job(
        &bounded("2030-01-01T00:00:00", "2029-01-01T00:00:00"),
        "/endTime",
        "has to be after the startTime",
    );
    let offsets = bounded("2030-01-01T00:00:00+01:00", "2031-01-01T00:00:00");
    server.refuses_job(&offsets, "/endTime", "the same offset as the startTime");
    server.refuses_job(
        &bounded("2030-01-01T00:10:00", "2030-01-01T00:20:00"),
        "/endTime",
        never,
    );
}

#[test]
fn a_service_that_is_not_there_is_refused() {
    let server = Empty::new();
    let check = |service: Value, words: &str| {
        server.refuses_job(&job_with("/invokeService", service), "/invokeService", words);
    };
    check(
        json!("teleport"),
        "unknown service 'teleport': write one of sync, provisioner, script, taskscanner",
    );
    check(json!("org.forgerock.openidm.teleport"), "unknown service");
    check(json!("com.example.script"), "unknown service");
    check(json!(""), "the invokeService property needs to be set but is empty");
    check(Value::Null, "the invokeService property needs to be set but is empty");
    check(json!(["script"]), "a string is expected");
}

#[test]
fn a_script_file_that_is_not_there_is_refused() {
    let server = Empty::new();
    let script = json!({"type": "text/javascript", "file": "script/nowhere.js"});
    server.refuses_job(
        &job_with("/invokeContext/script", script),
        "/invokeContext/script/file",
        "nowhere.js",
    );
}

#[test]
fn a_name_that_is_none_is_refused() {
    let server = Empty::new();
    let job = job_with("/persisted", json!(true));
    let long = "x".repeat(201);
    server.refuses(
        ("PUT", &format!("scheduler/job/{long}")),
        &job,
        400,
        "at most 200 bytes",
        json!({}),
    );
    server.refuses(("PUT", "scheduler/job/a%2Fb"), &job, 400, "no slash", json!({}));
    server.refuses(
        ("PUT", "scheduler/job/a%0Ab"),
        &job,
        400,
        "control character",
        json!({}),
    );
    server.refuses(("PUT", "scheduler/job/a/b"), &job, 400, "", json!({}));
    server.refuses(("PUT", "scheduler/job"), &job, 400, "", json!({}));
    server.refuses(("PUT", "scheduler/job/"), &job, 400, "", json!({}));
}

#[test]
fn an_update_that_is_refused_leaves_the_schedule_as_it_was() {
    let server = Empty::new().0;
    let good = job_with("/persisted", json!(true));
    server.client.put("scheduler/job/good", &good).expect(201);
    server.settle();
    let before = server.client.get("scheduler/job/good").expect(200);
    for bad in [
        job_with("/schedule", json!("* *")),
        job_with("/invokeContext/script/source", json!("var;")),
        job_with("/x", json!(1)),
    ] {
        server.client.put("scheduler/job/good", &bad).expect(400);
        assert_eq!(server.client.get("scheduler/job/good").expect(200), before);
    }
}
