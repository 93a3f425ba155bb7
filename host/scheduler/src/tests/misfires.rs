//! Missed fires, after the host was down and while it was busy.

use serde_json::json;

use super::fixture::*;

#[tokio::test]
async fn each_policy_over_an_outage() {
    let mut host = Host::new("2026-01-01T00:30:00Z").await;
    host.put("cron-proceed", job(json!({"schedule": "0 0 * * * ?"})))
        .await
        .unwrap();
    host.put(
        "cron-nothing",
        job(json!({"schedule": "0 0 * * * ?", "misfirePolicy": "doNothing"})),
    )
    .await
    .unwrap();
    let simple =
        json!({"type": "simple", "repeatInterval": 3_600_000, "repeatCount": 5, "startTime": "2026-01-01T01:00:00"});
    host.put("simple", job(simple)).await.unwrap();
    let once = json!({"type": "simple", "repeatCount": 0, "startTime": "2026-01-01T02:00:00"});
    host.put("once", job(once)).await.unwrap();
    let ended = json!({"schedule": "0 0 * * * ?", "endTime": "2026-01-01T03:00:00"});
    host.put("ended", job(ended)).await.unwrap();
    host.go_to("2026-01-01T01:00:00Z").await;
    assert_eq!(host.script_calls().len(), 4);

    host.kill_and_restart("2026-01-01T04:30:00Z").await;
    host.settle().await;
    let mut calls = host.script_calls();
    calls.sort();
    let now = "2026-01-01T04:30:00.000Z";
    assert_eq!(
        calls,
        [
            format!("cron-proceed {now}"),
            format!("once {now}"),
            format!("simple {now}"),
        ]
    );
    assert_eq!(host.query("true").await, ["cron-nothing", "cron-proceed", "simple"]);
    let missed = "missed since 2026-01-01T02:00:00.000Z";
    let mut runs = host.runs().await.split_off(4);
    runs.sort();
    assert_eq!(
        runs,
        [
            format!("cron-proceed {now} {missed} succeeded"),
            format!("once {now} {missed} succeeded"),
            format!("simple {now} {missed} succeeded"),
        ]
    );
    let (two, three, four) = (
        "2026-01-01T02:00:00.000Z",
        "2026-01-01T03:00:00.000Z",
        "2026-01-01T04:00:00.000Z",
    );
    let after_the_outage = |name: &str| {
        let begin = format!("{name} ");
        move |line: &String| line.starts_with(&begin) && !line.contains("01:00:00")
    };
    let all = host.occurrences().await;
    let of = |name: &str| {
        all.iter()
            .filter(|line| after_the_outage(name)(line))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("cron-nothing"),
        [format!("cron-nothing 3 from {two} to {four} skipped misfire")]
    );
    assert_eq!(
        of("cron-proceed"),
        [
            format!("cron-proceed 2 from {two} to {three} coalesced misfire"),
            format!("cron-proceed {four} fired 1800000 ms late"),
        ]
    );
    assert_eq!(
        of("simple"),
        [
            format!("simple 2 from {two} to {three} coalesced misfire"),
            format!("simple {four} fired 1800000 ms late"),
        ]
    );
    assert_eq!(of("once"), [format!("once {two} fired 9000000 ms late")]);
    assert_eq!(of("ended"), [format!("ended {two} skipped misfire")]);

    // Cron goes on as planned, simple counts from its new start: of six fires one happened, two are lost, three are left.
    host.go_to("2026-01-01T09:00:00Z").await;
    let calls = host.script_calls();
    let of = |name: &str| {
        calls
            .iter()
            .filter(|call| call.starts_with(name))
            .map(|call| &call[name.len()..])
            .collect::<Vec<_>>()
    };
    let hours = ["05", "06", "07", "08", "09"].map(|hour| format!(" 2026-01-01T{hour}:00:00.000Z"));
    assert_eq!(of("cron-nothing"), hours);
    assert_eq!(of("cron-proceed")[1..], hours);
    let from_now = ["04", "05", "06"].map(|hour| format!(" 2026-01-01T{hour}:30:00.000Z"));
    assert_eq!(of("simple"), from_now);
}

#[tokio::test]
async fn a_small_delay_is_no_miss() {
    let host = Host::new("2026-01-01T00:30:00Z").await;
    host.put(
        "a",
        job(json!({"schedule": "0 0 * * * ?", "misfirePolicy": "doNothing"})),
    )
    .await
    .unwrap();
    host.jump_to("2026-01-01T01:00:10Z").await;
    assert_eq!(host.script_calls(), ["a 2026-01-01T01:00:00.000Z"]);
    host.jump_to("2026-01-01T02:00:10.001Z").await;
    assert_eq!(host.script_calls().len(), 1);
    assert_eq!(host.get("a").await.unwrap()["nextRunDate"], "2026-01-01T03:00:00.000Z");
}

#[tokio::test]
async fn what_was_blocked_too_long_is_missed() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    host.script.is_open.send_replace(false);
    host.put(
        "a",
        job(json!({"schedule": "0 * * * * ?", "invokeContext": {"does": "hold"}})),
    )
    .await
    .unwrap();
    host.go_to("2026-01-01T00:10:30Z").await;
    assert_eq!(host.script_calls(), ["a 2026-01-01T00:00:00.000Z"]);
    host.script.is_open.send_replace(true);
    host.settle().await;
    let late = "a 2026-01-01T00:10:30.000Z";
    assert_eq!(host.script_calls()[1..], [late]);
    assert_eq!(
        host.runs().await[1..],
        [format!("{late} missed since 2026-01-01T00:01:00.000Z succeeded")]
    );
    assert_eq!(host.get("a").await.unwrap()["nextRunDate"], "2026-01-01T00:11:00.000Z");
}
