//! Many at a time: administrators and fires that get in each other's way.

use std::sync::Arc;

use serde_json::json;

use super::fixture::*;

/// Jobs that several hands store, pause, resume, start and delete; afterwards every trigger that waits does fire.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_trigger_is_forgotten_whatever_happens_at_the_same_time() {
    let host = Arc::new(Host::new("2026-01-01T00:00:00Z").await);
    let mut hands = tokio::task::JoinSet::new();
    for hand in 0..6_u64 {
        let host = host.clone();
        hands.spawn(async move {
            let mut chance = hand + 1;
            for _ in 0..150 {
                // A linear congruential generator: the same moves every time.
                chance = chance
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let name = format!("job{}", (chance >> 33) % 4);
                let body = job(json!({
                    "schedule": "0 0 * * * ?",
                    "persisted": (chance >> 40) % 2 == 0,
                    "concurrentExecution": (chance >> 41) % 2 == 0,
                }));
                // Some fail because others were faster, as they may.
                match (chance >> 50) % 8 {
                    0 => drop(host.delete(&name).await),
                    1 => drop(host.act(&name, "pause").await),
                    2 | 3 => drop(host.act(&name, "resume").await),
                    4 => drop(host.act(&name, "trigger").await),
                    _ => drop(host.put(&name, body).await),
                }
            }
        });
    }
    while hands.join_next().await.is_some() {}
    host.act("", "resumeJobs").await.unwrap();
    host.settle().await;
    let names = host.query("true").await;
    let before = host.script_calls().len();
    host.go_to("2026-01-01T01:00:00Z").await;
    let mut calls = host.script_calls().split_off(before);
    calls.sort();
    let expected: Vec<_> = names
        .iter()
        .map(|name| format!("{name} 2026-01-01T01:00:00.000Z"))
        .collect();
    assert_eq!(calls, expected);
    assert!(host.query_triggers("nodeId pr").await.is_empty());
}
