//! Runs for instants that have passed.

use serde_json::{Value, json};

use super::fixture::*;

const FROM: &str = "2026-01-01T01:00:00Z";
const TO: &str = "2026-01-01T03:00:00Z";

#[tokio::test]
async fn each_instant_of_the_past_gets_one_run() {
    let host = Host::new("2026-01-01T00:30:00Z").await;
    host.put(
        "a",
        job(json!({"schedule": "0 0 * * * ?", "misfirePolicy": "doNothing"})),
    )
    .await
    .unwrap();
    // The first fires on time, the other two are missed.
    host.go_to("2026-01-01T01:00:00Z").await;
    host.jump_to("2026-01-01T03:30:00Z").await;
    assert_eq!(host.script_calls().len(), 1);
    let answer = host.backfill("a", FROM, TO, None).await.unwrap();
    let expected = json!({
        "_id": "a", "from": "2026-01-01T01:00:00.000Z", "to": "2026-01-01T03:00:00.000Z", "instants": 3, "runs": 2,
    });
    assert_eq!(answer, expected);
    host.settle().await;
    let runs = ["a 2026-01-01T02:00:00.000Z", "a 2026-01-01T03:00:00.000Z"];
    assert_eq!(host.script_calls()[1..], runs);
    let backfilled = |hour: u32| format!("a 2026-01-01T0{hour}:00:00.000Z backfill succeeded");
    let on_record = host.runs().await;
    assert!(
        on_record.contains(&backfilled(2)) && on_record.contains(&backfilled(3)),
        "{on_record:?}"
    );
    let occurrences = host.occurrences().await;
    assert!(
        occurrences
            .iter()
            .any(|line| line.starts_with("a 2026-01-01T02:00:00.000Z backfill fired")),
        "{occurrences:?}"
    );
    // Once is enough, unless somebody insists.
    assert_eq!(host.backfill("a", FROM, TO, None).await.unwrap()["runs"], 0);
    host.settle().await;
    assert_eq!(host.script_calls().len(), 3);
    assert_eq!(host.backfill("a", FROM, TO, Some("true")).await.unwrap()["runs"], 3);
    host.settle().await;
    assert_eq!(host.script_calls().len(), 6);
    assert_eq!(host.read("statistics", "a").await.unwrap()["backfilled"], 5);
    // The schedule itself was not touched.
    assert_eq!(host.get("a").await.unwrap()["nextRunDate"], "2026-01-01T04:00:00.000Z");
}

#[tokio::test]
async fn what_was_asked_for_survives_a_restart() {
    let mut host = Host::new("2026-01-01T03:30:00Z").await;
    host.script.is_open.send_replace(false);
    host.put(
        "a",
        job(json!({"schedule": "0 0 * * * ?", "invokeContext": {"does": "hold"}})),
    )
    .await
    .unwrap();
    host.backfill("a", FROM, TO, None).await.unwrap();
    host.kill_and_restart("2026-01-01T03:31:00Z").await;
    host.settle().await;
    let mut runs = host.runs().await;
    runs.sort();
    assert_eq!(runs.len(), 3);
    assert!(
        runs.iter().filter(|run| run.ends_with("backfill succeeded")).count() >= 2,
        "{runs:?}"
    );
}

#[tokio::test]
async fn a_simple_schedule_counts_from_its_start() {
    let host = Host::new("2026-01-01T00:00:10.500Z").await;
    host.put("a", job(json!({"type": "simple", "repeatInterval": 3_600_000})))
        .await
        .unwrap();
    host.jump_to("2026-01-01T03:30:00Z").await;
    let answer = host.backfill("a", FROM, "2026-01-01T03:29:00Z", None).await.unwrap();
    assert!(answer["instants"].as_u64().unwrap() <= 3, "{answer}");
    host.settle().await;
}

#[tokio::test]
async fn what_cannot_be_made_up_for_is_refused() {
    let host = Host::new("2026-01-01T03:30:00Z").await;
    host.put(
        "a",
        job(json!({"schedule": "* * * * * ?", "startTime": "2027-01-01T00:00:00"})),
    )
    .await
    .unwrap();
    host.put("off", job(json!({"schedule": "0 0 * * * ?", "enabled": false})))
        .await
        .unwrap();
    let refused = async |id: &str, from: &str, to: &str, force: Option<&str>, code: u16, words: &str| {
        let problem = host.backfill(id, from, to, force).await.unwrap_err();
        assert_eq!(problem.code.number(), code, "{problem:?}");
        assert!(problem.message.contains(words), "{problem:?}");
    };
    refused("a", FROM, "2026-01-01T03:30:01Z", None, 400, "has not come yet").await;
    refused("a", TO, FROM, None, 400, "before 'from'").await;
    refused("a", "yesterday", TO, None, 400, "is not a time").await;
    refused("a", FROM, TO, Some("yes"), 400, "true or false").await;
    refused("off", FROM, TO, None, 400, "disabled").await;
    refused("none", FROM, TO, None, 404, "").await;
    // Before its start nothing was due.
    assert_eq!(host.backfill("a", FROM, TO, None).await.unwrap()["instants"], 0);
    host.put("a", job(json!({"schedule": "* * * * * ?"}))).await.unwrap();
    host.act("a", "pause").await.unwrap();
    refused("a", FROM, TO, None, 400, "7201 instants are too many").await;
    assert_eq!(
        host.runs().await.iter().filter(|run| run.contains("backfill")).count(),
        0
    );
    let none: Vec<Value> = Vec::new();
    assert_eq!(
        host.records(crate::shelf::occurrences())
            .await
            .iter()
            .filter(|record| record["origin"] == "backfill")
            .cloned()
            .collect::<Vec<_>>(),
        none
    );
}
