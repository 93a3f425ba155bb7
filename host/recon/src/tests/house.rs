//! A reconciler over the in-memory store, managed objects without rules, and systems that write down what they are sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use async_trait::async_trait;
use host_model::audit::NoAudit;
use host_model::clock::{Clock, Timestamp, parse_wire_time};
use host_model::configured::{ConfigName, Configured};
use host_model::evaluate::{Evaluate, Scripting};
use host_model::ids::Ids;
use host_model::script::ScriptSpec;
use host_model::tenant::TenantName;
use host_resource::{
    Caller, Content, Context, Create, Delete, LateRouter, Object, Page, Pointer, Problem, Query, Read, Resource,
    ResourcePath, Router, Update, listing,
};
use host_store::redb::RedbStore;
use host_store::{ChangeSet, Collection, Expectation, Scan, Store, TenantStore, UnitOfWork};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;

use crate::links::links;
use crate::page::{deferred, done, handled};
use crate::reconciler::Ask;
use crate::record::{Kind, Record, runs};
use crate::sent::sent;
use crate::{ConfiguredMappings, Mappings, Parts, Reconciler};

#[derive(Debug)]
struct StandingClock;

#[async_trait]
impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        parse_wire_time("2026-06-01T12:00:00.000Z").unwrap()
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

/// Mappings without scripts only.
#[derive(Debug)]
struct NoScripts;

#[async_trait]
impl Scripting for NoScripts {
    async fn prepare(
        &self,
        _asking: Option<&Context>,
        _spec: &ScriptSpec,
        pointer: &Pointer,
    ) -> Result<Arc<dyn Evaluate>, Problem> {
        Err(Problem::invalid(pointer, "there are no scripts here"))
    }
}

/// Something that a system was sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) key: Arc<str>,
    pub(super) content: Value,
}

/// Systems that keep objects in memory and outlive the host.
#[derive(Debug)]
pub(super) struct Systems {
    objects: Mutex<BTreeMap<(String, String), Value>>,
    writes: Mutex<Vec<Sent>>,
    hang_after: AtomicUsize,
    fail_after: AtomicUsize,
    asked: AtomicUsize,
    hanging: Notify,
    /// How many hosts there have been: only the last one still lives.
    hosts: AtomicUsize,
}

impl Systems {
    fn new() -> Self {
        Self {
            objects: Mutex::default(),
            writes: Mutex::default(),
            hang_after: AtomicUsize::new(usize::MAX),
            fail_after: AtomicUsize::new(usize::MAX),
            asked: AtomicUsize::new(0),
            hanging: Notify::new(),
            hosts: AtomicUsize::new(0),
        }
    }

    pub(super) fn put(&self, container: &str, id: &str, object: Value) {
        self.objects
            .lock()
            .insert((container.to_owned(), id.to_owned()), object);
    }

    pub(super) fn writes(&self) -> Vec<Sent> {
        self.writes.lock().clone()
    }

    /// From so many writes on, no write comes back.
    pub(super) fn hang_after(&self, writes: usize) {
        self.hang_after.store(writes, Ordering::SeqCst);
    }

    pub(super) async fn until_hanging(&self) {
        self.hanging.notified().await;
    }

    /// After so many questions to the source, it does not answer any more.
    pub(super) fn fail_source_after(&self, questions: usize) {
        self.asked.store(0, Ordering::SeqCst);
        self.fail_after.store(questions, Ordering::SeqCst);
    }

    fn question(&self, path: &ResourcePath) -> Result<(), Problem> {
        let is_source = path.element(0) == Some("hr");
        if is_source && self.asked.fetch_add(1, Ordering::SeqCst) >= self.fail_after.load(Ordering::SeqCst) {
            return Err(Problem::unavailable("no connection"));
        }
        Ok(())
    }

