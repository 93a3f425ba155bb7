//! Jobs over REST: their shape, defaults, replacement, and what is refused.

use host_resource::{ApiVersion, Create, Patch, Resource, ResourcePath, Update};
use serde_json::json;

use super::fixture::*;

/// The example of the documents, with its times.
#[tokio::test]
async fn a_cron_job_is_answered_as_documented() {
    let host = Host::with("2019-10-09T08:56:31.250Z", zone("Africa/Johannesburg")).await;
    let body = json!({
        "enabled": true,
        "type": "cron",
        "schedule": "0 0 12 * * ?",
        "persisted": true,
        "misfirePolicy": "fireAndProceed",
        "invokeService": "script",
        "invokeContext": {"script": {"type": "text/javascript", "file": "script/testlog.js"}}
    });
    let answer = host.put("testlog-schedule", body).await.unwrap();
    let config = r#""enabled":true,"persisted":true,"recoverable":false,"misfirePolicy":"fireAndProceed","schedule":"0 0 12 * * ?","repeatInterval":0,"repeatCount":0,"type":"cron","invokeService":"org.forgerock.openidm.script","invokeContext":{"script":{"type":"text/javascript","file":"script/testlog.js"}},"invokeLogLevel":"info","startTime":null,"endTime":null,"concurrentExecution":false"#;
    let serialized = format!(
        r#"{{"type":"CronTriggerImpl","calendarName":null,"cronEx":{{"cronExpression":"0 0 12 * * ?","timeZone":"Africa/Johannesburg"}},"description":null,"endTime":null,"fireInstanceId":null,"group":"scheduler-service-group","jobDataMap":{{"scheduler.invokeService":"org.forgerock.openidm.script","scheduler.config-name":"scheduler-testlog-schedule","scheduler.invokeContext":{{"script":{{"type":"text/javascript","file":"script/testlog.js"}}}},"schedule.config":{{{config}}},"scheduler.invokeLogLevel":"info"}},"jobGroup":"scheduler-service-group","jobName":"testlog-schedule","misfireInstruction":1,"name":"trigger-testlog-schedule","nextFireTime":1570615200000,"previousFireTime":null,"priority":5,"startTime":1570611391000,"volatility":false}}"#
    );
    let trigger = format!(
        r#""calendar":null,"group":"scheduler-service-group","jobKey":"scheduler-service-group.testlog-schedule","name":"trigger-testlog-schedule","nodeId":null,"previousState":null,"serialized":{serialized},"state":"NORMAL""#
    );
    let rev = answer["triggers"][0]["_rev"].as_str().unwrap();
    assert!(
        rev.len() == 16 && rev.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{rev}"
    );
    let trigger_id = "scheduler-service-group.trigger-testlog-schedule";
    let expected = format!(
        r#"{{"_id":"testlog-schedule",{config},"triggers":[{{{trigger},"_rev":"{rev}","_id":"{trigger_id}"}}],"previousRunDate":null,"nextRunDate":"2019-10-09T10:00:00.000Z"}}"#
    );
    assert_eq!(answer.to_string(), expected);
    assert_eq!(host.get("testlog-schedule").await.unwrap().to_string(), expected);
    let alone = host.get_trigger(trigger_id).await.unwrap();
    assert_eq!(
        alone.to_string(),
        format!(r#"{{"_id":"{trigger_id}","_rev":"{rev}",{trigger}}}"#)
    );
}

#[tokio::test]
async fn a_simple_job_is_answered_as_documented() {
    let host = Host::new("2026-01-01T00:00:00.250Z").await;
    let answer = host
        .put("sunsetTask", json!({
            "enabled": true, "type": "simple", "repeatInterval": 3_600_000, "persisted": true, "concurrentExecution": false,
            "invokeService": "taskscanner", "invokeContext": {"does": "nothing"}, "startTime": "2026-01-02T00:00:00"
        }))
        .await
        .unwrap();
    let serialized = &answer["triggers"][0]["serialized"];
    let config = r#"{"enabled":true,"persisted":true,"recoverable":false,"misfirePolicy":"fireAndProceed","schedule":null,"repeatInterval":3600000,"repeatCount":-1,"type":"simple","invokeService":"org.forgerock.openidm.taskscanner","invokeContext":{"does":"nothing"},"invokeLogLevel":"info","startTime":"2026-01-02T00:00:00","endTime":null,"concurrentExecution":false}"#;
    assert_eq!(
        serialized.to_string(),
        format!(
            r#"{{"type":"SimpleTriggerImpl","calendarName":null,"complete":false,"description":null,"endTime":null,"fireInstanceId":null,"group":"scheduler-service-group","jobDataMap":{{"scheduler.invokeService":"org.forgerock.openidm.taskscanner","scheduler.config-name":"scheduler-sunsetTask","scheduler.invokeContext":{{"does":"nothing"}},"schedule.config":{config},"scheduler.invokeLogLevel":"info"}},"jobGroup":"scheduler-service-group","jobName":"sunsetTask","misfireInstruction":1,"name":"trigger-sunsetTask","nextFireTime":1767312000000,"previousFireTime":null,"priority":5,"repeatCount":-1,"repeatInterval":3600000,"startTime":1767312000000,"timesTriggered":0,"volatility":false}}"#
        )
    );
    let keys: Vec<_> = answer.as_object().unwrap().keys().collect();
    assert_eq!(keys[..3], ["_id", "enabled", "persisted"]);
    assert_eq!(keys[keys.len() - 3..], ["triggers", "previousRunDate", "nextRunDate"]);
}

#[tokio::test]
async fn what_the_platform_does_not_show_is_shown_when_it_was_set() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    let body =
        job(json!({"schedule": "0 0 12 * * ?", "timeZone": "Europe/Berlin", "onGap": "shift", "onOverlap": "both"}));
    let answer = host.put("a", body).await.unwrap();
    let keys: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys[11..16],
        ["invokeLogLevel", "timeZone", "onGap", "onOverlap", "startTime"]
    );
    assert_eq!(answer["nextRunDate"], "2026-01-01T11:00:00.000Z");
    // What a GET returns, a PUT accepts, and it means the same.
    let again = host.put("a", host.get("a").await.unwrap()).await.unwrap();
    assert_eq!(
        (&again["timeZone"], &again["onGap"], &again["onOverlap"]),
        (&json!("Europe/Berlin"), &json!("shift"), &json!("both"))
    );
}

