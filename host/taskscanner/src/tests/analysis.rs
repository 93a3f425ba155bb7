//! Analyses: what they leave behind, and what applying them does.

use std::sync::Arc;

use host_resource::{Code, Content, Problem};
use host_store::{Collection, Scan};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::house::{House, counting, increment, native, order};
use crate::plan::{plans, shown};
use crate::record::{Mode, Record};
use crate::scanner::Order;
use crate::{Native, State};

fn analysis() -> Order {
    Order {
        is_analysis: true,
        ..order()
    }
}

impl House {
    async fn analyse(&self, action: Native) -> (Arc<str>, Record) {
        let id = self.scanner.start_native(analysis(), action).await.unwrap();
        self.scanner.wait(&id).await;
        let record = self.scanner.record(&id).await.unwrap().unwrap();
        (id, record)
    }

    async fn apply(&self, of: &str) -> Result<(Arc<str>, Record), Problem> {
        let id = self.scanner.apply(of).await?;
        self.scanner.wait(&id).await;
        let record = self.scanner.record(&id).await.unwrap().unwrap();
        Ok((id, record))
    }

    async fn plan(&self, run: &str) -> Vec<Value> {
        let page = self.store.scan(&Scan::all(plans(run), 10_000)).await.unwrap();
        page.documents
            .iter()
            .map(|document| match shown(&document.body).unwrap() {
                Content::Json(entry) | Content::Shown(entry) => entry,
                Content::Raw(_) => unreachable!("a plan is shown without its steps"),
            })
            .collect()
    }
}

