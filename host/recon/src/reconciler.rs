//! The reconciler: starts runs, takes interrupted ones up again, knows those that are being worked on.

use std::collections::HashMap;
use std::sync::Arc;

use host_model::audit::Audit;
use host_model::clock::Clock;
use host_model::ids::Ids;
use host_model::mapping::{MappingSpec, QuerySpec, with_overrides};
use host_model::run::RunId;
use host_resource::{Caller, LateRouter, Problem};
use host_store::document;
use host_store::{ChangeSet, Collection, CommitError, Expectation, Scan, TenantStore};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::audit;
use crate::durations::Durations;
use crate::entry::entries;
use crate::live::{Halt, Live};
use crate::mapping::Mapping;
use crate::mappings::Mappings;
use crate::page::End;
use crate::page::{deferred, done, handled};
use crate::record::{Kind, Ledger, Order, Phase, Record, Stage, Tally, cancelled, orders, runs};
use crate::runner::Runner;
use crate::sent::sent;
use crate::work::Work;

/// Runs that work at a time; others wait for their turn. Behaviour 5.7.
const RUNS_AT_ONCE: usize = 10;

/// Ended runs of all mappings together that are kept when nobody says otherwise.
pub const MAX_COMPLETED_RUNS: usize = 100;

/// Documents read or deleted in one go.
const BATCH: usize = 1000;

/// What a reconciler is made of.
pub struct Parts {
    /// The tenant's documents.
    pub store: TenantStore,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
    /// The tenant's router.
    pub router: LateRouter,
    /// The tenant's mappings.
    pub mappings: Arc<Mappings>,
    /// Where it is told what runs did.
    pub audit: Arc<dyn Audit>,
    /// How many ended runs are kept of all mappings together: `openidm.recon.maxcompletedruns`.
    pub max_completed_runs: usize,
}

/// Reconciles one tenant's mappings.
pub struct Reconciler {
    pub(crate) parts: Parts,
    live: Mutex<HashMap<Arc<str>, Arc<Live>>>,
    turns: Semaphore,
}

/// What is asked for.
pub(crate) struct Ask {
    /// The id of the run; none makes one. An id that exists already joins that run.
    pub(crate) id: Option<String>,
    pub(crate) mapping: String,
    pub(crate) kind: Kind,
    pub(crate) overrides: Option<Value>,
    pub(crate) is_analysis: bool,
    pub(crate) keeps_entries: bool,
    pub(crate) ignores_guard: bool,
    pub(crate) by: Arc<Caller>,
}

