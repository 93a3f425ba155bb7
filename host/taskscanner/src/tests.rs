//! Whole runs over the in-memory store, with native actions that do what no guest could time so well: stop the host,
//! write from outside, collide.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use host_model::clock::{Clock, Timestamp, parse_wire_time, wire_time};
use host_model::ids::Ids;
use host_model::tenant::TenantName;
use host_resource::{LateRouter, Problem, Resource, ResourcePath, Router};
use host_runtime::{Pool, Properties, Runtime, RuntimeOptions, Scripts};
use host_store::redb::RedbStore;
use host_store::{ChangeSet, Collection, Expectation, Key, Scan, Store, TenantStore, UnitOfWork};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::record::Record;
use crate::{Native, Order, Parts, Scanner, State};

#[derive(Debug)]
struct StandingClock(Mutex<Timestamp>);

impl StandingClock {
    fn advance(&self, by: chrono::Duration) {
        *self.0.lock() += by;
    }
}

#[async_trait]
impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }

    async fn sleep_until(&self, _instant: Timestamp) {
        std::future::pending().await
    }
}

#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Ids for Counting {
    fn uuid(&self) -> String {
        format!("00000000-0000-4000-8000-{:012}", self.random())
    }

    fn random(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

struct Things;

#[async_trait]
impl Resource for Things {
    fn collection(&self, path: &ResourcePath) -> Option<String> {
        (path.len() == 1).then(|| format!("things/{path}"))
    }
}

/// A scanner over a store that may be older than it.
struct House {
    store: TenantStore,
    clock: Arc<StandingClock>,
    scanner: Arc<Scanner>,
    _router: Arc<Router>,
    _cache: tempfile::TempDir,
}

fn things() -> Collection {
    Collection::new("things/a")
}

impl House {
    async fn new() -> Self {
        let clock = Arc::new(StandingClock(Mutex::new(
            parse_wire_time("2026-06-01T12:00:00.000Z").unwrap(),
        )));
        let store = RedbStore::in_memory(clock.clone());
        let tenant = TenantName::default_tenant();
        store.open_tenant(&tenant).await.unwrap();
        Self::over(TenantStore::new(store as Arc<dyn Store>, tenant), clock)
    }

    /// Another host over the same documents: what a restart is.
    fn over(store: TenantStore, clock: Arc<StandingClock>) -> Self {
        let cache = tempfile::tempdir().unwrap();
        let runtime = Runtime::new(&RuntimeOptions {
            cache: cache.path().to_owned(),
            instances: 4,
        })
        .unwrap();
        let late = LateRouter::default();
        let scripts = Scripts::new(
            runtime.clone(),
            store.tenant().clone(),
            None,
            b"",
            &[],
            late.clone(),
            clock.clone(),
        );
        let scanner = Scanner::new(Parts {
            store: store.clone(),
            clock: clock.clone(),
            ids: Arc::new(Counting::default()),
            runtime,
            pool: Arc::new(Pool::new(2, &tokio::runtime::Handle::current()).unwrap()),
            scripts: Arc::new(scripts),
            router: late.clone(),
            properties: Properties::default(),
            max_completed_runs: 3,
        });
        let router = Arc::new(Router::new().mount(&["things"], &[], Arc::new(Things)));
        late.bind(&router);
        Self {
            store,
            clock,
            scanner,
            _router: router,
            _cache: cache,
        }
    }

    async fn put(&self, id: &str, body: Value) {
        let mut changes = ChangeSet::new();
        changes.put(things().key(id), Expectation::Any, body.to_string());
        self.store.commit(changes).await.unwrap();
    }

    async fn fill(&self, count: usize) {
        let mut changes = ChangeSet::new();
        for number in 0..count {
            changes.put(
                things().key(format!("{number:05}")),
                Expectation::Absent,
                json!({"n": number}).to_string(),
            );
        }
        self.store.commit(changes).await.unwrap();
    }

    async fn all(&self) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = self
                .store
                .scan(&Scan::all(things(), 1_000).after(cursor))
                .await
                .unwrap();
            found.extend(
                page.documents
                    .into_iter()
                    .map(|one| (one.id.to_string(), serde_json::from_slice(&one.body).unwrap())),
            );
            cursor = page.cursor;
            if cursor.is_none() {
                return found;
            }
        }
    }

    async fn start(&self, action: Native) -> Arc<str> {
        self.scanner.start_native(order(), action).await.unwrap()
    }

    async fn run(&self, action: Native) -> Record {
        let id = self.start(action).await;
        self.scanner.wait(&id).await;
        self.scanner.record(&id).await.unwrap().unwrap()
    }
}

fn order() -> Order {
    let invoke_context = json!({
        "numberOfThreads": 4,
        "scan": {
            "_queryFilter": "!(/done pr)",
            "object": "things/a",
            "taskState": {"started": "/started", "completed": "/done"},
            "recovery": {"timeout": "10m"},
        },
        "task": {"script": {"type": "text/javascript", "source": "true"}},
    });
    Order {
        id: None,
        name: "job".to_owned(),
        invoke_context,
        log_level: tracing::Level::INFO,
    }
}

fn native<F>(action: impl Fn(Arc<UnitOfWork>, Key) -> F + Send + Sync + 'static) -> Native
where
    F: Future<Output = Result<bool, Problem>> + Send + 'static,
{
    Arc::new(move |unit, key| Box::pin(action(unit, key)))
}

/// Adds one to the number `count` of a document.
async fn increment(unit: &UnitOfWork, key: Key) -> Result<(), Problem> {
    let mut body: Value = match unit.get(&key).await? {
        Some(seen) => serde_json::from_slice(&seen.body).unwrap(),
        None => json!({}),
    };
    body["count"] = (body["count"].as_u64().unwrap_or(0) + 1).into();
    unit.put(key, body.to_string().into()).await?;
    Ok(())
}

fn counting() -> Native {
    native(|unit, key| async move {
        increment(&unit, key).await?;
        Ok(true)
    })
}

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
