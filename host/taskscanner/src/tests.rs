//! Whole runs over the in-memory store, with native actions that do what no guest could time so well: stop the host,
//! write from outside, collide.

mod analysis;
mod house;
mod steering;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use host_model::clock::{Clock, wire_time};
use host_resource::Problem;
use host_store::{ChangeSet, Collection, Expectation, Scan};
use serde_json::{Value, json};

use crate::State;
use crate::record::Record;
use house::{House, counting, increment, native, order};

#[tokio::test(flavor = "multi_thread")]
async fn every_object_that_matches_is_changed_once_and_marked() {
    let house = House::new().await;
    house.fill(1_234).await;
    house
        .put("00007", json!({"n": 7, "done": "2020-01-01T00:00:00.000Z"}))
        .await;
    let record = house.run(counting()).await;
    assert_eq!(record.state, State::Completed);
    assert_eq!(
        (
            record.progress.total,
            record.progress.successes,
            record.progress.failures
        ),
        (1_233, 1_233, 0)
    );
    for (id, thing) in house.all().await {
        if id == "00007" {
            assert_eq!(thing, json!({"n": 7, "done": "2020-01-01T00:00:00.000Z"}));
        } else {
            assert_eq!(thing["count"], 1, "{id}");
            assert_eq!(
                (&thing["started"], &thing["done"]),
                (&json!("2026-06-01T12:00:00.000Z"), &json!("2026-06-01T12:00:00.000Z"))
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_a_thousand_objects_increment_ends_at_a_thousand() {
    let house = House::new().await;
    house.fill(1_000).await;
    let shared = Collection::new("things/b").key("counter");
    let action = {
        let shared = shared.clone();
        native(move |unit, key| {
            let shared = shared.clone();
            async move {
                increment(&unit, shared).await?;
                increment(&unit, key).await?;
                Ok(true)
            }
        })
    };
    let record = house.run(action).await;
    assert_eq!((record.progress.successes, record.progress.failures), (1_000, 0));
    let counter = house.store.get(&shared).await.unwrap().unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&counter.body).unwrap(),
        json!({"count": 1_000})
    );
    assert!(house.all().await.iter().all(|(_, thing)| thing["count"] == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_fails_has_done_nothing_and_the_others_go_on() {
    let house = House::new().await;
    house.fill(600).await;
    let action = native(|unit, key| async move {
        let number: usize = key.id.parse().unwrap();
        increment(&unit, key).await?;
        match number % 3 {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(Problem::conflict("no")),
        }
    });
    let record = house.run(action).await;
    assert_eq!(
        (record.state, record.progress.successes, record.progress.failures),
        (State::Completed, 200, 400)
    );
    for (id, thing) in house.all().await {
        let is_done = id.parse::<usize>().unwrap() % 3 == 0;
        assert_eq!(
            (thing["count"] == 1, thing.get("done").is_some()),
            (is_done, is_done),
            "{id}: {thing}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_in_the_middle_leaves_a_run_that_ends_exactly_once_after_each_restart() {
    let first = House::new().await;
    first.fill(3_000).await;
    let stop_at = Arc::new(AtomicU64::new(700));
    let (store, clock) = (first.store.clone(), first.clock.clone());
    let id = {
        let (scanner, left) = (first.scanner.clone(), stop_at.clone());
        let action = native(move |unit, key| {
            let (scanner, left) = (scanner.clone(), left.clone());
            async move {
                increment(&unit, key).await?;
                if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                    tokio::spawn(async move { scanner.stop().await });
                }
                Ok(true)
            }
        });
        first.start(action).await
    };
    first.scanner.wait(&id).await;
    let halfway = first.scanner.record(&id).await.unwrap().unwrap();
    assert_eq!(halfway.state, State::Active);
    assert!(
        (1..3_000).contains(&halfway.progress.successes),
        "{:?}",
        halfway.progress
    );
    drop(first);

    let second = House::over(store, clock);
    // A resumed run is prepared from its context, which names a script: here it goes on with the native action.
    let document = second.store.get(&Record::key(&id)).await.unwrap().unwrap();
    let ledger = crate::ledger::Ledger {
        id: id.clone(),
        record: Record::from_bytes(&document.body).unwrap(),
        revision: document.revision,
    };
    second.scanner.resume_native(ledger, counting()).await.unwrap();
    second.scanner.wait(&id).await;
    let record = second.scanner.record(&id).await.unwrap().unwrap();
    assert_eq!(
        (record.state, record.progress.successes, record.progress.failures),
        (State::Completed, 3_000, 0)
    );
    for (id, thing) in second.all().await {
        assert_eq!(thing["count"], 1, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_cut_off_between_its_last_object_and_its_end_repeats_nothing() {
    let house = House::new().await;
    house.fill(700).await;
    let failing = || native(|_, _| async { Ok(false) });
    let id = house.start(failing()).await;
    house.scanner.wait(&id).await;
    let document = house.store.get(&Record::key(&id)).await.unwrap().unwrap();
    // As it was before its end was recorded.
    let mut record = Record::from_bytes(&document.body).unwrap();
    record.state = State::Active;
    record.ended = None;
    let mut ledger = crate::ledger::Ledger {
        id: id.clone(),
        record,
        revision: document.revision,
    };
    ledger.commit(&house.store, ChangeSet::new()).await.unwrap();
    house.clock.advance(chrono::Duration::hours(1));
    house.scanner.resume_native(ledger, failing()).await.unwrap();
    house.scanner.wait(&id).await;
    let record = house.scanner.record(&id).await.unwrap().unwrap();
    assert_eq!((record.state, record.progress.failures), (State::Completed, 700));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_taken_up_again_keeps_the_time_it_began_at() {
    let house = House::new().await;
    house.put("a-due", json!({"date": "2026-06-01T11:00:00.000Z"})).await;
    house.put("b-later", json!({"date": "2026-06-01T13:00:00.000Z"})).await;
    let mut order = order();
    order.invoke_context["scan"]["_queryFilter"] = "/date lt \"${Time.now}\" and !(/done pr)".into();
    // The host stops before the first object.
    let scanner = house.scanner.clone();
    let id = scanner.start_native(order, counting()).await.unwrap();
    scanner.stop().await;
    house.clock.advance(chrono::Duration::hours(2));
    let document = house.store.get(&Record::key(&id)).await.unwrap().unwrap();
    let record = Record::from_bytes(&document.body).unwrap();
    if !record.state.is_ended() {
        let ledger = crate::ledger::Ledger {
            id: id.clone(),
            record,
            revision: document.revision,
        };
        scanner.resume_native(ledger, counting()).await.unwrap();
        scanner.wait(&id).await;
    }
    let record = scanner.record(&id).await.unwrap().unwrap();
    assert_eq!((record.state, record.progress.successes), (State::Completed, 1));
    let counts: Vec<_> = house
        .all()
        .await
        .into_iter()
        .map(|(_, thing)| thing["count"].clone())
        .collect();
    assert_eq!(counts, [json!(1), Value::Null]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_scan_leaves_its_claims_released() {
    let house = House::new().await;
    house.fill(2_000).await;
    let left = Arc::new(AtomicU64::new(100));
    let scanner = house.scanner.clone();
    let action = native(move |unit, key| {
        let (scanner, left) = (scanner.clone(), left.clone());
        async move {
            increment(&unit, key).await?;
            if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                let run = scanner.active().pop().unwrap();
                tokio::spawn(async move { scanner.cancel(&run).await });
            }
            Ok(true)
        }
    });
    let record = house.run(action).await;
    assert_eq!(record.state, State::Cancelled);
    let all = house.all().await;
    let (done, open): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, thing)| thing.get("done").is_some());
    assert_eq!(done.len() as u64, record.progress.successes);
    assert!(done.len() < 2_000);
    for (id, thing) in open {
        assert_eq!(thing.get("started"), None, "{id}: {thing}");
        assert_eq!(thing.get("count"), None, "{id}: {thing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_scan_releases_its_claims_on_objects_that_collided_as_well() {
    let house = House::new().await;
    house.fill(600).await;
    let shared = Collection::new("things/b").key("counter");
    let (scanner, seen) = (house.scanner.clone(), Arc::new(parking_lot::Mutex::new(HashSet::new())));
    let left = Arc::new(AtomicU64::new(20));
    let action = native(move |unit, key| {
        let (scanner, shared, left) = (scanner.clone(), shared.clone(), left.clone());
        // All collide over the counter; the twentieth that is run again stops the scan.
        let is_again = !seen.lock().insert(key.id.clone());
        async move {
            increment(&unit, shared).await?;
            increment(&unit, key).await?;
            if is_again && left.fetch_sub(1, Ordering::Relaxed) == 1 {
                let run = scanner.active().pop().unwrap();
                scanner.find(&run).unwrap().halt(crate::live::Halt::Cancelled);
            }
            Ok(true)
        }
    });
    let record = house.run(action).await;
    assert_eq!(record.state, State::Cancelled);
    let all = house.all().await;
    let (done, open): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, thing)| thing.get("done").is_some());
    assert_eq!(done.len() as u64, record.progress.successes);
    assert!((20..600).contains(&done.len()), "{}", done.len());
    for (id, thing) in open {
        assert_eq!(thing.as_object().unwrap().len(), 1, "{id}: {thing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_somebody_works_on_is_left_to_him_until_the_timeout() {
    let house = House::new().await;
    house.fill(3).await;
    let now = house.clock.now();
    house
        .put(
            "00001",
            json!({"n": 1, "started": wire_time(now - chrono::Duration::minutes(9))}),
        )
        .await;
    let record = house.run(counting()).await;
    assert_eq!(
        (
            record.progress.total,
            record.progress.successes,
            record.progress.skipped
        ),
        (3, 2, 1)
    );
    house.clock.advance(chrono::Duration::minutes(2));
    let record = house.run(counting()).await;
    assert_eq!(
        (
            record.progress.total,
            record.progress.successes,
            record.progress.skipped
        ),
        (1, 1, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_was_changed_from_outside_is_decided_upon_again() {
    let house = House::new().await;
    house.fill(200).await;
    let store = house.store.clone();
    let action = native(move |unit, key| {
        let store = store.clone();
        async move {
            let seen = unit.get(&key).await?.unwrap();
            let mut body: Value = serde_json::from_slice(&seen.body).unwrap();
            if body.get("outside").is_none() {
                // Somebody else writes while the action runs.
                body["outside"] = true.into();
                let mut changes = ChangeSet::new();
                changes.put(key.clone(), Expectation::Any, body.to_string());
                store.commit(changes).await.unwrap();
            }
            increment(&unit, key).await?;
            Ok(true)
        }
    });
    let record = house.run(action).await;
    assert_eq!((record.progress.successes, record.progress.failures), (200, 0));
    for (id, thing) in house.all().await {
        assert_eq!((&thing["count"], &thing["outside"]), (&json!(1), &json!(true)), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_ended_runs_are_forgotten_with_their_failures() {
    let house = House::new().await;
    house.fill(2).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        house.clock.advance(chrono::Duration::hours(1));
        let id = house.start(native(|_, _| async { Ok(false) })).await;
        house.scanner.wait(&id).await;
        ids.push(id);
    }
    let mut known = Vec::new();
    for id in &ids {
        let failures = house
            .store
            .scan(&Scan::all(crate::failure::failures(id), 10))
            .await
            .unwrap()
            .documents
            .len();
        known.push((house.scanner.record(id).await.unwrap().is_some(), failures));
    }
    // Trimmed when a run starts: three ended ones, and the one that started.
    assert_eq!(known, [(false, 0), (true, 2), (true, 2), (true, 2), (true, 2)]);
}
