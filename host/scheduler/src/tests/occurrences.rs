//! What is written down of every due instant.

use host_model::configured::{ConfigName, Configured as _};
use serde_json::{Value, json};

use super::fixture::*;
use crate::{ConfiguredSchedules, Settings, shelf};

fn configured(name: &str) -> ConfigName {
    ConfigName::new("schedule", Some(name)).unwrap()
}

/// The records of a job, without its name.
async fn of(host: &Host, name: &str) -> Vec<String> {
    let begin = format!("{name} ");
    let all = host.occurrences().await;
    all.iter()
        .filter_map(|line| line.strip_prefix(&begin))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_fire_on_time_is_on_record_with_its_run() {
    let host = Host::new("2026-01-01T00:30:00Z").await;
    host.put("a", job(json!({"schedule": "0 0 * * * ?"}))).await.unwrap();
    host.put("memory", job(json!({"schedule": "0 0 * * * ?", "persisted": false})))
        .await
        .unwrap();
    host.go_to("2026-01-01T02:30:00Z").await;
    for name in ["a", "memory"] {
        let expected = ["2026-01-01T01:00:00.000Z fired", "2026-01-01T02:00:00.000Z fired"];
        assert_eq!(of(&host, name).await, expected, "{name}");
    }
    let records = host.records(shelf::occurrences()).await;
    let runs = host.records(shelf::runs()).await;
    assert_eq!((records.len(), runs.len()), (4, 4));
    // Started by hand there is a run, but nothing was due.
    host.act("a", "trigger").await.unwrap();
    host.settle().await;
    assert_eq!(of(&host, "a").await.len(), 2);
    let statistics = host.read("statistics", "a").await.unwrap();
    assert_eq!(
        (&statistics["fired"], &statistics["lastFired"]),
        (&json!(2), &json!("2026-01-01T02:00:00.000Z"))
    );
    host.delete("a").await.unwrap();
    assert_eq!(host.read("statistics", "a").await.unwrap_err().code.number(), 404);
    assert_eq!(of(&host, "a").await.len(), 2);
}

#[tokio::test]
async fn a_year_of_an_outage_is_one_record() {
    let settings = Settings {
        occurrences_kept_for: chrono::TimeDelta::days(1000),
        ..Settings::default()
    };
    let mut host = Host::with("2026-01-01T00:00:00Z", settings).await;
    let every_second = json!({"schedule": "* * * * * ?", "misfirePolicy": "doNothing"});
    host.put("nothing", job(every_second)).await.unwrap();
    host.put("proceed", job(json!({"schedule": "* * * * * ?"})))
        .await
        .unwrap();
    let simple = json!({"type": "simple", "repeatInterval": 1000});
    host.put("simple", job(simple)).await.unwrap();
    host.settle().await;
    host.kill_and_restart("2027-01-01T00:00:00Z").await;
    host.settle().await;
    let (first, last) = ("2026-01-01T00:00:01.000Z", "2027-01-01T00:00:00.000Z");
    let fired = "2026-01-01T00:00:00.000Z fired";
    let seconds = 365 * 86_400;
    assert_eq!(
        of(&host, "nothing").await,
        [
            fired.to_owned(),
            format!("{seconds} from {first} to {last} skipped misfire")
        ]
    );
    for name in ["proceed", "simple"] {
        let coalesced = format!(
            "{} from {first} to 2026-12-31T23:59:59.000Z coalesced misfire",
            seconds - 1
        );
        assert_eq!(
            of(&host, name).await,
            [fired.to_owned(), coalesced, format!("{last} fired")],
            "{name}"
        );
    }
    let statistics = host.read("statistics", "proceed").await.unwrap();
    assert_eq!(
        (&statistics["fired"], &statistics["coalesced"]),
        (&json!(2), &json!(seconds - 1))
    );
}

#[tokio::test]
async fn what_passed_while_it_was_paused_says_so() {
    let host = Host::new("2026-01-01T00:30:00Z").await;
    for (name, policy) in [
        ("proceed", "fireAndProceed"),
        ("nothing", "doNothing"),
        ("replaced", "doNothing"),
    ] {
        host.put(name, job(json!({"schedule": "0 0 * * * ?", "misfirePolicy": policy})))
            .await
            .unwrap();
        host.act(name, "pause").await.unwrap();
    }
    host.go_to("2026-01-01T03:30:00Z").await;
    assert_eq!(host.occurrences().await, Vec::<String>::new());
    for name in ["proceed", "nothing"] {
        host.act(name, "resume").await.unwrap();
    }
    host.put("replaced", job(json!({"schedule": "0 0 12 * * ?"})))
        .await
        .unwrap();
    host.settle().await;
    let (one, two, three) = (
        "2026-01-01T01:00:00.000Z",
        "2026-01-01T02:00:00.000Z",
        "2026-01-01T03:00:00.000Z",
    );
    let paused = format!("3 from {one} to {three} skipped paused");
    for name in ["nothing", "replaced"] {
        assert_eq!(of(&host, name).await, [paused.as_str()], "{name}");
    }
    assert_eq!(
        of(&host, "proceed").await,
        [
            format!("2 from {one} to {two} coalesced paused"),
            format!("{three} fired 1800000 ms late")
        ]
    );
    // That it was paused is over and done with.
    host.jump_to("2026-01-01T05:30:00Z").await;
    let four = "2 from 2026-01-01T04:00:00.000Z to 2026-01-01T05:00:00.000Z skipped misfire";
    assert_eq!(of(&host, "nothing").await[1..], [four]);
}

#[tokio::test]
async fn what_the_configuration_replaces_or_takes_away_leaves_its_records() {
    let host = Host::new("2026-01-01T00:30:00Z").await;
    let schedules = ConfiguredSchedules(host.scheduler.clone());
    let hourly = job(json!({"schedule": "0 0 * * * ?", "misfirePolicy": "doNothing"}));
    for name in ["replaced", "disabled", "deleted"] {
        schedules.apply(&configured(name), Some(&hourly)).await.unwrap();
        host.act(name, "pause").await.unwrap();
    }
    host.go_to("2026-01-01T02:30:00Z").await;
    let daily = job(json!({"schedule": "0 0 12 * * ?"}));
    schedules.apply(&configured("replaced"), Some(&daily)).await.unwrap();
    let disabled = job(json!({"schedule": "0 0 * * * ?", "enabled": false}));
    schedules.apply(&configured("disabled"), Some(&disabled)).await.unwrap();
    schedules.apply(&configured("deleted"), None).await.unwrap();
    host.settle().await;
    let paused = "2 from 2026-01-01T01:00:00.000Z to 2026-01-01T02:00:00.000Z skipped paused";
    for name in ["replaced", "disabled", "deleted"] {
        assert_eq!(of(&host, name).await, [paused], "{name}");
    }
    assert_eq!(host.read("statistics", "deleted").await.unwrap_err().code.number(), 404);
    assert_eq!(host.read("statistics", "replaced").await.unwrap()["skipped"], 2);
}

#[tokio::test]
async fn what_passed_before_and_after_a_pause_is_apart_from_it() {
    let mut host = Host::new("2026-01-01T00:30:00Z").await;
    let nothing = json!({"schedule": "0 0 * * * ?", "misfirePolicy": "doNothing"});
    host.put("a", job(nothing)).await.unwrap();
    host.script.is_open.send_replace(false);
    host.act("a", "pause").await.unwrap();
    host.jump_to("2026-01-01T02:30:00Z").await;
    // It is resumed by a host that dies before it has looked at it.
    host.scheduler.stop();
    host.act("a", "resume").await.unwrap();
    host.kill_and_restart("2026-01-01T04:30:00Z").await;
    host.settle().await;
    assert_eq!(
        of(&host, "a").await,
        [
            "2 from 2026-01-01T01:00:00.000Z to 2026-01-01T02:00:00.000Z skipped paused",
            "2 from 2026-01-01T03:00:00.000Z to 2026-01-01T04:00:00.000Z skipped misfire",
        ]
    );
}

#[tokio::test]
async fn what_a_run_that_goes_on_kept_back_says_so() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    host.script.is_open.send_replace(false);
    let hold = json!({"schedule": "0 * * * * ?", "misfirePolicy": "doNothing", "invokeContext": {"does": "hold"}});
    host.put("a", job(hold.clone())).await.unwrap();
    host.put("disabled", job(hold)).await.unwrap();
    host.go_to("2026-01-01T00:10:30Z").await;
    host.put("disabled", job(json!({"schedule": "0 * * * * ?", "enabled": false})))
        .await
        .unwrap();
    host.script.is_open.send_replace(true);
    host.settle().await;
    let fired = "2026-01-01T00:00:00.000Z fired".to_owned();
    let missed = "10 from 2026-01-01T00:01:00.000Z to 2026-01-01T00:10:00.000Z skipped";
    assert_eq!(of(&host, "a").await, [fired.clone(), format!("{missed} overlap")]);
    assert_eq!(of(&host, "disabled").await, [fired, format!("{missed} disabled")]);
}

