//! A host for tests: a simulated clock, services that can be held back, and a scheduler that can be killed.

mod doubles;

use std::collections::HashMap;
use std::sync::Arc;

use host_model::clock::{Clock, Timestamp, Tz, parse_wire_time, wire_time};
use host_model::job::JobId;
use host_model::service::{Invocation, Service};
use host_model::tenant::TenantName;
use host_resource::filter::Filter;
use host_resource::sort::SortKey;
use host_resource::{
    Action, ApiVersion, Caller, Code, Context, Create, Delete, Page, Problem, Query, Read, Resource, ResourcePath,
    Update,
};
use host_store::redb::RedbStore;
use host_store::{Collection, Scan, TenantStore};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use doubles::{TestClock, TestIds, TestService, services};

use crate::occurrence::Origin;
use crate::run_record::{Outcome, RunRecord, RunState};
use crate::shelf;
use crate::{
    JobResource, OccurrenceResource, Ports, RunResource, Scheduler, SchedulerResource, Settings, StatisticsResource,
    TriggerResource,
};

pub(super) fn at(text: &str) -> Timestamp {
    parse_wire_time(text).unwrap()
}

/// A host with one tenant. The scheduler has a runtime of its own, which dies with it.
pub(super) struct Host {
    pub(super) clock: Arc<TestClock>,
    store: Arc<RedbStore>,
    memory: Arc<RedbStore>,
    ids: Arc<TestIds>,
    settings: Settings,
    pub(super) script: Arc<TestService>,
    pub(super) scanner: Arc<TestService>,
    pub(super) scheduler: Scheduler,
    runtime: Option<Runtime>,
}

impl Host {
    /// A new host at that time.
    pub(super) async fn new(now: &str) -> Host {
        Host::with(now, Settings::default()).await
    }

    pub(super) async fn with(now: &str, settings: Settings) -> Host {
        let clock = Arc::new(TestClock(watch::Sender::new(at(now))));
        let store = RedbStore::in_memory(clock.clone());
        store.open_tenant(&TenantName::default_tenant()).await.unwrap();
        let ids = Arc::new(TestIds::default());
        let (script, scanner) = services();
        let (scheduler, memory, runtime) =
            start(&clock, &store, &ids, &settings, [script.clone(), scanner.clone()]).await;
        Host {
            clock,
            store,
            memory,
            ids,
            settings,
            script,
            scanner,
            scheduler,
            runtime: Some(runtime),
        }
    }

    /// Stops the host at this instant, as a kill does, and starts another one on its store.
    pub(super) async fn kill_and_restart(&mut self, now: &str) {
        let runtime = self.runtime.take();
        // Dropping it waits until its threads have left their tasks where they are.
        tokio::task::spawn_blocking(move || drop(runtime)).await.unwrap();
        self.clock.0.send_replace(at(now));
        (self.script, self.scanner) = services();
        let services = [self.script.clone(), self.scanner.clone()];
        let (scheduler, memory, runtime) = start(&self.clock, &self.store, &self.ids, &self.settings, services).await;
        self.memory = memory;
        self.scheduler = scheduler;
        self.runtime = Some(runtime);
    }

    /// Goes to a time, from one fire time to the next; waits for runs, but not for those that are held.
    pub(super) async fn go_to(&self, time: &str) {
        let target = at(time);
        self.settle().await;
        while let Some(due) = self.scheduler.next_due().filter(|due| *due <= target) {
            assert!(due > self.clock.now(), "what is due is not taken up");
            self.clock.0.send_replace(due);
            self.settle().await;
        }
        self.jump_to(time).await;
    }

    /// Goes to a time at once, as if the host had been busy with something else.
    pub(super) async fn jump_to(&self, time: &str) {
        self.clock.0.send_replace(at(time));
        self.settle().await;
    }

    /// Moves the clock and waits for nothing.
    pub(super) fn clock_to(&self, second: i64) {
        self.clock
            .0
            .send_replace(at("2026-01-01T00:00:00Z") + chrono::TimeDelta::seconds(second));
    }

    pub(super) async fn settle(&self) {
        self.scheduler.idle().await;
        let is_held = || {
            let is_held = |service: &TestService| !*service.is_open.borrow();
            is_held(&self.script) || is_held(&self.scanner)
        };
        if !is_held() {
            self.scheduler.finished().await;
        }
    }

    /// The times for which the script service was called, and whether it was to recover.
    pub(super) fn script_calls(&self) -> Vec<String> {
        let calls = self.script.calls.lock();
        let show = |call: &Invocation| {
            let recovering = if call.recovering { " recovering" } else { "" };
            format!("{} {}{recovering}", call.job, wire_time(call.scheduled))
        };
        calls.iter().map(show).collect()
    }

