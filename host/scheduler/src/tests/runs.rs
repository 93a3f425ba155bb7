//! Runs as a resource: what is on record of them, and ending them.

use serde_json::json;

use super::fixture::*;

#[tokio::test]
async fn a_run_is_on_record_with_what_it_left_behind() {
    let host = Host::new("2026-01-01T00:30:00Z").await;
    let body = job(json!({"schedule": "0 0 * * * ?", "invokeContext": {"does": "nothing"}, "recoverable": true}));
    host.put("a", body).await.unwrap();
    host.go_to("2026-01-01T01:00:00Z").await;
    let ids = host
        .query_records("run", r#"job eq "a" and state eq "succeeded""#, "")
        .await;
    let run = host.read("run", &ids[0]).await.unwrap();
    let mut shown = run.clone();
    shown
        .as_object_mut()
        .unwrap()
        .retain(|name, _| !matches!(name.as_str(), "_id" | "_rev"));
    assert_eq!(
        shown,
        json!({
            "job": "a", "service": "script", "state": "succeeded", "scheduled": "2026-01-01T01:00:00.000Z",
            "fired": "2026-01-01T01:00:00.000Z", "ended": "2026-01-01T01:00:00.000Z",
            "started": "2026-01-01T01:00:00.000Z", "next": "2026-01-01T02:00:00.000Z", "missedSince": null,
            "origin": "schedule", "latenessMs": 0, "recovering": false, "message": null,
            "result": {"did": "nothing"}, "fuel": 7, "log": [{"level": "info", "message": "doing nothing"}],
            "logDropped": 0,
        })
    );
    assert_eq!(host.read("run", "none").await.unwrap_err().code.number(), 404);
    assert_eq!(host.read("run", "a b").await.unwrap_err().code.number(), 404);
}

#[tokio::test]
async fn a_run_that_goes_on_shows_nothing_that_is_only_for_the_host() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    host.script.is_open.send_replace(false);
    host.put(
        "a",
        job(json!({"schedule": "0 0 * * * ?", "invokeContext": {"does": "hold"}})),
    )
    .await
    .unwrap();
    host.settle().await;
    let ids = host.query_records("run", r#"state eq "started""#, "").await;
    let run = host.read("run", &ids[0]).await.unwrap();
    assert_eq!((&run["ended"], run.get("order")), (&json!(null), None));
    host.script.is_open.send_replace(true);
    host.settle().await;
}

#[tokio::test]
async fn a_run_can_be_ended_before_its_time() {
    let host = Host::new("2026-01-01T00:30:00Z").await;
    host.script.is_open.send_replace(false);
    host.put(
        "a",
        job(json!({"schedule": "0 0 12 * * ?", "invokeContext": {"does": "hold"}})),
    )
    .await
    .unwrap();
    for _ in 0..2 {
        host.act("a", "trigger").await.unwrap();
    }
    host.settle().await;
    let waiting = host.query_records("run", r#"state eq "waiting""#, "").await;
    let started = host.query_records("run", r#"state eq "started""#, "").await;
    let cancelled = host.cancel(&waiting[0]).await.unwrap();
    assert_eq!(cancelled, json!({"_id": waiting[0], "status": "SUCCESS"}));
    assert_eq!(host.cancel(&waiting[0]).await.unwrap_err().code.number(), 409);
    assert_eq!(host.cancel(&started[0]).await.unwrap()["status"], "SUCCESS");
    host.scheduler.finished().await;
    assert_eq!(host.cancel("none").await.unwrap_err().code.number(), 404);
    host.script.is_open.send_replace(true);
    host.settle().await;
    // The one that waited never had its turn.
    assert_eq!(host.script_calls().len(), 1);
    assert_eq!(
        counts(&host.runs().await)["a 2026-01-01T00:30:00.000Z by hand cancelled"],
        2
    );
    // The job goes on.
    host.go_to("2026-01-01T12:00:00Z").await;
    assert_eq!(host.script_calls().len(), 2);
}

#[tokio::test]
async fn a_service_that_cannot_be_interrupted_is_not() {
    let host = Host::new("2026-01-01T00:30:00Z").await;
    host.scanner.is_open.send_replace(false);
    let body = json!({"schedule": "0 0 12 * * ?", "invokeService": "taskscanner", "invokeContext": {"does": "hold"}});
    host.put("a", job(body)).await.unwrap();
    host.act("a", "trigger").await.unwrap();
    host.settle().await;
    let started = host.query_records("run", "true", "").await;
    assert_eq!(host.cancel(&started[0]).await.unwrap_err().code.number(), 409);
    host.scanner.is_open.send_replace(true);
    host.settle().await;
    assert_eq!(host.runs().await, ["a 2026-01-01T00:30:00.000Z by hand succeeded"]);
}

#[tokio::test]
async fn the_lists_of_the_platform_name_who_waits_and_who_does_not() {
    let host = Host::new("2026-01-01T00:00:30Z").await;
    host.script.is_open.send_replace(false);
    for (name, persisted) in [("a", true), ("b", false), ("c", true)] {
        let body = json!({"schedule": "0 0 * * * ?", "persisted": persisted, "invokeContext": {"does": "hold"}});
        host.put(name, job(body)).await.unwrap();
    }
    host.act("a", "trigger").await.unwrap();
    host.act("c", "pause").await.unwrap();
    host.settle().await;
    let trigger = |name: &str| format!("scheduler-service-group.trigger-{name}");
    let acquired = host.read("", "acquiredTriggers").await.unwrap();
    assert_eq!(acquired["node1"], json!([trigger("a")]));
    let waiting = host.read("", "waitingTriggers").await.unwrap();
    assert_eq!(waiting["names"], json!([trigger("b")]));
    host.script.is_open.send_replace(true);
    host.settle().await;
    assert_eq!(host.read("", "acquiredTriggers").await.unwrap()["node1"], json!([]));
    let waiting = host.read("", "waitingTriggers").await.unwrap();
    assert_eq!(waiting["names"], json!([trigger("a"), trigger("b")]));
}
