//! A year of a hundred schedules, in simulated time: every occurrence is one that the expression names, and none is
//! missing.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use host_model::clock::{Tz, wire_time};
use host_model::cron::{ClockChange, Cron, OnGap, OnOverlap};
use serde_json::json;

use super::fixture::*;
use crate::{Settings, shelf};

const BEGIN: &str = "2026-01-01T00:00:00.500Z";
const END: &str = "2027-01-01T00:00:00Z";

/// Rare, and most of them around the hours in which clocks are set.
const EXPRESSIONS: [&str; 10] = [
    "0 30 2 ? * SUN",
    "0 15 1 ? * SUN",
    "0 0/30 2 29 3 ?",
    "0 0/20 0-3 L OCT ?",
    "0 0 0 L * ?",
    "30 59 23 LW * ?",
    "0 30 2 ? * 1L",
    "0 45 2 * * ?",
    "0 45 2 1-8 3,10,11 ?",
    "0 0/30 1-2 ? 10 SUN",
];

const ZONES: [&str; 5] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
];

const RULES: [ClockChange; 2] = [
    ClockChange {
        on_gap: OnGap::Skip,
        on_overlap: OnOverlap::Second,
    },
    ClockChange {
        on_gap: OnGap::Shift,
        on_overlap: OnOverlap::Both,
    },
];

#[tokio::test]
async fn a_year_of_a_hundred_schedules_is_what_their_expressions_say() {
    let settings = Settings {
        runs_kept: 10_000,
        occurrences_kept: 10_000,
        runs_kept_for: TimeDelta::days(1000),
        occurrences_kept_for: TimeDelta::days(1000),
        ..Settings::default()
    };
    let host = Host::with(BEGIN, settings).await;
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut gaps = 0;
    for (number, expression) in EXPRESSIONS.iter().enumerate() {
        for zone in ZONES {
            for rules in RULES {
                let name = format!("{number}-{zone}-{}", rules.on_gap).replace('/', "_");
                let body = json!({
                    "schedule": expression, "timeZone": zone, "concurrentExecution": number % 2 == 0,
                    "onGap": rules.on_gap.to_string(), "onOverlap": rules.on_overlap.to_string(),
                });
                host.put(&name, job(body)).await.unwrap();
                let (cron, zone): (Cron, Tz) = (Cron::parse(expression).unwrap(), zone.parse().unwrap());
                let mut times = Vec::new();
                let mut after = at(BEGIN);
                while let Some(next) = cron.next_after(after, zone, rules).filter(|next| *next <= at(END)) {
                    times.push(wire_time(next));
                    after = next;
                }
                let count = cron.count_between(at(BEGIN), at(END), zone, rules);
                assert_eq!(count, times.len() as u64, "{expression} in {zone}");
                let dropped = cron.dropped_between(at(BEGIN), after, zone, rules, 100);
                gaps += dropped.iter().map(|dropped| dropped.count).sum::<u64>();
                expected.insert(name, times);
            }
        }
    }
    assert_eq!(expected.len(), 100);
    host.go_to(END).await;

    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut found_gaps = 0;
    for record in host.records(shelf::occurrences()).await {
        match record["outcome"].as_str().unwrap() {
            "fired" => {
                assert_eq!(
                    (&record["latenessMs"], &record["count"]),
                    (&json!(0), &json!(1)),
                    "{record}"
                );
                let times = found.entry(record["job"].as_str().unwrap().to_owned()).or_default();
                times.push(record["from"].as_str().unwrap().to_owned());
            }
            _ => {
                assert_eq!(record["reason"], "gap", "{record}");
                found_gaps += record["count"].as_u64().unwrap();
            }
        }
    }
    for times in found.values_mut() {
        times.sort();
    }
    assert!(expected.values().map(Vec::len).sum::<usize>() > 3_000);
    for (name, times) in &expected {
        assert_eq!(found.get(name).unwrap_or(&Vec::new()), times, "{name}");
    }
    assert_eq!(found_gaps, gaps);
    assert!(gaps > 5, "{gaps}");
}