    /// The runs on record, oldest first, in a few words.
    pub(super) async fn runs(&self) -> Vec<String> {
        let mut runs = self.run_records().await;
        runs.sort_by(|one, other| (one.fired, &one.id).cmp(&(other.fired, &other.id)));
        let show = |run: &RunRecord| {
            let state = match &run.state {
                RunState::Waiting => "waiting".to_owned(),
                RunState::Started(_) => "started".to_owned(),
                RunState::Ended {
                    outcome: Outcome::Succeeded(_),
                    ..
                } => "succeeded".to_owned(),
                RunState::Ended {
                    outcome: Outcome::Failed(message),
                    ..
                } => format!("failed: {message}"),
                RunState::Ended {
                    outcome: Outcome::Interrupted,
                    ..
                } => "interrupted".to_owned(),
                RunState::Ended {
                    outcome: Outcome::Cancelled,
                    ..
                } => "cancelled".to_owned(),
                RunState::Ended {
                    outcome: Outcome::Skipped(reason),
                    ..
                } => format!("skipped: {reason}"),
            };
            let by_hand = match run.origin {
                Origin::Schedule => "",
                Origin::Manual => " by hand",
                Origin::Backfill => " backfill",
            };
            let missed = run
                .missed_since
                .map(|since| format!(" missed since {}", wire_time(since)))
                .unwrap_or_default();
            format!("{} {}{by_hand}{missed} {state}", run.job, wire_time(run.scheduled))
        };
        runs.iter().map(show).collect()
    }

    /// What became of due instants, by job and time, in a few words.
    pub(super) async fn occurrences(&self) -> Vec<String> {
        let shown = self.records(shelf::occurrences()).await;
        let show = |record: &Value| {
            let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
            let when = match record["count"].as_u64().unwrap() {
                1 => text("from"),
                count => format!("{count} from {} to {}", text("from"), text("to")),
            };
            let late = record["latenessMs"].as_i64().filter(|late| *late > 0);
            let more = match (late, record["reason"].as_str()) {
                (Some(late), _) => format!(" {late} ms late"),
                (None, Some(reason)) => format!(" {reason}"),
                (None, None) => String::new(),
            };
            let origin = if record["origin"] == "schedule" {
                ""
            } else {
                " backfill"
            };
            format!("{} {when}{origin} {}{more}", text("job"), text("outcome"))
        };
        shown.iter().map(show).collect()
    }

    /// The documents of a collection on both shelves.
    pub(super) async fn records(&self, collection: Collection) -> Vec<Value> {
        let mut found = Vec::new();
        for store in [self.store.clone(), self.memory.clone()] {
            let store = TenantStore::new(store, TenantName::default_tenant());
            let mut scan = Scan::all(collection.clone(), 1000);
            loop {
                let page = store.scan(&scan).await.unwrap();
                found.extend(
                    page.documents
                        .iter()
                        .map(|document| serde_json::from_slice::<Value>(&document.body).unwrap()),
                );
                match page.cursor {
                    None => break,
                    cursor => scan = scan.after(cursor),
                }
            }
        }
        found
    }

    pub(super) async fn run_records(&self) -> Vec<RunRecord> {
        let mut runs = Vec::new();
        let store = TenantStore::new(self.store.clone(), TenantName::default_tenant());
        let mut scan = Scan::all(shelf::runs(), 100);
        loop {
            let page = store.scan(&scan).await.unwrap();
            runs.extend(page.documents.iter().map(|document| shelf::read_run(document).unwrap()));
            match page.cursor {
                None => return runs,
                cursor => scan = scan.after(cursor),
            }
        }
    }

    pub(super) async fn put(&self, id: &str, body: Value) -> Result<Value, Problem> {
        let create = Create {
            id: Some(id.to_owned()),
            content: body.clone(),
            ..Create::default()
        };
        match self.jobs().create(&context(), &ResourcePath::default(), create).await {
            Err(problem) if problem.code == Code::PRECONDITION_FAILED => {
                let update = Update {
                    content: body,
                    ..Update::default()
                };
                self.jobs().update(&context(), &path(id), update).await
            }
            created => created,
        }
        .map(|object| object.into_value().unwrap())
    }

    pub(super) async fn get(&self, id: &str) -> Result<Value, Problem> {
        let object = self.jobs().read(&context(), &path(id), Read::default()).await?;
        Ok(object.into_value().unwrap())
    }

    pub(super) async fn get_trigger(&self, id: &str) -> Result<Value, Problem> {
        let object = self.triggers().read(&context(), &path(id), Read::default()).await?;
        Ok(object.into_value().unwrap())
    }

    pub(super) async fn delete(&self, id: &str) -> Result<Value, Problem> {
        let object = self.jobs().delete(&context(), &path(id), Delete::default()).await?;
        Ok(object.into_value().unwrap())
    }

    pub(super) async fn act(&self, id: &str, action: &str) -> Result<Value, Problem> {
        self.act_in(id, action, None).await
    }

    pub(super) async fn act_in(&self, id: &str, action: &str, version: Option<ApiVersion>) -> Result<Value, Problem> {
        let action = Action {
            name: action.to_owned(),
            ..Action::default()
        };
        let path = if id.is_empty() {
            ResourcePath::default()
        } else {
            path(id)
        };
        Ok(self.jobs().action(&context(), &path, action, version).await?.unwrap())
    }