    async fn write(&self, host: usize, context: &Context, content: &Value) -> Result<(), Problem> {
        if content["name"] == "refused" {
            return Err(Problem::bad_request("the name is refused"));
        }
        if !self.takes(host, context, content) {
            self.hanging.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    /// Takes a write, unless it hangs. Of a host that is gone nothing arrives any more.
    fn takes(&self, host: usize, context: &Context, content: &Value) -> bool {
        let mut writes = self.writes.lock();
        let is_gone = host != self.hosts.load(Ordering::SeqCst);
        if is_gone || writes.len() >= self.hang_after.load(Ordering::SeqCst) {
            return false;
        }
        writes.push(Sent {
            key: Arc::clone(&context.request_id),
            content: content.clone(),
        });
        true
    }

    fn object(&self, container: &str, id: &str) -> Option<Object> {
        let content = self
            .objects
            .lock()
            .get(&(container.to_owned(), id.to_owned()))
            .cloned()?;
        Some(Object {
            id: id.to_owned(),
            rev: None,
            content: Content::Json(content),
        })
    }
}

fn place(path: &ResourcePath) -> (String, String) {
    (path.parent().to_string(), path.last().unwrap_or_default().to_owned())
}

/// The systems as one host reaches them.
struct SystemResource(Arc<Systems>, usize);

#[async_trait]
impl Resource for SystemResource {
    async fn create(&self, context: &Context, path: &ResourcePath, create: Create) -> Result<Object, Problem> {
        self.0.write(self.1, context, &create.content).await?;
        let id = create.id.unwrap_or_else(|| format!("made-{}", self.0.writes().len()));
        self.0.put(&path.to_string(), &id, create.content);
        self.0
            .object(&path.to_string(), &id)
            .ok_or_else(|| Problem::not_found(path))
    }

    async fn read(&self, _context: &Context, path: &ResourcePath, _read: Read) -> Result<Object, Problem> {
        self.0.question(path)?;
        let (container, id) = place(path);
        self.0.object(&container, &id).ok_or_else(|| Problem::not_found(path))
    }

    async fn update(&self, context: &Context, path: &ResourcePath, update: Update) -> Result<Object, Problem> {
        self.0.write(self.1, context, &update.content).await?;
        let (container, id) = place(path);
        self.0.put(&container, &id, update.content);
        self.0.object(&container, &id).ok_or_else(|| Problem::not_found(path))
    }

    async fn delete(&self, context: &Context, path: &ResourcePath, _delete: Delete) -> Result<Object, Problem> {
        self.0.write(self.1, context, &Value::Null).await?;
        let (container, id) = place(path);
        let object = self.0.object(&container, &id).ok_or_else(|| Problem::not_found(path));
        self.0.objects.lock().remove(&(container, id));
        object
    }

    async fn query(&self, _context: &Context, path: &ResourcePath, mut query: Query) -> Result<Page, Problem> {
        self.0.question(path)?;
        // Small pages, so that there are several.
        query.page_size = query.page_size.map(|size| size.min(2));
        let container = path.to_string();
        let ids: Vec<String> = {
            let objects = self.0.objects.lock();
            objects
                .keys()
                .filter(|(of, _)| *of == container)
                .map(|(_, id)| id.clone())
                .collect()
        };
        let objects = ids.iter().filter_map(|id| self.0.object(&container, id)).collect();
        listing::page(&container, &query, objects)
    }
}

/// Stored objects, to be read and listed only.
struct Stored(TenantStore);

#[async_trait]
impl Resource for Stored {
    async fn read(&self, context: &Context, path: &ResourcePath, _read: Read) -> Result<Object, Problem> {
        let unit = UnitOfWork::of(context).ok_or_else(|| Problem::internal("within a unit of work only"))?;
        let key = Collection::new("managed/a").key(path.last().unwrap_or_default());
        let seen = unit.get(&key).await?.ok_or_else(|| Problem::not_found(path))?;
        Ok(Object {
            id: seen.id.to_string(),
            rev: Some(seen.rev.to_string()),
            content: Content::Raw(seen.body),
        })
    }

    async fn query(&self, _context: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        let page = self.0.scan(&Scan::all(Collection::new("managed/a"), 1000)).await?;
        let objects = page.documents.into_iter().map(|document| Object {
            id: document.id.to_string(),
            rev: Some(document.revision.to_string()),
            content: Content::Raw(document.body),
        });
        listing::page(&path.to_string(), &query, objects.collect())
    }

    fn joins_unit_of_work(&self) -> bool {
        true
    }

    fn collection(&self, path: &ResourcePath) -> Option<String> {
        (path.len() == 1).then(|| format!("managed/{path}"))
    }
}

/// A host over a store and systems that may be older than it.
pub(super) struct House {
    pub(super) systems: Arc<Systems>,
    store: TenantStore,
    reconciler: Arc<Reconciler>,
    mappings: Arc<Mappings>,
    _router: Arc<Router>,
}

impl House {
    pub(super) async fn new() -> Self {
        let store = RedbStore::in_memory(Arc::new(StandingClock));
        let tenant = TenantName::default_tenant();
        store.open_tenant(&tenant).await.unwrap();
        let store = TenantStore::new(store as Arc<dyn Store>, tenant);
        Self::over(store, Arc::new(Systems::new()))
    }

    fn over(store: TenantStore, systems: Arc<Systems>) -> Self {
        let router = LateRouter::default();
        let mappings = Arc::new(Mappings::new(Arc::new(NoScripts)));
        let reconciler = Reconciler::new(Parts {
            store: store.clone(),
            clock: Arc::new(StandingClock),
            ids: Arc::new(Counting::default()),
            router: router.clone(),
            mappings: Arc::clone(&mappings),
            audit: Arc::new(NoAudit),
            max_completed_runs: 100,
        });
        let host = systems.hosts.fetch_add(1, Ordering::SeqCst) + 1;
        let bound = Router::new()
            .mount(&["system"], &[], Arc::new(SystemResource(Arc::clone(&systems), host)))
            .mount(&["managed"], &[], Arc::new(Stored(store.clone())));
        let bound = Arc::new(bound);
        router.bind(&bound);
        Self {
            systems,
            store,
            reconciler,
            mappings,
            _router: bound,
        }
    }

    /// How many answers of systems a run has written down.
    pub(super) async fn notes(&self, run: &str) -> usize {
        let notes = Scan::all(crate::sent::sent(run), 1_000);
        self.store.scan(&notes).await.unwrap().documents.len()
    }

    /// Another host over the same documents and systems: what a restart after a kill is.
    pub(super) async fn restarted(self) -> Self {
        Self::over(self.store.clone(), Arc::clone(&self.systems))
    }

    pub(super) async fn configure(&self, document: &Value) {
        let name = ConfigName::new("sync", None).unwrap();
        let consumer = ConfiguredMappings(Arc::clone(&self.mappings));
        consumer.apply(&name, Some(document)).await.unwrap();
    }

    /// Stores an object of `managed/a`.
    pub(super) async fn store(&self, id: &str, object: Value) {
        let mut changes = ChangeSet::new();
        changes.put(
            Collection::new("managed/a").key(id),
            Expectation::Absent,
            object.to_string(),
        );
        self.store.commit(changes).await.unwrap();
    }

    async fn start(&self, id: Option<&str>, kind: Kind, is_analysis: bool) -> Arc<str> {
        let ask = Ask {
            id: id.map(str::to_owned),
            mapping: "m".to_owned(),
            kind,
            overrides: None,
            is_analysis,
            keeps_entries: false,
            ignores_guard: false,
            by: Arc::new(Caller::internal("default", "test")),
        };
        self.reconciler.start(ask).await.unwrap()
    }

    /// Runs to the end.
    pub(super) async fn run(&self, kind: Kind, is_analysis: bool) -> Record {
        let id = self.start(None, kind, is_analysis).await;
        self.ended(&id).await
    }

    pub(super) async fn begin(&self, id: &str) {
        self.start(Some(id), Kind::All, false).await;
    }

    pub(super) async fn resumed(&self, id: &str) -> Record {
        assert_eq!(self.reconciler.resume_all().await.unwrap(), 1);
        self.ended(id).await
    }

    async fn ended(&self, id: &str) -> Record {
        self.reconciler.wait(id).await;
        let record = self.store.get(&runs().key(id)).await.unwrap();
        // Trimming may have been faster only with a failed run.
        Record::from_bytes(&record.unwrap().body).unwrap()
    }

    async fn count(&self, collection: Collection) -> usize {
        self.store
            .scan(&Scan::all(collection, 1000))
            .await
            .unwrap()
            .documents
            .len()
    }

    pub(super) async fn links(&self) -> usize {
        self.count(links()).await
    }

    /// Documents that runs kept for themselves.
    pub(super) async fn leftovers(&self) -> usize {
        let page = self.store.scan(&Scan::all(runs(), 1000)).await.unwrap();
        let mut found = 0;
        for run in page.documents {
            for collection in [sent(&run.id), done(&run.id), handled(&run.id), deferred(&run.id)] {
                found += self.count(collection).await;
            }
        }
        found
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
