//! Pausing, going on, other numbers of threads, and objects that fail again and again: with actions that know how often
//! they were called.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::json;
use tokio::sync::Barrier;

use super::house::{House, counting, increment, native, order};
use crate::record::Record;
use crate::{Native, State};

/// An action that says something to its run when it is called for the `at`th time, and counts its calls: all of them, and
/// those until it was heard.
fn saying(house: &House, at: u64, change: fn(&mut crate::control::Control)) -> (Native, Arc<[AtomicU64; 2]>) {
    let (scanner, calls) = (house.scanner.clone(), Arc::new([0, 0].map(AtomicU64::new)));
    let counted = calls.clone();
    let action = native(move |unit, key| {
        let number = calls[0].fetch_add(1, Ordering::Relaxed) + 1;
        let (scanner, calls) = (scanner.clone(), calls.clone());
        async move {
            if number == at {
                let run = scanner.active().pop().unwrap();
                scanner.steer(&run, change).await.unwrap().unwrap();
                calls[1].store(calls[0].load(Ordering::Relaxed), Ordering::Relaxed);
            }
            increment(&unit, key).await?;
            Ok(true)
        }
    });
    (action, counted)
}

async fn until_paused(house: &House, run: &str) {
    let live = house.scanner.find(run).unwrap();
    live.changes().wait_for(|control| control.paused).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_run_begins_no_further_object_and_can_be_cancelled() {
    let house = House::new().await;
    house.fill(2_000).await;
    let (action, calls) = saying(&house, 100, |control| control.paused = true);
    let id = house.start(action).await;
    until_paused(&house, &id).await;
    assert_eq!(house.scanner.record(&id).await.unwrap().unwrap().state, State::Active);
    assert!(
        crate::wire::of_live(&house.scanner.find(&id).unwrap())
            .into_value()
            .unwrap()["paused"]
            == true
    );
    assert_eq!(house.scanner.cancel(&id).await.unwrap(), Some(true));
    // Four threads were at most under way.
    let [calls, heard] = [0, 1].map(|at| calls[at].load(Ordering::Relaxed));
    assert!((heard..=heard + 4).contains(&calls) && calls < 2_000, "{calls} {heard}");
    let record = house.scanner.record(&id).await.unwrap().unwrap();
    assert_eq!((record.state, record.progress.successes), (State::Cancelled, calls));
    for (id, thing) in house.all().await {
        assert_eq!(
            thing.get("done").is_some(),
            thing.get("started").is_some(),
            "{id}: {thing}"
        );
    }
    let refused = house
        .scanner
        .steer(&id, |control| control.paused = false)
        .await
        .unwrap_err();
    assert!(
        refused.message.contains("has ended: it is CANCELLED"),
        "{}",
        refused.message
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_run_stays_paused_over_a_restart_and_goes_on_when_it_is_told_to() {
    let first = House::new().await;
    first.fill(1_500).await;
    let (action, calls) = saying(&first, 300, |control| control.paused = true);
    let id = first.start(action).await;
    until_paused(&first, &id).await;
    first.scanner.stop().await;
    let before = calls[0].load(Ordering::Relaxed);
    let (store, clock) = (first.store.clone(), first.clock.clone());
    drop(first);

    let second = House::over(store, clock);
    let document = second.store.get(&Record::key(&id)).await.unwrap().unwrap();
    let ledger = crate::ledger::Ledger {
        id: id.clone(),
        record: Record::from_bytes(&document.body).unwrap(),
        revision: document.revision,
    };
    let again = Arc::new(AtomicU64::new(0));
    let counted = again.clone();
    let action = native(move |unit, key| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            increment(&unit, key).await?;
            Ok(true)
        }
    });
    second.scanner.resume_native(ledger, action).await.unwrap();
    assert!(second.scanner.find(&id).unwrap().control().paused);
    assert_eq!(again.load(Ordering::Relaxed), 0);
    second
        .scanner
        .steer(&id, |control| control.paused = false)
        .await
        .unwrap();
    second.scanner.wait(&id).await;
    let record = second.scanner.record(&id).await.unwrap().unwrap();
    assert_eq!((record.state, record.progress.successes), (State::Completed, 1_500));
    assert_eq!(before + again.load(Ordering::Relaxed), 1_500);
    for (id, thing) in second.all().await {
        assert_eq!(thing["count"], 1, "{id}");
    }
    // What was said to it is forgotten with it.
    assert!(
        second
            .store
            .get(&crate::control::Control::key(&id))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_paused_and_goes_on_changes_every_object_once() {
    let house = House::new().await;
    house.fill(1_200).await;
    let (action, _) = saying(&house, 50, |control| control.paused = true);
    let id = house.start(action).await;
    until_paused(&house, &id).await;
    house
        .scanner
        .steer(&id, |control| control.paused = false)
        .await
        .unwrap();
    house.scanner.wait(&id).await;
    let record = house.scanner.record(&id).await.unwrap().unwrap();
    assert_eq!((record.state, record.progress.successes), (State::Completed, 1_200));
    assert!(house.all().await.iter().all(|(_, thing)| thing["count"] == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_told_to_use_one_thread_does_so_at_once() {
    let house = House::new().await;
    house.fill(1_500).await;
    let scanner = house.scanner.clone();
    let [calls, late] = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
    let (two, is_together) = (Arc::new(Barrier::new(2)), Arc::new(AtomicBool::new(false)));
    let heard = Arc::new(AtomicU64::new(u64::MAX));
    let action = native({
        let is_together = is_together.clone();
        move |unit, key| {
            let (scanner, two, late, calls) = (scanner.clone(), two.clone(), late.clone(), calls.clone());
            let (is_together, heard) = (is_together.clone(), heard.clone());
            let number = calls.fetch_add(1, Ordering::Relaxed) + 1;
            async move {
                // At first it is worked on two at a time.
                if number <= 2 {
                    two.wait().await;
                }
                // What was under way when it was heard may end, however long that takes.
                let is_late = number > heard.load(Ordering::Relaxed).saturating_add(4);
                if is_late && late.fetch_add(1, Ordering::Relaxed) > 0 {
                    is_together.store(true, Ordering::Relaxed);
                }
                if number == 400 {
                    let run = scanner.active().pop().unwrap();
                    scanner.steer(&run, |control| control.threads = Some(1)).await.unwrap();
                    heard.store(calls.load(Ordering::Relaxed), Ordering::Relaxed);
                }
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                increment(&unit, key).await?;
                if is_late {
                    late.fetch_sub(1, Ordering::Relaxed);
                }
                Ok(true)
            }
        }
    });
    let record = house.run(action).await;
    assert_eq!(record.progress.successes, 1_500);
    assert!(!is_together.load(Ordering::Relaxed), "two at a time still");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_fails_too_often_in_a_row_is_left_alone_until_it_is_released() {
    let house = House::new().await;
    house.fill(50).await;
    let bad: HashSet<&str> = HashSet::from(["00003", "00007"]);
    let failing = || {
        let bad = bad.clone();
        native(move |unit, key| {
            let is_bad = bad.contains(&*key.id);
            async move {
                increment(&unit, key).await?;
                Ok(!is_bad)
            }
        })
    };
    let run = async |action: Native| {
        let mut order = order();
        order.invoke_context["scan"]["recovery"] = json!({"timeout": "0s", "maxAttempts": 3});
        house.clock.advance(chrono::Duration::seconds(1));
        let id = house.scanner.start_native(order, action).await.unwrap();
        house.scanner.wait(&id).await;
        let progress = house.scanner.record(&id).await.unwrap().unwrap().progress;
        (progress.successes, progress.failures, progress.quarantined)
    };
    assert_eq!(run(failing()).await, (48, 2, 0));
    assert_eq!(run(failing()).await, (0, 2, 0));
    // One of them succeeds: its failures are not in a row any more.
    let bad_only_seven = native(|unit, key| async move {
        let is_bad = &*key.id == "00007";
        increment(&unit, key).await?;
        Ok(!is_bad)
    });
    assert_eq!(run(bad_only_seven).await, (1, 1, 0));
    house.put("00003", json!({"n": 3})).await;
    assert_eq!(run(failing()).await, (0, 1, 1));
    assert_eq!(run(failing()).await, (0, 1, 1));
    assert_eq!(run(failing()).await, (0, 1, 1));
    assert_eq!(run(failing()).await, (0, 0, 2));
    // Without the setting nobody is left alone, and nothing is counted.
    house.clock.advance(chrono::Duration::hours(1));
    let record = house.run(failing()).await;
    assert_eq!((record.progress.failures, record.progress.quarantined), (2, 0));
    let id = crate::attempts::quarantine_id("job", "00007");
    let document = house.store.get(&crate::attempts::key(&id)).await.unwrap().unwrap();
    let mut changes = host_store::ChangeSet::new();
    crate::attempts::release(&document, &mut changes).unwrap();
    house.store.commit(changes).await.unwrap();
    assert_eq!(run(counting()).await, (1, 0, 1));
}
