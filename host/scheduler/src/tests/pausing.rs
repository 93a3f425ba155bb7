//! Pausing and resuming.

use serde_json::json;

use super::fixture::*;

#[tokio::test]
async fn a_paused_job_does_not_fire_until_it_is_resumed() {
    let mut host = Host::new("2026-01-01T00:30:00Z").await;
    host.put("a", job(json!({"schedule": "0 0 * * * ?"}))).await.unwrap();
    assert_eq!(host.act("a", "pause").await.unwrap(), json!({"success": true}));
    assert_eq!(state(&host.get("a").await.unwrap()), "PAUSED NORMAL");
    host.kill_and_restart("2026-01-01T02:30:00Z").await;
    host.go_to("2026-01-01T03:30:00Z").await;
    assert_eq!(host.script_calls(), Vec::<String>::new());
    host.act("a", "resume").await.unwrap();
    host.settle().await;
    assert_eq!(state(&host.get("a").await.unwrap()), "NORMAL PAUSED");
    host.go_to("2026-01-01T04:00:00Z").await;
    assert_eq!(
        host.script_calls(),
        ["a 2026-01-01T03:30:00.000Z", "a 2026-01-01T04:00:00.000Z"]
    );
    assert!(host.act("b", "pause").await.is_err());
}

#[tokio::test]
async fn all_jobs_can_be_paused_also_those_to_come() {
    let mut host = Host::new("2026-01-01T00:30:00Z").await;
    for name in ["a", "b"] {
        let persisted = name == "a";
        host.put(name, job(json!({"schedule": "0 0 * * * ?", "persisted": persisted})))
            .await
            .unwrap();
    }
    host.put("off", job(json!({"schedule": "0 0 * * * ?", "enabled": false})))
        .await
        .unwrap();
    assert_eq!(host.act("", "pauseJobs").await.unwrap(), json!({"success": true}));
    assert_eq!(
        state(&host.put("c", job(json!({"schedule": "0 0 * * * ?"}))).await.unwrap()),
        "PAUSED NORMAL"
    );
    host.go_to("2026-01-01T01:30:00Z").await;
    assert_eq!(host.script_calls(), Vec::<String>::new());
    host.kill_and_restart("2026-01-01T01:40:00Z").await;
    host.put("d", job(json!({"schedule": "0 0 * * * ?", "persisted": false})))
        .await
        .unwrap();
    host.go_to("2026-01-01T02:30:00Z").await;
    assert_eq!(host.script_calls(), Vec::<String>::new());
    host.act("d", "resume").await.unwrap();
    host.settle().await;
    assert_eq!(host.script_calls(), ["d 2026-01-01T02:30:00.000Z"]);
    assert_eq!(host.act("", "resumeJobs").await.unwrap(), json!({"success": true}));
    host.settle().await;
    let mut calls = host.script_calls();
    calls.sort();
    let now = "2026-01-01T02:30:00.000Z";
    assert_eq!(calls, [format!("a {now}"), format!("c {now}"), format!("d {now}")]);
    assert_eq!(
        state(&host.put("e", job(json!({"schedule": "0 0 * * * ?"}))).await.unwrap()),
        "NORMAL -"
    );
}

#[tokio::test]
async fn pausing_lets_a_run_go_on() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    host.script.is_open.send_replace(false);
    host.put(
        "a",
        job(json!({"schedule": "0 0 * * * ?", "invokeContext": {"does": "hold"}})),
    )
    .await
    .unwrap();
    host.settle().await;
    host.act("", "pauseJobs").await.unwrap();
    assert_eq!(state(&host.get("a").await.unwrap()), "PAUSED BLOCKED");
    host.script.is_open.send_replace(true);
    host.settle().await;
    assert_eq!(host.runs().await, ["a 2026-01-01T00:00:00.000Z succeeded"]);
    assert_eq!(state(&host.get("a").await.unwrap()), "PAUSED NORMAL");
    // A paused job can be started by hand.
    host.act("a", "trigger").await.unwrap();
    host.settle().await;
    assert_eq!(host.script_calls().len(), 2);
}

#[tokio::test]
async fn more_jobs_than_a_page_are_paused() {
    let host = Host::new("2026-01-01T00:30:00Z").await;
    for number in 0..crate::shelf::PAGE + 10 {
        host.put(
            &format!("job{number}"),
            job(json!({"schedule": "0 0 * * * ?", "persisted": false})),
        )
        .await
        .unwrap();
    }
    host.act("", "pauseJobs").await.unwrap();
    assert_eq!(host.scheduler.next_due(), None);
    assert_eq!(host.query_triggers(r#"state eq "NORMAL""#).await, Vec::<String>::new());
    host.act("", "resumeJobs").await.unwrap();
    assert_eq!(host.scheduler.next_due(), Some(at("2026-01-01T01:00:00Z")));
    assert_eq!(
        host.query_triggers(r#"state eq "NORMAL""#).await.len(),
        crate::shelf::PAGE + 10
    );
}
