//! Firing on time: once for each fire time, in order, within the limits.

use serde_json::{Value, json};

use super::fixture::*;
use crate::Settings;

#[tokio::test]
async fn a_cron_job_fires_at_each_of_its_times() {
    let host = Host::new("2026-01-01T00:30:00Z").await;
    host.put("a", job(json!({"schedule": "0 0 0/6 * * ?"}))).await.unwrap();
    host.go_to("2026-01-01T18:00:00Z").await;
    let times = [
        "a 2026-01-01T06:00:00.000Z",
        "a 2026-01-01T12:00:00.000Z",
        "a 2026-01-01T18:00:00.000Z",
    ];
    assert_eq!(host.script_calls(), times);
    assert_eq!(host.runs().await, times.map(|time| format!("{time} succeeded")));
    let stored = host.get("a").await.unwrap();
    assert_eq!(stored["previousRunDate"], "2026-01-01T18:00:00.000Z");
    assert_eq!(stored["nextRunDate"], "2026-01-02T00:00:00.000Z");
    let instance = stored["triggers"][0]["serialized"]["fireInstanceId"].as_str().unwrap();
    assert_eq!(
        instance,
        format!("node1_{}", at("2026-01-01T00:30:00Z").timestamp_millis() + 3)
    );
}

#[tokio::test]
async fn the_service_learns_what_it_is_called_for() {
    let host = Host::new("2026-01-01T00:30:00Z").await;
    let body = job(json!({"schedule": "0 0 12 * * ?", "invokeContext": {"a": [1]}, "invokeLogLevel": "debug"}));
    host.put("a", body).await.unwrap();
    host.go_to("2026-01-01T12:00:00Z").await;
    let call = host.script.calls.lock()[0].clone();
    assert_eq!((call.tenant.as_str(), call.job), ("default", id("a")));
    assert_eq!(
        (call.scheduled, call.fired),
        (at("2026-01-01T12:00:00Z"), at("2026-01-01T12:00:00Z"))
    );
    assert_eq!(call.next, Some(at("2026-01-02T12:00:00Z")));
    assert_eq!(
        (call.invoke_context, call.log_level.to_string().as_str()),
        (json!({"a": [1]}), "debug")
    );
    assert!(!call.recovering);
    let record = &host.run_records().await[0];
    assert_eq!(record.id, call.run);
}

#[tokio::test]
async fn a_simple_job_fires_so_often_and_is_gone() {
    let host = Host::new("2026-01-01T00:00:00.250Z").await;
    let stored = host
        .put(
            "a",
            job(json!({"type": "simple", "repeatInterval": 60_000, "repeatCount": 2})),
        )
        .await
        .unwrap();
    assert_eq!(stored["nextRunDate"], "2026-01-01T00:00:00.250Z");
    host.go_to("2026-01-01T00:01:30Z").await;
    assert_eq!(
        host.get("a").await.unwrap()["triggers"][0]["serialized"]["timesTriggered"],
        2
    );
    host.go_to("2026-01-01T01:00:00Z").await;
    let times = [
        "a 2026-01-01T00:00:00.250Z",
        "a 2026-01-01T00:01:00.250Z",
        "a 2026-01-01T00:02:00.250Z",
    ];
    assert_eq!(host.script_calls(), times);
    assert_eq!(host.get("a").await.unwrap_err().code.number(), 404);
    assert_eq!(host.runs().await.len(), 3);
}

#[tokio::test]
async fn an_interval_of_nothing_fires_all_at_once() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    for (name, concurrent) in [("a", false), ("b", true)] {
        let body = json!({"type": "simple", "repeatCount": 4, "concurrentExecution": concurrent});
        host.put(name, job(body)).await.unwrap();
    }
    host.settle().await;
    let calls = host.script_calls();
    let expected = [("a 2026-01-01T00:00:00.000Z", 5), ("b 2026-01-01T00:00:00.000Z", 5)];
    assert_eq!(counts(&calls), expected.into_iter().collect());
    assert_eq!(host.query("true").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_run_that_goes_on_blocks_the_next_one() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    host.script.is_open.send_replace(false);
    host.put(
        "a",
        job(json!({"schedule": "0/4 * * * * ?", "invokeContext": {"does": "hold"}})),
    )
    .await
    .unwrap();
    host.go_to("2026-01-01T00:00:05Z").await;
    assert_eq!(host.script_calls(), ["a 2026-01-01T00:00:00.000Z"]);
    let during = host.get("a").await.unwrap();
    assert_eq!(
        (state(&during).as_str(), &during["triggers"][0]["nodeId"]),
        ("BLOCKED NORMAL", &json!("node1"))
    );
    assert_eq!(during["nextRunDate"], "2026-01-01T00:00:04.000Z");
    assert_eq!(
        host.query_triggers("(nodeId pr)").await,
        ["scheduler-service-group.trigger-a"]
    );
    // It fires late, and once for each time that is not yet missed.
    host.script.is_open.send_replace(true);
    host.settle().await;
    assert_eq!(host.script_calls()[1..], ["a 2026-01-01T00:00:04.000Z"]);
    let after = host.get("a").await.unwrap();
    assert_eq!(
        (state(&after).as_str(), &after["triggers"][0]["nodeId"]),
        ("NORMAL -", &json!(null))
    );
    assert_eq!(
        host.query_triggers("!(nodeId pr)").await,
        ["scheduler-service-group.trigger-a"]
    );
}