impl Reconciler {
    /// A reconciler that knows of no runs yet.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            parts,
            live: Mutex::default(),
            turns: Semaphore::new(RUNS_AT_ONCE),
        })
    }

    /// Starts a run; when this returns, the run is durable.
    pub(crate) async fn start(self: &Arc<Self>, ask: Ask) -> Result<Arc<str>, Problem> {
        let set = self.parts.mappings.set();
        let mapping = set.require(&ask.mapping)?;
        let spec = match &ask.overrides {
            None => mapping.spec.clone(),
            Some(overrides) => with_overrides(&mapping.spec, overrides)?,
        };
        let order = Order {
            mapping: ask.mapping,
            document: set.document.clone(),
            overrides: ask.overrides,
            kind: ask.kind,
            is_analysis: ask.is_analysis,
            keeps_entries: ask.keeps_entries || ask.is_analysis,
            ignores_guard: ask.ignores_guard,
            by: ask.by.name.to_string(),
        };
        let id: Arc<str> = match ask.id {
            Some(id) => id.into(),
            None => RunId::fresh(&*self.parts.ids).as_str().into(),
        };
        let record = Record {
            mapping: order.mapping.clone(),
            is_analysis: order.is_analysis,
            keeps_entries: order.keeps_entries,
            source: spec.source.clone(),
            target: spec.target.clone(),
            parameters: parameters(&spec, &order.kind),
            stage: Stage::ActiveInitialized,
            phase: Phase::Begin,
            tally: Tally::default(),
            durations: Durations::default(),
            started: self.parts.clock.now(),
            ended: None,
            message: None,
            is_target_empty: false,
        };
        let mut changes = ChangeSet::new();
        let text = document::to_bytes(&order)?;
        changes.put(Record::key(&id), Expectation::Absent, record.to_bytes()?);
        changes.put(orders().key(Arc::clone(&id)), Expectation::Any, text);
        audit::began(&*self.parts.audit, &mut changes, &id, &order);
        match self.parts.store.commit(changes).await {
            Ok(committed) => {
                let ledger = Ledger {
                    id: Arc::clone(&id),
                    record,
                    revision: committed.revision,
                };
                self.spawn(ledger, order, false);
            }
            // The order was carried out before, perhaps before a crash: its run goes on or has ended.
            Err(CommitError::Conflict(_)) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
        Ok(id)
    }

    /// Returns once the run is over, or nobody works on it any more because the host stops.
    pub(crate) async fn wait(&self, id: &str) {
        let live = self.live.lock().get(id).cloned();
        if let Some(live) = live {
            live.ended().await;
        }
    }

    /// Asks a run to stop, also if the host is killed now. False when it is over already; none when it does not exist.
    pub(crate) async fn cancel(&self, id: &str) -> Result<Option<bool>, Problem> {
        let live = self.live.lock().get(id).cloned();
        let Some(live) = live else {
            return Ok(self.record(id).await?.map(|_ended| false));
        };
        let mut changes = ChangeSet::new();
        changes.put(cancelled().key(id), Expectation::Any, "{}");
        self.parts.store.commit(changes).await?;
        live.halt(Halt::Cancelled);
        Ok(Some(true))
    }

    /// Takes up again every run that was interrupted.
    ///
    /// # Errors
    /// The store failed.
    pub async fn resume_all(self: &Arc<Self>) -> Result<usize, Problem> {
        let mut resumed = 0;
        for (id, record, revision) in self.all().await? {
            if record.stage.is_ended() {
                continue;
            }
            let document = self.parts.store.get(&orders().key(Arc::clone(&id))).await?;
            let order: Option<Order> = document.and_then(|document| serde_json::from_slice(&document.body).ok());
            let order = order.ok_or_else(|| Problem::internal(format!("the order of the run {id} is damaged")))?;
            tracing::info!(run = %id, mapping = record.mapping, "taking up a reconciliation again");
            let ledger = Ledger { id, record, revision };
            self.spawn(ledger, order, true);
            resumed += 1;
        }
        Ok(resumed)
    }

    /// Stops working: the runs stay as they are and are taken up again later.
    pub async fn stop(&self) {
        let live: Vec<Arc<Live>> = self.live.lock().values().cloned().collect();
        for run in &live {
            run.halt(Halt::Stopping);
        }
        for run in &live {
            run.ended().await;
        }
    }

    /// A run as it is.
    pub(crate) async fn record(&self, id: &str) -> Result<Option<Record>, Problem> {
        let live = self.live.lock().get(id).cloned();
        if let Some(live) = live {
            return Ok(Some(live.shown()));
        }
        let document = self.parts.store.get(&Record::key(id)).await?;
        document.map(|document| Record::from_bytes(&document.body)).transpose()
    }

    /// All runs, the oldest first. How many ended ones there are is bounded.
    pub(crate) async fn records(&self) -> Result<Vec<(Arc<str>, Record)>, Problem> {
        let mut records = Vec::new();
        for (id, record, revision) in self.all().await? {
            let live = self.live.lock().get(&id).cloned();
            records.push((revision, id, live.map_or(record, |live| live.shown())));
        }
        records.sort_by_key(|(revision, _, record)| (record.started, *revision));
        Ok(records.into_iter().map(|(_, id, record)| (id, record)).collect())
    }

    /// Forgets an ended run with all that belongs to it. False while it is worked on; none when it does not exist.
    pub(crate) async fn forget(&self, id: &str) -> Result<Option<bool>, Problem> {
        if self.live.lock().contains_key(id) {
            return Ok(Some(false));
        }
        if self.parts.store.get(&Record::key(id)).await?.is_none() {
            return Ok(None);
        }
        self.clear(entries(id)).await?;
        let mut changes = ChangeSet::new();
        changes.delete(Record::key(id), Expectation::Any);
        changes.delete(orders().key(id), Expectation::Any);
        self.parts.store.commit(changes).await?;
        Ok(Some(true))
    }

    async fn all(&self) -> Result<Vec<(Arc<str>, Record, host_store::Revision)>, Problem> {
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.parts.store.scan(&Scan::all(runs(), BATCH).after(cursor)).await?;
            for document in page.documents {
                all.push((document.id, Record::from_bytes(&document.body)?, document.revision));
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(all);
            }
        }
    }

    fn spawn(self: &Arc<Self>, ledger: Ledger, order: Order, is_resumed: bool) {
        let live = Arc::new(Live::new(ledger.record.clone()));
        let id = Arc::clone(&ledger.id);
        self.live.lock().insert(Arc::clone(&id), Arc::clone(&live));
        let reconciler = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(problem) = reconciler.work(ledger, &order, &live, is_resumed).await {
                tracing::error!(run = %id, %problem, "the end of a reconciliation could not be recorded: it is taken up again at the next start");
            }
            reconciler.live.lock().remove(&id);
            live.finish();
            if let Err(problem) = reconciler.trim().await {
                tracing::error!(%problem, "old reconciliations could not be forgotten");
            }
        });
    }

    /// Does a run's work and records how it ended.
    async fn work(
        self: &Arc<Self>,
        mut ledger: Ledger,
        order: &Order,
        live: &Arc<Live>,
        is_resumed: bool,
    ) -> Result<(), Problem> {
        let parts = &self.parts;
        let id = Arc::clone(&ledger.id);
        if is_resumed && parts.store.get(&cancelled().key(Arc::clone(&id))).await?.is_some() {
            live.halt(Halt::Cancelled);
        }
        let Ok(_turn) = self.turns.acquire().await else {
            return Ok(());
        };
        let outcome = Box::pin(self.run(&mut ledger, order, live, is_resumed)).await;
        let stage = match (&outcome, live.halted()) {
            (Ok(End::Halted), Some(Halt::Stopping) | None) => return Ok(()),
            (Ok(End::Halted), Some(Halt::Cancelled)) => Stage::CompletedCanceled,
            (Ok(End::Done), _) => Stage::CompletedSuccess,
            (Err(problem), _) => {
                tracing::warn!(run = %id, mapping = order.mapping, %problem, "a reconciliation cannot go on");
                ledger.record.message = Some(problem.message.clone());
                Stage::CompletedFailed
            }
        };
        // Before its end: a run that was cut off here comes back and goes on clearing.
        for collection in [handled(&id), done(&id), deferred(&id), sent(&id)] {
            self.clear(collection).await?;
        }
        ledger.record.end(stage, parts.clock.now());
        let mut changes = ChangeSet::new();
        changes.delete(cancelled().key(Arc::clone(&id)), Expectation::Any);
        audit::ended(&*parts.audit, &mut changes, &id, order, &ledger.record);
        ledger.commit(&parts.store, changes).await?;
        live.show(ledger.record.clone());
        tracing::info!(run = %id, mapping = order.mapping, state = stage.shown().1, "a reconciliation has ended");
        Ok(())
    }

    async fn run(
        &self,
        ledger: &mut Ledger,
        order: &Order,
        live: &Arc<Live>,
        is_resumed: bool,
    ) -> Result<End, Problem> {
        let parts = &self.parts;
        let mut mapping = parts.mappings.of_document(&order.document, &order.mapping).await?;
        if let Some(overrides) = &order.overrides {
            let spec = with_overrides(&mapping.spec, overrides)?;
            mapping = mapping.with_spec(spec);
        }
        let mapping = Arc::new(mapping);
        let work = Work::of_run(parts, &mapping, ledger, order, is_resumed)?;
        let mut runner = Runner {
            work: Arc::new(work),
            live,
            store: &parts.store,
            ledger,
            order,
        };
        if runner.ledger.record.phase == Phase::Begin {
            runner.begin().await?;
            // What the beginning found out is part of what the rest shares.
            runner.work = Arc::new(Work::of_run(parts, &mapping, runner.ledger, order, is_resumed)?);
        }
        runner.run().await
    }

    /// Empties a collection.
    async fn clear(&self, collection: Collection) -> Result<(), Problem> {
        loop {
            let page = self.parts.store.scan(&Scan::all(collection.clone(), BATCH)).await?;
            if page.documents.is_empty() {
                return Ok(());
            }
            let mut changes = ChangeSet::new();
            for document in page.documents {
                changes.delete(collection.key(document.id), Expectation::Any);
            }
            self.parts.store.commit(changes).await?;
        }
    }

    /// Forgets the oldest ended runs beyond the numbers that are kept: of each mapping, and of all.
    async fn trim(&self) -> Result<(), Problem> {
        let set = self.parts.mappings.set();
        let mut ended = self.all().await?;
        ended.retain(|(_, record, _)| record.stage.is_ended());
        // The last thing that is written of a run is its end.
        ended.sort_by_key(|(_, _, revision)| std::cmp::Reverse(*revision));
        let mut counted: HashMap<(String, bool), usize> = HashMap::new();
        for (position, (id, record, _)) in ended.iter().enumerate() {
            let kept = match set.require(&record.mapping) {
                Ok(mapping) if record.is_analysis => mapping.spec.max_analysis_runs,
                Ok(mapping) => mapping.spec.max_runs,
                Err(_) => usize::MAX,
            };
            let count = counted.entry((record.mapping.clone(), record.is_analysis)).or_default();
            *count += 1;
            if *count > kept || position >= self.parts.max_completed_runs {
                self.forget(id).await?;
            }
        }
        Ok(())
    }
}