/// Whatever an object's number says: change it, change another one too, delete it, fail, or do nothing.
fn by_number() -> Native {
    native(|unit, key| async move {
        let seen = unit.get(&key).await?.expect("it was scanned");
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        assert!(
            body["started"].is_string(),
            "the action sees the claim, in an analysis too: {body}"
        );
        match body["n"].as_u64().unwrap() % 5 {
            0 => increment(&unit, key).await?,
            1 => {
                increment(&unit, Collection::new("things/b").key(key.id.clone())).await?;
            }
            2 => unit.delete(key).await?,
            3 => return Err(Problem::conflict("three")),
            _ => {}
        }
        Ok(true)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_changes_nothing_and_tells_what_would_change() {
    let house = House::new().await;
    house.fill(1_234).await;
    let before = house.all().await;
    let (id, record) = house.analyse(by_number()).await;
    assert_eq!(house.all().await, before);
    let others = house
        .store
        .scan(&Scan::all(Collection::new("things/b"), 10))
        .await
        .unwrap();
    assert!(others.documents.is_empty());
    assert_eq!(record.state, State::Completed);
    assert_eq!((record.progress.total, record.progress.failures), (1_234, 247));
    assert_eq!((record.effects.changes, record.effects.deletions), (494, 247));

    let plan = house.plan(&id).await;
    assert_eq!(plan.len(), 1_234);
    let now = "2026-06-01T12:00:00.000Z";
    let expected = json!({
        "path": "things/a/00000", "operation": "update", "rev": plan[0]["changes"][0]["rev"],
        "patch": [
            {"operation": "add", "field": "/started", "value": now},
            {"operation": "add", "field": "/count", "value": 1},
            {"operation": "add", "field": "/done", "value": now},
        ],
    });
    assert_eq!(
        (&plan[0]["outcome"], &plan[0]["changes"]),
        (&json!("changed"), &json!([expected]))
    );
    let created = json!({"path": "things/b/00001", "operation": "create", "rev": null, "content": {"count": 1}});
    assert_eq!(plan[1]["changes"][1], created);
    assert_eq!(plan[2]["changes"][0]["operation"], "delete");
    assert_eq!(
        (&plan[3]["outcome"], &plan[3]["message"]),
        (&json!("failed"), &json!("three"))
    );
    assert_eq!(plan[4]["outcome"], "unchanged");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_moved_on_is_listed_and_left_alone() {
    let house = House::new().await;
    house.fill(10).await;
    let (id, _) = house.analyse(counting()).await;
    house.put("00003", json!({"n": 3, "count": 40})).await;
    let (apply, record) = house.apply(&id).await.unwrap();
    assert_eq!(
        (record.state, &record.mode),
        (State::Completed, &Mode::Apply(id.clone()))
    );
    assert_eq!((record.progress.successes, record.progress.failures), (9, 1));
    for (id, thing) in house.all().await {
        let expected = if id == "00003" { 40 } else { 1 };
        assert_eq!(thing["count"], expected, "{id}");
    }
    let failures = Scan::all(crate::failure::failures(&apply), 10);
    let failures = house.store.scan(&failures).await.unwrap().documents;
    let failure: Value = serde_json::from_slice(&failures[0].body).unwrap();
    assert_eq!(
        (failures.len(), &failure["objectId"], &failure["kind"]),
        (1, &json!("00003"), &json!("moved"))
    );

    let again = house.apply(&id).await.unwrap_err();
    assert_eq!(again.code, Code::CONFLICT, "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_objects_that_would_write_one_document_do_not_both_win() {
    let house = House::new().await;
    house.fill(5).await;
    let shared = Collection::new("things/b").key("counter");
    let action = {
        let shared = shared.clone();
        native(move |unit, _| {
            let shared = shared.clone();
            async move { increment(&unit, shared).await.map(|()| true) }
        })
    };
    let (id, _) = house.analyse(action).await;
    let (_, record) = house.apply(&id).await.unwrap();
    assert_eq!((record.progress.successes, record.progress.failures), (1, 4));
    let counter = house.store.get(&shared).await.unwrap().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&counter.body).unwrap()["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_has_its_time_and_only_an_analysis_has_one() {
    let house = House::new().await;
    house.fill(3).await;
    let (id, _) = house.analyse(counting()).await;
    house.clock.advance(chrono::Duration::hours(25));
    let late = house.apply(&id).await.unwrap_err();
    assert_eq!(late.code, Code::new(410), "{late}");
    let run = house.start(counting()).await;
    house.scanner.wait(&run).await;
    assert_eq!(house.apply(&run).await.unwrap_err().code, Code::BAD_REQUEST);
    assert_eq!(house.apply("nobody").await.unwrap_err().code, Code::NOT_FOUND);
}

fn guarded(guard: Value) -> Order {
    let mut order = order();
    order.invoke_context["guard"] = guard;
    order
}

fn deleting() -> Native {
    native(|unit, key| async move {
        unit.delete(key).await?;
        Ok(true)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_stops_a_run_before_it_has_done_too_much() {
    let house = House::new().await;
    house.fill(1_000).await;
    let before = house.all().await;
    // Nobody said anything: a tenth may be deleted, and a page of 500 is more.
    let id = house.scanner.start_native(order(), deleting()).await.unwrap();
    house.scanner.wait(&id).await;
    let record = house.scanner.record(&id).await.unwrap().unwrap();
    assert_eq!(record.state, State::Error);
    let message = record.message.unwrap();
    assert!(
        message.contains("would delete") && message.contains("allows 100"),
        "{message}"
    );
    assert_eq!(house.all().await, before, "nothing is deleted, and no claim is left");

    let order = guarded(json!({"deletions": {"percent": 100}}));
    let id = house.scanner.start_native(order, deleting()).await.unwrap();
    house.scanner.wait(&id).await;
    assert_eq!(
        house.scanner.record(&id).await.unwrap().unwrap().state,
        State::Completed
    );
    assert!(house.all().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_its_guard_objects_to_is_not_applied() {
    let house = House::new().await;
    house.fill(100).await;
    let order = Order {
        is_analysis: true,
        ..guarded(json!({"changes": {"count": 99}}))
    };
    let id = house.scanner.start_native(order, counting()).await.unwrap();
    house.scanner.wait(&id).await;
    let refused = house.apply(&id).await.unwrap_err();
    assert!(
        refused.code == Code::CONFLICT && refused.message.contains("allows 99"),
        "{refused}"
    );
    assert!(house.all().await.iter().all(|(_, thing)| thing["count"].is_null()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn analysing_and_applying_is_running(numbers in prop::collection::vec(0_u64..50, 1..40)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let guard = json!({"deletions": {"percent": 100}});
            let (one, other) = (House::new().await, House::new().await);
            for (number, n) in numbers.iter().enumerate() {
                for house in [&one, &other] {
                    house.put(&format!("{number:05}"), json!({"n": n})).await;
                }
            }
            let run = one.scanner.start_native(guarded(guard.clone()), by_number()).await.unwrap();
            one.scanner.wait(&run).await;
            let order = Order { is_analysis: true, ..guarded(guard) };
            let analysis = other.scanner.start_native(order, by_number()).await.unwrap();
            other.scanner.wait(&analysis).await;
            other.apply(&analysis).await.unwrap();
            let b = Scan::all(Collection::new("things/b"), 100);
            let (in_one, in_other) = (one.store.scan(&b).await.unwrap(), other.store.scan(&b).await.unwrap());
            let bodies = |page: host_store::ScanPage| -> Vec<_> { page.documents.into_iter().map(|one| (one.id, one.body)).collect() };
            assert_eq!(bodies(in_one), bodies(in_other));
            // Objects whose action failed keep the claim of a run; an analysis claims nothing.
            let unclaimed = |all: Vec<(String, Value)>| -> Vec<(String, Value)> {
                all.into_iter()
                    .map(|(id, mut thing)| {
                        if thing["done"].is_null() {
                            thing.as_object_mut().unwrap().shift_remove("started");
                        }
                        (id, thing)
                    })
                    .collect()
            };
            assert_eq!(unclaimed(one.all().await), unclaimed(other.all().await));
        });
    }
}