#[tokio::test]
async fn what_found_no_thread_says_so() {
    let settings = Settings {
        threads: 1,
        ..Settings::default()
    };
    let host = Host::with("2026-01-01T00:00:30Z", settings).await;
    host.script.is_open.send_replace(false);
    let policy = |second: u32| json!({"schedule": format!("{second} 1 0 * * ?"), "misfirePolicy": "doNothing", "invokeContext": {"does": "hold"}});
    host.put("a", job(policy(0))).await.unwrap();
    host.put("b", job(policy(1))).await.unwrap();
    host.jump_to("2026-01-01T00:01:00Z").await;
    host.jump_to("2026-01-01T00:01:01Z").await;
    host.jump_to("2026-01-01T00:01:59Z").await;
    host.script.is_open.send_replace(true);
    host.settle().await;
    assert_eq!(of(&host, "a").await, ["2026-01-01T00:01:00.000Z fired"]);
    assert_eq!(of(&host, "b").await, ["2026-01-01T00:01:01.000Z skipped quota"]);
}

#[tokio::test]
async fn what_a_clock_change_drops_is_on_record() {
    let host = Host::with("2026-03-28T12:00:00Z", zone("Europe/Berlin")).await;
    host.put("a", job(json!({"schedule": "0 0/20 2 * * ?"}))).await.unwrap();
    host.put("shift", job(json!({"schedule": "0 0/20 2 * * ?", "onGap": "shift"})))
        .await
        .unwrap();
    host.go_to("2026-03-30T00:00:00Z").await;
    let records = host.records(shelf::occurrences()).await;
    let gaps: Vec<&Value> = records.iter().filter(|record| record["reason"] == "gap").collect();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(
        (&gaps[0]["job"], &gaps[0]["count"], &gaps[0]["from"]),
        (&json!("a"), &json!(3), &json!("2026-03-29T01:00:00.000Z"))
    );
    assert_eq!(
        (&gaps[0]["localFrom"], &gaps[0]["localTo"]),
        (&json!("2026-03-29T02:00:00"), &json!("2026-03-29T02:40:00"))
    );
    assert_eq!(of(&host, "shift").await.len(), 4);
}

