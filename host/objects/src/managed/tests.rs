//! The verbs over an in-memory store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use host_model::clock::{Clock, Timestamp, parse_wire_time};
use host_model::evaluate::{Evaluate, Scripting};
use host_model::ids::Ids;
use host_model::script::ScriptSpec;
use host_model::tenant::TenantName;
use host_resource::patch::PatchOperation;
use host_resource::sort::SortKey;
use host_resource::{
    Action, Caller, Context, Create, Delete, Filter, Object, Page, Patch, Pointer, Problem, Query, Read, Resource,
    ResourcePath, Update,
};
use host_secrets::Keystore;
use host_store::redb::RedbStore;
use host_store::unit_of_work::WriteLimits;
use host_store::{TenantStore, UnitOfWork};
use serde_json::{Value, json};

use super::{ManagedObjects, ManagedTypes, Ports};

mod paging;
mod queries;
mod relationships;
mod replacing;
mod sorting;
mod units;
mod verbs;

#[derive(Debug)]
struct StoppedClock;

#[async_trait]
impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        parse_wire_time("2026-01-01T00:00:00Z").unwrap()
    }

    async fn sleep_until(&self, _instant: Timestamp) {}
}

#[derive(Debug, Default)]
struct CountedIds(AtomicU64);

impl Ids for CountedIds {
    fn uuid(&self) -> String {
        format!("00000000-0000-4000-8000-{:012}", self.random())
    }

    fn random(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Scripts are for the tests over REST.
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
        Err(Problem::invalid(pointer, "no scripts here"))
    }
}

/// The managed objects of a tenant: users with indexed names and numbers, and roles.
#[derive(Clone)]
struct House {
    store: TenantStore,
    managed: Arc<ManagedObjects>,
    context: Context,
}

impl House {
    async fn new() -> Self {
        Self::of(json!({"objects": [{"name": "user", "indexes": ["/userName", "/number"]}, {"name": "role"}]})).await
    }

    /// A house with other types.
    async fn of(types: Value) -> Self {
        let tenant = TenantName::default_tenant();
        let store = RedbStore::in_memory(Arc::new(StoppedClock));
        store.open_tenant(&tenant).await.unwrap();
        let store = TenantStore::new(store, tenant);
        let types = ManagedTypes::parse(&types).unwrap();
        let ids = Arc::new(CountedIds::default());
        let managed = Arc::new(ManagedObjects::new(Ports {
            store: store.clone(),
            ids: ids.clone(),
            scripting: Arc::new(NoScripts),
            keystore: Arc::new(Keystore::in_memory(ids)),
            enforces_policies: true,
        }));
        managed.replace_types(types).await.unwrap();
        let caller = Arc::new(Caller::internal("default", "test"));
        Self {
            store,
            managed,
            context: Context::new(caller, "request"),
        }
    }

    /// A house with one user for each content; their ids are `u000`, `u001`, and so on.
    async fn with_users(contents: impl IntoIterator<Item = Value>) -> Self {
        let house = Self::new().await;
        let loading = house.within(WriteLimits::NONE).await;
        for (number, content) in contents.into_iter().enumerate() {
            loading
                .create("user", Some(&format!("u{number:03}")), content)
                .await
                .unwrap();
        }
        loading.commit().await;
        house
    }

    /// The same house, seen from a new unit of work.
    async fn within(&self, limits: WriteLimits) -> Self {
        let unit = UnitOfWork::new(self.store.snapshot().await.unwrap(), limits);
        Self {
            context: self.context.clone().within(Arc::new(unit)),
            ..self.clone()
        }
    }

    /// Commits the unit of work.
    async fn commit(self) {
        let ended = UnitOfWork::of(&self.context).unwrap().end().unwrap();
        self.store.commit(ended.keep().to_changes()).await.unwrap();
    }

    async fn create(&self, at: &str, id: Option<&str>, content: Value) -> Result<Object, Problem> {
        let create = Create {
            id: id.map(str::to_owned),
            content,
            ..Create::default()
        };
        self.managed.create(&self.context, &path(at), create).await
    }

    async fn read(&self, at: &str) -> Result<Object, Problem> {
        self.managed.read(&self.context, &path(at), Read::default()).await
    }

    async fn update(&self, at: &str, rev: Option<&str>, content: Value) -> Result<Object, Problem> {
        let update = Update {
            rev: rev.map(str::to_owned),
            content,
            ..Update::default()
        };
        self.managed.update(&self.context, &path(at), update).await
    }

    async fn patch(&self, at: &str, rev: Option<&str>, operations: Value) -> Result<Object, Problem> {
        let operations = PatchOperation::parse_all(&operations).unwrap();
        let patch = Patch {
            rev: rev.map(str::to_owned),
            operations,
            ..Patch::default()
        };
        self.managed.patch(&self.context, &path(at), patch).await
    }

    async fn delete(&self, at: &str, rev: Option<&str>) -> Result<Object, Problem> {
        let delete = Delete {
            rev: rev.map(str::to_owned),
            ..Delete::default()
        };
        self.managed.delete(&self.context, &path(at), delete).await
    }

    async fn action(&self, at: &str, name: &str, content: Value) -> Result<Option<Value>, Problem> {
        let action = Action {
            name: name.to_owned(),
            content: Some(content),
            ..Action::default()
        };
        self.managed.action(&self.context, &path(at), action, None).await
    }

    async fn query(&self, at: &str, query: Query) -> Result<Page, Problem> {
        self.managed.query(&self.context, &path(at), query).await
    }

    /// The pages of a query over users, each as its ids, from a position to the end.
    async fn pages(&self, mut query: Query) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        loop {
            let page = self.query("user", query.clone()).await.unwrap();
            query.offset = 0;
            query.cookie = page.cookie.clone();
            pages.push(ids(&page));
            assert!(pages.len() <= 1000, "the pages have no end");
            if query.cookie.is_none() {
                return pages;
            }
        }
    }
}

fn path(text: &str) -> ResourcePath {
    ResourcePath::parse(text).unwrap()
}

fn query(filter: &str) -> Query {
    Query::filter(Arc::new(Filter::parse(filter).unwrap()))
}

fn paged(filter: &str, size: usize) -> Query {
    Query {
        page_size: Some(size),
        ..query(filter)
    }
}

fn sorted(filter: &str, keys: &str) -> Query {
    Query {
        sort: SortKey::parse_list(keys).unwrap(),
        ..query(filter)
    }
}

fn ids(page: &Page) -> Vec<String> {
    page.result.iter().map(|object| object.id.clone()).collect()
}

fn rev(object: &Object) -> &str {
    object.rev.as_deref().unwrap()
}

/// The members of an answer without `_id` and `_rev`, as text.
fn content(answer: Result<Object, Problem>) -> String {
    answer.unwrap().content.into_value().unwrap().to_string()
}

/// What a refused request says.
fn refusal<T>(answer: Result<T, Problem>) -> String {
    match answer {
        Ok(_) => "it was not refused".to_owned(),
        Err(problem) => format!("{}: {}", problem.code.number(), problem.message),
    }
}

fn increment() -> Value {
    json!([{"operation": "increment", "field": "/number", "value": 1}])
}

/// Numbers that look random and are the same in every run: xorshift64.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