#[tokio::test]
async fn runs_that_may_overlap_do() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    host.script.is_open.send_replace(false);
    let body = json!({"schedule": "0/4 * * * * ?", "concurrentExecution": true, "invokeContext": {"does": "hold"}});
    host.put("a", job(body)).await.unwrap();
    host.go_to("2026-01-01T00:00:08Z").await;
    assert_eq!(host.script_calls().len(), 3);
    assert_eq!(state(&host.get("a").await.unwrap()), "NORMAL -");
    let executing = host.act("", "listCurrentlyExecutingJobs").await.unwrap();
    let item = r#"{"enabled":true,"persisted":true,"misfirePolicy":"fireAndProceed","type":"cron","repeatInterval":0,"repeatCount":0,"invokeService":"org.forgerock.openidm.script","invokeContext":{"does":"hold"},"invokeLogLevel":"info","timeZone":null,"startTime":null,"endTime":null,"concurrentExecution":true}"#;
    assert_eq!(executing.to_string(), format!("[{item},{item},{item}]"));
    host.script.is_open.send_replace(true);
    host.settle().await;
    assert_eq!(host.act("", "listCurrentlyExecutingJobs").await.unwrap(), json!([]));
}

#[tokio::test]
async fn no_more_run_at_a_time_than_there_are_threads() {
    let host = Host::with(
        "2026-01-01T00:00:00Z",
        Settings {
            threads: 2,
            ..Settings::default()
        },
    )
    .await;
    host.script.is_open.send_replace(false);
    for name in ["a", "b", "c"] {
        host.put(
            name,
            job(json!({"schedule": "0 0 12 * * ?", "invokeContext": {"does": "hold"}})),
        )
        .await
        .unwrap();
    }
    host.go_to("2026-01-01T11:59:59Z").await;
    host.jump_to("2026-01-01T12:00:00Z").await;
    let mut calls = host.script_calls();
    calls.sort();
    assert_eq!(calls, ["a 2026-01-01T12:00:00.000Z", "b 2026-01-01T12:00:00.000Z"]);
    host.script.is_open.send_replace(true);
    host.settle().await;
    assert_eq!(host.script_calls().len(), 3);
}

#[tokio::test]
async fn a_run_that_fails_is_on_record_and_stops_nothing() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    host.put(
        "a",
        job(json!({"schedule": "0 0 * * * ?", "invokeContext": {"does": "fail"}})),
    )
    .await
    .unwrap();
    host.put(
        "b",
        job(json!({"schedule": "1 0 * * * ?", "invokeContext": {"does": "panic"}})),
    )
    .await
    .unwrap();
    host.go_to("2026-01-01T01:30:00Z").await;
    assert_eq!(
        host.runs().await,
        [
            "a 2026-01-01T00:00:00.000Z failed: 400 Bad Request: no",
            "b 2026-01-01T00:00:01.000Z failed: 500 Internal Server Error: the service panicked",
            "a 2026-01-01T01:00:00.000Z failed: 400 Bad Request: no",
            "b 2026-01-01T01:00:01.000Z failed: 500 Internal Server Error: the service panicked",
        ]
    );
}

#[tokio::test]
async fn a_job_can_be_started_by_hand() {
    let host = Host::new("2026-01-01T00:30:00Z").await;
    host.put("a", job(json!({"schedule": "0 0 12 * * ?"}))).await.unwrap();
    assert_eq!(host.act("a", "trigger").await.unwrap(), json!({"success": true}));
    host.settle().await;
    assert_eq!(host.runs().await, ["a 2026-01-01T00:30:00.000Z by hand succeeded"]);
    assert_eq!(host.get("a").await.unwrap()["previousRunDate"], Value::Null);
    host.go_to("2026-01-01T12:00:00Z").await;
    assert_eq!(host.script_calls().len(), 2);
}

