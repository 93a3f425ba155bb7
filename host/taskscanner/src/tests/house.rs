//! A scanner over the in-memory store with a clock that stands still, and actions that count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use host_model::clock::{Clock, Timestamp, parse_wire_time};
use host_model::ids::Ids;
use host_model::tenant::TenantName;
use host_resource::{LateRouter, Problem, Resource, ResourcePath, Router};
use host_runtime::{Pool, Properties, Runtime, RuntimeOptions, Scripts};
use host_store::redb::RedbStore;
use host_store::{ChangeSet, Collection, Expectation, Key, Scan, Store, TenantStore, UnitOfWork};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::record::Record;
use crate::{Native, Order, Parts, Scanner};

#[derive(Debug)]
pub(super) struct StandingClock(Mutex<Timestamp>);

impl StandingClock {
    pub(super) fn advance(&self, by: chrono::Duration) {
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
pub(super) struct House {
    pub(super) store: TenantStore,
    pub(super) clock: Arc<StandingClock>,
    pub(super) scanner: Arc<Scanner>,
    _router: Arc<Router>,
    _cache: tempfile::TempDir,
}

pub(super) fn things() -> Collection {
    Collection::new("things/a")
}

impl House {
    pub(super) async fn new() -> Self {
        let clock = Arc::new(StandingClock(Mutex::new(
            parse_wire_time("2026-06-01T12:00:00.000Z").unwrap(),
        )));
        let store = RedbStore::in_memory(clock.clone());
        let tenant = TenantName::default_tenant();
        store.open_tenant(&tenant).await.unwrap();
        Self::over(TenantStore::new(store as Arc<dyn Store>, tenant), clock)
    }

    /// Another host over the same documents: what a restart is.
    pub(super) fn over(store: TenantStore, clock: Arc<StandingClock>) -> Self {
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

    pub(super) async fn put(&self, id: &str, body: Value) {
        let mut changes = ChangeSet::new();
        changes.put(things().key(id), Expectation::Any, body.to_string());
        self.store.commit(changes).await.unwrap();
    }

    pub(super) async fn fill(&self, count: usize) {
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

    pub(super) async fn all(&self) -> Vec<(String, Value)> {
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

    pub(super) async fn start(&self, action: Native) -> Arc<str> {
        self.scanner.start_native(order(), action).await.unwrap()
    }

    pub(super) async fn run(&self, action: Native) -> Record {
        let id = self.start(action).await;
        self.scanner.wait(&id).await;
        self.scanner.record(&id).await.unwrap().unwrap()
    }
}

pub(super) fn order() -> Order {
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
        is_analysis: false,
        log_level: tracing::Level::INFO,
    }
}

pub(super) fn native<F>(action: impl Fn(Arc<UnitOfWork>, Key) -> F + Send + Sync + 'static) -> Native
where
    F: Future<Output = Result<bool, Problem>> + Send + 'static,
{
    Arc::new(move |unit, key| Box::pin(action(unit, key)))
}

/// Adds one to the number `count` of a document.
pub(super) async fn increment(unit: &UnitOfWork, key: Key) -> Result<(), Problem> {
    let mut body: Value = match unit.get(&key).await? {
        Some(seen) => serde_json::from_slice(&seen.body).unwrap(),
        None => json!({}),
    };
    body["count"] = (body["count"].as_u64().unwrap_or(0) + 1).into();
    unit.put(key, body.to_string().into()).await?;
    Ok(())
}

pub(super) fn counting() -> Native {
    native(|unit, key| async move {
        increment(&unit, key).await?;
        Ok(true)
    })
}