#[tokio::test]
async fn an_instant_that_fires_several_times_has_a_record_for_each() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    host.put("burst", job(json!({"type": "simple", "repeatCount": 4})))
        .await
        .unwrap();
    host.settle().await;
    for _ in 0..2 {
        host.put("again", job(json!({"schedule": "0 * * * * ?"})))
            .await
            .unwrap();
        host.settle().await;
    }
    assert_eq!(of(&host, "burst").await, ["2026-01-01T00:00:00.000Z fired"; 5]);
    assert_eq!(of(&host, "again").await, ["2026-01-01T00:00:00.000Z fired"; 2]);
}

#[tokio::test]
async fn records_are_kept_for_a_while() {
    let settings = Settings {
        occurrences_kept: 3,
        ..Settings::default()
    };
    let host = Host::with("2026-01-01T00:00:00Z", settings).await;
    for name in ["a", "A"] {
        host.put(name, job(json!({"schedule": "0 0 * * * ?"}))).await.unwrap();
    }
    host.go_to("2026-01-01T06:30:00Z").await;
    for name in ["a", "A"] {
        let expected = [4, 5, 6].map(|hour| format!("2026-01-01T0{hour}:00:00.000Z fired"));
        assert_eq!(of(&host, name).await, expected, "{name}");
        host.delete(name).await.unwrap();
    }
    host.jump_to("2026-05-01T00:00:00Z").await;
    // Nothing tells when this is done.
    for _ in 0..100_000 {
        if host.occurrences().await.is_empty() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("old records are still there: {:?}", host.occurrences().await);
}

#[tokio::test]
async fn records_are_found_by_job_outcome_and_time() {
    let host = Host::new("2026-01-01T00:00:00Z").await;
    for name in ["a", "b"] {
        host.put(
            name,
            job(json!({"schedule": "0 0 * * * ?", "misfirePolicy": "doNothing"})),
        )
        .await
        .unwrap();
    }
    host.go_to("2026-01-01T02:00:00Z").await;
    host.jump_to("2026-01-01T05:30:00Z").await;
    let check = async |filter: &str, sort: &str, expected: &[&str]| {
        assert_eq!(
            host.query_records("occurrence", filter, sort).await,
            expected,
            "{filter} {sort}"
        );
    };
    let [zero, one, two, three] = [0, 1, 2, 3].map(|hour| format!("a@2026-01-01T0{hour}:00:00.000Z"));
    let skipped = format!("{three}.skipped");
    check(r#"job eq "a""#, "", &[&zero, &one, &two, &skipped]).await;
    check(r#"job eq "a""#, "-from", &[&skipped, &two, &one, &zero]).await;
    check(r#"job eq "a" and outcome eq "skipped""#, "", &[&skipped]).await;
    check(r#"job eq "a" and from lt "2026-01-01T01:30""#, "", &[&zero, &one]).await;
    let read = host.read("occurrence", &skipped).await.unwrap();
    assert_eq!((&read["_id"], &read["count"]), (&json!(skipped), &json!(3)));
    assert_eq!(host.read("occurrence", "none").await.unwrap_err().code.number(), 404);
}