#[tokio::test]
async fn a_start_by_hand_waits_for_its_turn() {
    let host = Host::new("2026-01-01T00:30:00Z").await;
    host.script.is_open.send_replace(false);
    host.put(
        "a",
        job(json!({"schedule": "0 0 12 * * ?", "invokeContext": {"does": "hold"}})),
    )
    .await
    .unwrap();
    for _ in 0..3 {
        host.act("a", "trigger").await.unwrap();
    }
    host.settle().await;
    assert_eq!(host.script_calls().len(), 1);
    assert_eq!(
        counts(&host.runs().await)["a 2026-01-01T00:30:00.000Z by hand waiting"],
        2
    );
    // Two of them lose their turn by then.
    host.put("a", job(json!({"schedule": "0 0 12 * * ?", "enabled": false})))
        .await
        .unwrap();
    host.script.is_open.send_replace(true);
    host.settle().await;
    let skipped = "a 2026-01-01T00:30:00.000Z by hand skipped: the schedule was disabled before the run had its turn";
    assert_eq!(counts(&host.runs().await)[skipped], 2);
}

#[tokio::test]
async fn a_job_that_is_replaced_or_deleted_during_a_run_stays_so() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    host.script.is_open.send_replace(false);
    let once = job(json!({"type": "simple", "repeatCount": 0, "invokeContext": {"does": "hold"}}));
    for name in ["a", "b", "c"] {
        host.put(name, once.clone()).await.unwrap();
    }
    host.settle().await;
    let complete = host.get("a").await.unwrap();
    assert_eq!(
        (state(&complete).as_str(), &complete["nextRunDate"]),
        ("COMPLETE NORMAL", &json!(null))
    );
    assert_eq!(complete["triggers"][0]["serialized"]["complete"], true);
    host.put("a", job(json!({"schedule": "0 0 12 * * ?"}))).await.unwrap();
    host.delete("b").await.unwrap();
    host.script.is_open.send_replace(true);
    host.settle().await;
    assert_eq!(host.query("true").await, ["a"]);
    assert_eq!(host.runs().await.len(), 3);
    host.go_to("2026-01-01T12:00:00Z").await;
    assert_eq!(host.script_calls().last().unwrap(), "a 2026-01-01T12:00:00.000Z");
}

#[tokio::test]
async fn the_records_of_runs_are_kept_for_a_while() {
    let host = Host::with(
        "2026-01-01T00:00:00Z",
        Settings {
            runs_kept: 3,
            ..Settings::default()
        },
    )
    .await;
    host.put("a", job(json!({"schedule": "0 0 * * * ?"}))).await.unwrap();
    host.put("A", job(json!({"type": "simple", "repeatCount": 0})))
        .await
        .unwrap();
    host.go_to("2026-01-01T06:30:00Z").await;
    assert_eq!(
        host.runs().await,
        [
            "A 2026-01-01T00:00:00.000Z succeeded",
            "a 2026-01-01T04:00:00.000Z succeeded",
            "a 2026-01-01T05:00:00.000Z succeeded",
            "a 2026-01-01T06:00:00.000Z succeeded",
        ]
    );
    host.delete("a").await.unwrap();
    host.jump_to("2026-02-02T00:00:00Z").await;
    // Nothing tells when this is done.
    for _ in 0..100_000 {
        if host.runs().await.is_empty() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("old runs are still there: {:?}", host.runs().await);
}

/// A clock change in the zone of the host.
#[tokio::test]
async fn a_year_of_a_daily_job_has_a_fire_for_each_day_that_has_the_time() {
    let host = Host::with("2026-01-01T00:00:00Z", zone("Europe/Berlin")).await;
    host.put("a", job(json!({"schedule": "0 30 2 * * ?", "persisted": false})))
        .await
        .unwrap();
    host.put(
        "b",
        job(json!({"schedule": "0 30 2 * * ?", "persisted": false, "onGap": "shift", "onOverlap": "both"})),
    )
    .await
    .unwrap();
    host.go_to("2027-01-01T00:00:00Z").await;
    let calls = host.script_calls();
    let of = |name: &str| calls.iter().filter(|call| call.starts_with(name)).count();
    assert_eq!((of("a "), of("b ")), (364, 366));
}
