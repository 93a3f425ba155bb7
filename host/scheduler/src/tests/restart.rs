//! Hosts that are killed, at any instant, and what the next one makes of it.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::fixture::*;
use crate::Settings;
use crate::run_record::RunState;
use crate::shelf;

#[tokio::test]
async fn a_cut_off_run_is_marked_or_runs_again() {
    let mut host = Host::new("2026-01-01T00:00:00Z").await;
    host.script.is_open.send_replace(false);
    host.scanner.is_open.send_replace(false);
    let hold = json!({"does": "hold"});
    let cron = "0 0 0 * * ?";
    host.put("lost", job(json!({"schedule": cron, "invokeContext": hold})))
        .await
        .unwrap();
    host.put(
        "again",
        job(json!({"schedule": cron, "invokeContext": hold, "recoverable": true})),
    )
    .await
    .unwrap();
    host.put(
        "scan",
        job(json!({"schedule": cron, "invokeContext": hold, "invokeService": "taskscanner"})),
    )
    .await
    .unwrap();
    host.put(
        "memory",
        job(json!({"schedule": cron, "invokeContext": hold, "persisted": false})),
    )
    .await
    .unwrap();
    host.settle().await;
    assert_eq!(host.script_calls().len(), 3);
    let scan = host.scanner.calls.lock()[0].clone();

    host.kill_and_restart("2026-01-01T00:00:05Z").await;
    host.settle().await;
    assert_eq!(host.script_calls(), ["again 2026-01-01T00:00:00.000Z recovering"]);
    // The same run, so that its service can go on where it was.
    let again = host.scanner.calls.lock()[0].clone();
    assert_eq!((again.run, again.recovering), (scan.run, true));
    let midnight = "2026-01-01T00:00:00.000Z";
    let mut runs = host.runs().await;
    runs.sort();
    assert_eq!(
        runs,
        [
            format!("again {midnight} succeeded"),
            format!("lost {midnight} interrupted"),
            format!("scan {midnight} succeeded")
        ]
    );
    host.go_to("2026-01-02T00:00:00Z").await;
    assert_eq!(host.script_calls().len(), 3);
}

#[tokio::test]
async fn a_run_that_runs_again_blocks_its_job() {
    let mut host = Host::new("2026-01-01T00:00:00Z").await;
    host.scanner.is_open.send_replace(false);
    let body = json!({"schedule": "0/5 * * * * ?", "invokeContext": {"does": "hold"}, "invokeService": "taskscanner"});
    host.put("scan", job(body)).await.unwrap();
    host.settle().await;
    host.kill_and_restart("2026-01-01T00:00:02Z").await;
    host.scanner.is_open.send_replace(false);
    host.go_to("2026-01-01T00:00:04Z").await;
    // Those of the first second may have ended before the gate was closed.
    let before = host.scanner.calls.lock().len();
    assert!(before <= 1);
    host.scanner.is_open.send_replace(true);
    host.go_to("2026-01-01T00:00:05Z").await;
    assert_eq!(host.scanner.calls.lock().len(), 2);
}

#[tokio::test]
async fn an_orderly_stop_leaves_a_scan_to_the_next_start() {
    let mut host = Host::new("2026-01-01T00:00:00Z").await;
    host.scanner.is_open.send_replace(false);
    host.script.is_open.send_replace(false);
    let body = json!({"schedule": "0 0 0 * * ?", "invokeContext": {"does": "hold"}});
    host.put("script", job(body.clone())).await.unwrap();
    let mut scan = job(body);
    scan["invokeService"] = json!("taskscanner");
    host.put("scan", scan).await.unwrap();
    host.settle().await;
    host.scheduler.stop();
    for service in [&host.scanner, &host.script] {
        service.is_stopping.store(true, Ordering::Relaxed);
        service.is_open.send_replace(true);
    }
    host.scheduler.finished().await;
    let midnight = "2026-01-01T00:00:00.000Z";
    let mut runs = host.runs().await;
    runs.sort();
    assert_eq!(
        runs,
        [
            format!("scan {midnight} started"),
            format!("script {midnight} failed: 503 Service Unavailable: the host stops")
        ]
    );
    host.jump_to("2026-01-01T12:00:00Z").await;
    assert_eq!(host.script_calls().len(), 1);
    host.kill_and_restart("2026-01-01T12:00:05Z").await;
    host.settle().await;
    assert!(host.runs().await.contains(&format!("scan {midnight} succeeded")));
}