#[tokio::test]
async fn a_job_without_an_id_gets_one() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    let create = Create {
        content: job(json!({"schedule": "0 0 12 * * ?"})),
        ..Create::default()
    };
    let created = host
        .jobs()
        .create(&context(), &ResourcePath::default(), create)
        .await
        .unwrap();
    assert!(created.id.starts_with("00000000-0000-4000-8000-"), "{}", created.id);
    assert_eq!(host.get(&created.id).await.unwrap()["type"], "cron");
    assert_eq!(created.rev, None);
}

#[tokio::test]
async fn replacing_a_job_starts_its_trigger_afresh() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    host.put("a", job(json!({"schedule": "0 0 * * * ?"}))).await.unwrap();
    host.go_to("2026-01-01T02:29:30Z").await;
    host.act("a", "pause").await.unwrap();
    let before = host.get("a").await.unwrap();
    assert_eq!(
        (&before["previousRunDate"], state(&before).as_str()),
        (&json!("2026-01-01T02:00:00.000Z"), "PAUSED NORMAL")
    );
    let after = host.put("a", job(json!({"schedule": "0 30 * * * ?"}))).await.unwrap();
    assert_eq!(
        (&after["previousRunDate"], state(&after).as_str()),
        (&json!(null), "NORMAL -")
    );
    assert_eq!(after["nextRunDate"], "2026-01-01T02:30:00.000Z");
}