    pub(super) async fn query(&self, filter: &str) -> Vec<String> {
        let page = self.page(Query::filter(Arc::new(Filter::parse(filter).unwrap()))).await;
        page.result.into_iter().map(|object| object.id).collect()
    }

    /// Reads below `scheduler`, from `run`, `occurrence` or `statistics`, or a list of the scheduler's own.
    pub(super) async fn read(&self, resource: &str, id: &str) -> Result<Value, Problem> {
        let read = Read::default();
        let object = self.resource(resource).read(&context(), &path(id), read).await?;
        Ok(object.into_value().unwrap())
    }

    pub(super) async fn query_records(&self, resource: &str, filter: &str, sort: &str) -> Vec<String> {
        let query = Query {
            sort: if sort.is_empty() {
                Vec::new()
            } else {
                SortKey::parse_list(sort).unwrap()
            },
            ..Query::filter(Arc::new(Filter::parse(filter).unwrap()))
        };
        let page = self
            .resource(resource)
            .query(&context(), &ResourcePath::default(), query)
            .await;
        page.unwrap().result.into_iter().map(|object| object.id).collect()
    }

    fn resource(&self, name: &str) -> Box<dyn Resource> {
        match name {
            "run" => Box::new(RunResource(self.scheduler.clone())),
            "occurrence" => Box::new(OccurrenceResource(self.scheduler.clone())),
            "statistics" => Box::new(StatisticsResource(self.scheduler.clone())),
            _ => Box::new(SchedulerResource(self.scheduler.clone())),
        }
    }

    pub(super) async fn cancel(&self, run: &str) -> Result<Value, Problem> {
        let action = Action {
            name: "cancel".to_owned(),
            ..Action::default()
        };
        let answer = self
            .resource("run")
            .action(&context(), &path(run), action, None)
            .await?;
        Ok(answer.unwrap())
    }

    pub(super) async fn backfill(&self, id: &str, from: &str, to: &str, force: Option<&str>) -> Result<Value, Problem> {
        let parameters = [("from", Some(from)), ("to", Some(to)), ("force", force)];
        let action = Action {
            name: "backfill".to_owned(),
            parameters: parameters
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
                .collect(),
            ..Action::default()
        };
        Ok(self.jobs().action(&context(), &path(id), action, None).await?.unwrap())
    }

    pub(super) async fn query_triggers(&self, filter: &str) -> Vec<String> {
        let query = Query::filter(Arc::new(Filter::parse(filter).unwrap()));
        let page = self
            .triggers()
            .query(&context(), &ResourcePath::default(), query)
            .await
            .unwrap();
        page.result.into_iter().map(|object| object.id).collect()
    }

    pub(super) async fn page(&self, query: Query) -> Page {
        self.jobs()
            .query(&context(), &ResourcePath::default(), query)
            .await
            .unwrap()
    }

    pub(super) fn jobs(&self) -> JobResource {
        JobResource(self.scheduler.clone())
    }

    pub(super) fn triggers(&self) -> TriggerResource {
        TriggerResource(self.scheduler.clone())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(super) fn context() -> Context {
    Context::new(Arc::new(Caller::internal("default", "test")), "test")
}

pub(super) fn path(id: &str) -> ResourcePath {
    ResourcePath::from_elements([id])
}

/// A persisted script job with some members replaced or added.
pub(super) fn job(changes: Value) -> Value {
    let mut body = json!({"persisted": true, "invokeService": "script", "invokeContext": {}});
    body.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    body
}

/// The state of a job's trigger and the one before, or `none`.
pub(super) fn state(job: &Value) -> String {
    match &job["triggers"][0] {
        Value::Null => "none".to_owned(),
        trigger => format!(
            "{} {}",
            trigger["state"].as_str().unwrap(),
            trigger["previousState"].as_str().unwrap_or("-")
        ),
    }
}

pub(super) fn id(name: &str) -> JobId {
    name.parse().unwrap()
}

pub(super) fn zone(name: &str) -> Settings {
    Settings {
        zone: name.parse::<Tz>().unwrap(),
        ..Settings::default()
    }
}

pub(super) fn counts(lines: &[String]) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for line in lines {
        *counts.entry(line.as_str()).or_default() += 1;
    }
    counts
}

async fn start(
    clock: &Arc<TestClock>,
    store: &Arc<RedbStore>,
    ids: &Arc<TestIds>,
    settings: &Settings,
    services: [Arc<TestService>; 2],
) -> (Scheduler, Arc<RedbStore>, Runtime) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let memory = RedbStore::in_memory(clock.clone());
    memory.open_tenant(&TenantName::default_tenant()).await.unwrap();
    let ports = Ports {
        persisted: TenantStore::new(store.clone(), TenantName::default_tenant()),
        memory: TenantStore::new(memory.clone(), TenantName::default_tenant()),
        clock: clock.clone(),
        ids: ids.clone(),
        services: services
            .into_iter()
            .map(|service| service as Arc<dyn Service>)
            .collect(),
    };
    let settings = settings.clone();
    let scheduler = runtime
        .spawn(async move { Scheduler::start(ports, settings).await.unwrap() })
        .await
        .unwrap();
    (scheduler, memory, runtime)
}