#[tokio::test]
async fn a_complete_job_is_gone_after_the_restart() {
    let mut host = Host::new("2026-01-01T00:00:00Z").await;
    host.script.is_open.send_replace(false);
    for recoverable in [false, true] {
        let body =
            json!({"type": "simple", "repeatCount": 0, "invokeContext": {"does": "hold"}, "recoverable": recoverable});
        host.put(&format!("job-{recoverable}"), job(body)).await.unwrap();
    }
    host.settle().await;
    assert_eq!(host.query("true").await.len(), 2);
    host.kill_and_restart("2026-01-01T00:00:05Z").await;
    host.settle().await;
    assert_eq!(host.query("true").await, Vec::<String>::new());
    assert_eq!(host.script_calls(), ["job-true 2026-01-01T00:00:00.000Z recovering"]);
}

#[tokio::test]
async fn a_start_by_hand_survives_a_restart() {
    let mut host = Host::new("2026-01-01T00:30:00Z").await;
    host.script.is_open.send_replace(false);
    host.put(
        "a",
        job(json!({"schedule": "0 0 12 * * ?", "invokeContext": {"does": "hold"}})),
    )
    .await
    .unwrap();
    host.act("a", "trigger").await.unwrap();
    host.act("a", "trigger").await.unwrap();
    host.settle().await;
    host.kill_and_restart("2026-01-01T00:31:00Z").await;
    host.settle().await;
    let mut runs = host.runs().await;
    runs.sort();
    let time = "a 2026-01-01T00:30:00.000Z by hand";
    assert_eq!(runs, [format!("{time} interrupted"), format!("{time} succeeded")]);
}

/// Wherever the kill falls, each fire time has one run on record, and no service is asked twice for one that has ended.
#[tokio::test]
async fn every_fire_time_has_exactly_one_run_whenever_the_host_is_killed() {
    let settings = Settings {
        runs_kept: 1000,
        ..Settings::default()
    };
    let mut host = Host::with("2026-01-01T00:00:00Z", settings).await;
    for name in ["a", "b", "c"] {
        let concurrent = name == "c";
        host.put(
            name,
            job(json!({"schedule": "* * * * * ?", "concurrentExecution": concurrent})),
        )
        .await
        .unwrap();
    }
    let mut second = 0;
    for round in 0..40 {
        let stop = second + 3;
        while second < stop {
            second += 1;
            host.clock_to(second);
            // Let it come more or less far before it is killed.
            for _ in 0..round * 7 {
                tokio::task::yield_now().await;
            }
        }
        host.kill_and_restart(&time(second)).await;
        // Otherwise it would fall behind until fires are missed, which is another story.
        host.settle().await;
    }
    host.settle().await;
    let runs = host.run_records().await;
    for name in ["a", "b", "c"] {
        let mut times: Vec<_> = runs
            .iter()
            .filter(|run| run.job == id(name))
            .map(|run| run.scheduled.timestamp() - at(&time(0)).timestamp())
            .collect();
        times.sort();
        assert_eq!(times, (0..=second).collect::<Vec<_>>(), "{name}");
    }
    assert!(runs.iter().all(|run| matches!(run.state, RunState::Ended { .. })));
    // One record for each instant, and it names the run.
    let records = host.records(shelf::occurrences()).await;
    assert_eq!(records.len(), runs.len());
    for record in records {
        assert_eq!(
            (&record["outcome"], &record["count"]),
            (&json!("fired"), &json!(1)),
            "{record}"
        );
        let run = runs.iter().find(|run| record["run"] == run.id.as_str()).unwrap();
        assert_eq!(record["from"], host_model::clock::wire_time(run.scheduled));
    }
}

fn time(second: i64) -> String {
    host_model::clock::wire_time(at("2026-01-01T00:00:00Z") + chrono::TimeDelta::seconds(second))
}