#[tokio::test]
async fn a_disabled_job_has_no_trigger_until_it_is_enabled() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    host.put("a", job(json!({"schedule": "0 0 12 * * ?"}))).await.unwrap();
    let disabled = host
        .put("a", job(json!({"schedule": "0 0 12 * * ?", "enabled": false})))
        .await
        .unwrap();
    assert_eq!(disabled["triggers"], json!([]));
    assert_eq!(
        (&disabled["previousRunDate"], &disabled["nextRunDate"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(host.query_triggers("true").await, Vec::<String>::new());
    assert_eq!(host.scheduler.next_due(), None);
    host.go_to("2026-01-02T00:00:00Z").await;
    assert_eq!(host.script_calls(), Vec::<String>::new());
    for action in ["trigger", "pause", "resume"] {
        let problem = host.act("a", action).await.unwrap_err();
        assert_eq!(problem.code.number(), 400, "{action}");
        assert!(problem.message.contains("is disabled"), "{}", problem.message);
    }
    let enabled = host.put("a", job(json!({"schedule": "0 0 12 * * ?"}))).await.unwrap();
    assert_eq!(enabled["nextRunDate"], "2026-01-02T12:00:00.000Z");
}

#[tokio::test]
async fn deleting_a_job_answers_what_it_was() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    let stored = host.put("a", job(json!({"schedule": "0 0 12 * * ?"}))).await.unwrap();
    assert_eq!(host.delete("a").await.unwrap(), stored);
    for problem in [
        host.get("a").await.unwrap_err(),
        host.delete("a").await.unwrap_err(),
        host.act("a", "trigger").await.unwrap_err(),
    ] {
        assert_eq!(
            (problem.code.number(), problem.message.as_str()),
            (404, "Schedule does not exist")
        );
    }
    assert_eq!(
        host.get_trigger("scheduler-service-group.trigger-a")
            .await
            .unwrap_err()
            .code
            .number(),
        404
    );
    host.go_to("2026-01-02T00:00:00Z").await;
    assert_eq!(host.script_calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_job_moves_between_memory_and_store() {
    let mut host = Host::new("2026-01-01T00:00:00Z").await;
    host.put("a", job(json!({"schedule": "0 0 12 * * ?", "persisted": false})))
        .await
        .unwrap();
    host.put("b", job(json!({"schedule": "0 0 12 * * ?", "persisted": true})))
        .await
        .unwrap();
    assert_eq!(
        host.put("a", job(json!({"schedule": "0 0 12 * * ?"}))).await.unwrap()["persisted"],
        true
    );
    host.put("b", job(json!({"schedule": "0 0 12 * * ?", "persisted": false})))
        .await
        .unwrap();
    assert_eq!(host.query("true").await, ["a", "b"]);
    host.kill_and_restart("2026-01-01T01:00:00Z").await;
    assert_eq!(host.query("true").await, ["a"]);
    host.go_to("2026-01-01T13:00:00Z").await;
    assert_eq!(host.script_calls(), ["a 2026-01-01T12:00:00.000Z"]);
}

#[tokio::test]
async fn what_cannot_run_is_not_stored() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    let check = async |id: &str, body, code: u16, message: &str, pointer: Option<&str>| {
        let problem = host.put(id, body).await.unwrap_err();
        assert_eq!(problem.code.number(), code, "{problem}");
        assert!(problem.message.contains(message), "{problem}");
        let found = problem
            .detail
            .as_ref()
            .and_then(|detail| detail["pointer"].as_str().map(str::to_owned));
        assert_eq!(found.as_deref(), pointer, "{problem}");
    };
    let noon = "0 0 12 * * ?";
    check(
        "a",
        job(json!({"schedule": "61 * * * * ?"})),
        400,
        "Minute and Second values",
        Some("/schedule"),
    )
    .await;
    check(
        "a",
        job(json!({"schedule": noon, "colour": 1})),
        400,
        "unknown property 'colour'",
        Some("/colour"),
    )
    .await;
    let unknown = job(json!({"schedule": noon, "invokeService": "cleaner"}));
    check("a", unknown, 400, "unknown service 'cleaner'", Some("/invokeService")).await;
    for service in ["sync", "org.forgerock.openidm.provisioner"] {
        let known = job(json!({"schedule": noon, "invokeService": service}));
        check(
            "a",
            known,
            400,
            "is known, but not available in this host",
            Some("/invokeService"),
        )
        .await;
    }
    let refused = job(json!({"schedule": noon, "invokeContext": {"refuse": "not so"}}));
    check("a", refused, 400, "not so", Some("/invokeContext/refuse")).await;
    let past = job(json!({"schedule": "0 0 12 * * ? 2025"}));
    check("a", past, 400, "will never fire", Some("/schedule")).await;
    let ended = job(json!({"schedule": noon, "endTime": "2026-01-01T12:00:00"}));
    check("a", ended, 400, "will never fire", Some("/endTime")).await;
    check("a/b", job(json!({"schedule": noon})), 400, "no slash", None).await;
    check("", job(json!({"schedule": noon})), 400, "Empty resourceId", None).await;
    assert_eq!(host.query("true").await, Vec::<String>::new());
    // A job that will never fire may sleep.
    assert!(
        host.put("a", job(json!({"schedule": "0 0 12 * * ? 2025", "enabled": false})))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn verbs_and_actions_have_their_places() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    host.put("a", job(json!({"schedule": "0 0 12 * * ?"}))).await.unwrap();
    let (jobs, here) = (host.jobs(), ResourcePath::default());
    let exists = Create {
        id: Some("a".to_owned()),
        content: job(json!({"schedule": "0 0 12 * * ?"})),
        ..Create::default()
    };
    let problem = jobs.create(&context(), &here, exists).await.unwrap_err();
    assert_eq!(
        (problem.code.number(), problem.message.as_str()),
        (412, "Schedule already exists")
    );
    let absent = Update {
        content: job(json!({"schedule": "0 0 12 * * ?"})),
        ..Update::default()
    };
    assert_eq!(
        jobs.update(&context(), &path("b"), absent.clone())
            .await
            .unwrap_err()
            .code
            .number(),
        404
    );
    let revised = Update {
        rev: Some("1".to_owned()),
        ..absent
    };
    assert_eq!(
        jobs.update(&context(), &path("a"), revised)
            .await
            .unwrap_err()
            .code
            .number(),
        412
    );
    assert_eq!(
        jobs.patch(&context(), &path("a"), Patch::default())
            .await
            .unwrap_err()
            .code
            .number(),
        501
    );
    assert_eq!(host.get("a/b").await.unwrap_err().code.number(), 400);
    let deep = ResourcePath::from_elements(["a", "b"]);
    assert_eq!(
        jobs.read(&context(), &deep, Default::default())
            .await
            .unwrap_err()
            .code
            .number(),
        404
    );
    let problem = host.act("", "explode").await.unwrap_err();
    assert_eq!(
        (problem.code.number(), problem.message.as_str()),
        (400, "Unknown action given: explode")
    );
    let old = Some(ApiVersion { major: 1, minor: 0 });
    let problem = host.act_in("a", "trigger", old).await.unwrap_err();
    assert_eq!(
        (problem.code.number(), problem.message.as_str()),
        (400, "Unknown action given: trigger")
    );
}