impl Work {
    fn of_run(
        parts: &Parts,
        mapping: &Arc<Mapping>,
        ledger: &Ledger,
        order: &Order,
        is_resumed: bool,
    ) -> Result<Self, Problem> {
        // The run acts for the house: who asked for it was allowed to.
        let caller = Caller::internal(parts.store.tenant().as_str(), order.by.as_str());
        Ok(Self {
            mapping: Arc::clone(mapping),
            router: parts.router.get()?,
            caller: Arc::new(caller),
            store: parts.store.clone(),
            id: Arc::clone(&ledger.id),
            recon_action: Some(order.kind.name()),
            audit: Arc::clone(&parts.audit),
            is_analysis: order.is_analysis,
            is_target_empty: ledger.record.is_target_empty,
            is_restricted: mapping.spec.source_query.is_some(),
            is_resumed,
            durations: Mutex::default(),
        })
    }
}

/// What a run shows as its `parameters`. Behaviour 5.8.
fn parameters(spec: &MappingSpec, kind: &Kind) -> Value {
    let query = |name: &str, query: Option<&QuerySpec>| match query {
        None => json!({"resourceName": name, "queryFilter": "true", "_fields": "_id"}),
        Some(QuerySpec::Filter(filter)) => {
            json!({"resourceName": name, "queryFilter": filter.to_string(), "_fields": "_id"})
        }
        Some(QuerySpec::Id(id)) => json!({"resourceName": name, "queryId": id, "_fields": "_id"}),
    };
    let source = match kind {
        Kind::All => query(&spec.source, spec.source_query.as_ref()),
        Kind::ById(ids) => json!({"resourceName": spec.source, "ids": ids}),
        Kind::Apply(plan) => json!({"resourceName": spec.source, "plan": plan}),
    };
    json!({"sourceQuery": source, "targetQuery": query(&spec.target, spec.target_query.as_ref())})
}
