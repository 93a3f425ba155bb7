//! The scanner: starts runs, takes interrupted ones up again, knows those that are being worked on.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use host_model::clock::Clock;
use host_model::ids::Ids;
use host_model::run::RunId;
use host_resource::{Caller, Filter, LateRouter, Problem};
use host_runtime::{Pool, Properties, Runtime, Scripts, Surroundings};
use host_store::document::texts;
use host_store::{ChangeSet, CommitError, Expectation, Scan, TenantStore};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};

use crate::attempts;
use crate::books::Books;
use crate::committer::Committer;
use crate::control::{Control, attend};
use crate::definition::{Definition, Native};
use crate::failure::call::Room;
use crate::failure::failures;
use crate::failure::groups::Groups;
use crate::failure::origin::{Origin, origins};
use crate::feeder::{Resume, feed};
use crate::ledger::Ledger;
use crate::live::{Halt, Live};
use crate::plan::plans;
use crate::record::{Mode, Record, State, claims, runs};
use crate::retry::{Retry, Source, source};
use crate::runner::Waiting;
use crate::usage::RunUsage;
use crate::work::{PAGE, PAGES_AHEAD, Work};

/// What a scanner is made of.
pub struct Parts {
    /// The tenant's documents.
    pub store: TenantStore,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
    /// Where guests are called.
    pub runtime: Arc<Runtime>,
    /// Where objects are worked on.
    pub pool: Arc<Pool>,
    /// The tenant's scripts.
    pub scripts: Arc<Scripts>,
    /// The tenant's router.
    pub router: LateRouter,
    /// What guests may read of the configuration.
    pub properties: Properties,
    /// How many ended runs are kept: `openidm.taskscanner.maxcompletedruns`.
    pub max_completed_runs: usize,
}

/// Ended runs that are kept when nobody says otherwise.
pub const MAX_COMPLETED_RUNS: usize = 100;

/// Runs, records and claims read or deleted in one go.
const BATCH: usize = 500;

/// Runs scans of one tenant.
pub struct Scanner {
    pub(crate) parts: Parts,
    live: Mutex<HashMap<Arc<str>, Arc<Live>>>,
    /// Held by whoever forgets runs, and by whoever needs one that could be forgotten.
    pub(crate) trimming: tokio::sync::Mutex<()>,
}

/// What to run.
pub struct Order {
    /// The id of the run; none makes one. An id that exists already joins that run.
    pub id: Option<String>,
    /// The job's name as it is shown.
    pub name: String,
    /// The job's `invokeContext`.
    pub invoke_context: Value,
    /// Only find out what would be done: everything runs, and nothing is changed.
    pub is_analysis: bool,
    /// Guests' log lines of this level and above are kept.
    pub log_level: tracing::Level,
}

impl Scanner {
    /// A scanner that knows of no runs yet.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            parts,
            live: Mutex::default(),
            trimming: tokio::sync::Mutex::default(),
        })
    }

    /// Whether an `invokeContext` can be run: everything is checked, the script included.
    pub async fn validate(&self, invoke_context: &Value) -> Result<(), Problem> {
        let router = self.parts.router.get()?;
        Definition::prepare(invoke_context, &self.parts.scripts, &router)
            .await
            .map(drop)
    }

    /// Starts a run; when this returns, the run is durable. With the id of a run that exists, joins it.
    pub async fn start(self: &Arc<Self>, order: Order) -> Result<Arc<str>, Problem> {
        let router = self.parts.router.get()?;
        let definition = Definition::prepare(&order.invoke_context, &self.parts.scripts, &router).await?;
        let id = self.begin(order, definition, None).await?;
        self.trim().await?;
        Ok(id)
    }

    /// Starts a run whose action is part of the host: the measure by which the sandbox's tax is taken.
    pub async fn start_native(self: &Arc<Self>, order: Order, action: Native) -> Result<Arc<str>, Problem> {
        let definition = Definition::native(&order.invoke_context, action, &*self.parts.router.get()?)?;
        let id = self.begin(order, definition, None).await?;
        self.trim().await?;
        Ok(id)
    }

    /// Returns once the run is over, or nobody works on it any more because the host stops.
    pub async fn wait(&self, id: &str) {
        if let Some(live) = self.find(id) {
            live.ended().await;
        }
    }

    /// Asks a run to stop. False when it is over already; none when it does not exist.
    pub async fn cancel(&self, id: &str) -> Result<Option<bool>, Problem> {
        if let Some(live) = self.find(id) {
            live.halt(Halt::Cancelled);
            live.ended().await;
            return Ok(Some(
                self.record(id)
                    .await?
                    .is_some_and(|record| record.state == State::Cancelled),
            ));
        }
        Ok(self.record(id).await?.map(|_ended| false))
    }

    /// Takes up again every run that was interrupted.
    pub async fn resume_all(self: &Arc<Self>) -> Result<usize, Problem> {
        let mut resumed = 0;
        let mut cursor = None;
        loop {
            let page = self.parts.store.scan(&Scan::all(runs(), BATCH).after(cursor)).await?;
            for document in page.documents {
                let record = Record::from_bytes(&document.body)?;
                if !record.state.is_ended() {
                    self.resume(Ledger {
                        id: document.id,
                        record,
                        revision: document.revision,
                    })
                    .await?;
                    resumed += 1;
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(resumed);
            }
        }
    }

    /// Stops working: objects in flight end and are committed, the runs stay as they are and are taken up again later.
    pub async fn stop(&self) {
        let live: Vec<Arc<Live>> = self.live.lock().values().cloned().collect();
        for run in &live {
            run.halt(Halt::Stopping);
        }
        for run in &live {
            run.ended().await;
        }
    }

    #[cfg(test)]
    pub(crate) fn active(&self) -> Vec<Arc<str>> {
        self.live.lock().keys().cloned().collect()
    }

    /// Takes up a run with an action of the host's own.
    #[cfg(test)]
    pub(crate) async fn resume_native(self: &Arc<Self>, ledger: Ledger, action: Native) -> Result<(), Problem> {
        let definition = Definition::native(&ledger.record.invoke_context, action, &*self.parts.router.get()?);
        let resume = self.interrupted(&ledger).await?;
        self.spawn(ledger, definition, resume);
        Ok(())
    }

    /// The run that is being worked on under this id.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Live>> {
        self.live.lock().get(id).cloned()
    }

    /// The run under this id, if it is still worked on: once its end is recorded, the record says more.
    pub(crate) fn at_work(&self, id: &str) -> Option<Arc<Live>> {
        self.find(id).filter(|live| !live.shown().0.is_ended())
    }

    pub(crate) async fn record(&self, id: &str) -> Result<Option<Record>, Problem> {
        let document = self.parts.store.get(&Record::key(id)).await?;
        document.map(|document| Record::from_bytes(&document.body)).transpose()
    }

    /// Makes a run durable and begins to work on it. With `retries`, over what failed in another run.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        order: Order,
        definition: Definition,
        retries: Option<Retry>,
    ) -> Result<Arc<str>, Problem> {
        let id: Arc<str> = match &order.id {
            Some(id) => id.as_str().into(),
            None => RunId::fresh(&*self.parts.ids).as_str().into(),
        };
        let record = Record::begun(order, self.parts.clock.now(), retries);
        let mut changes = ChangeSet::new();
        changes.put(Record::key(&id), Expectation::Absent, record.to_bytes()?);
        match self.parts.store.commit(changes).await {
            Ok(committed) => {
                let ledger = Ledger {
                    id: Arc::clone(&id),
                    record,
                    revision: committed.revision,
                };
                self.spawn(ledger, Ok(definition), Resume::default());
            }
            // The order was carried out before, perhaps before a crash: its run goes on or has ended.
            Err(CommitError::Conflict(_)) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
        Ok(id)
    }

    async fn resume(self: &Arc<Self>, ledger: Ledger) -> Result<(), Problem> {
        let resume = self.interrupted(&ledger).await?;
        let router = self.parts.router.get()?;
        let record = &ledger.record;
        let definition = match record.mode {
            Mode::Apply(_) => Definition::to_apply(&record.invoke_context, &router),
            Mode::Run | Mode::Analyze => {
                Definition::prepare(&record.invoke_context, &self.parts.scripts, &router).await
            }
        };
        tracing::info!(run = %ledger.id, name = record.name, progress = ?record.progress, "taking up a run again");
        self.spawn(ledger, definition, resume);
        Ok(())
    }

    /// Where an interrupted run goes on.
    async fn interrupted(&self, ledger: &Ledger) -> Result<Resume, Problem> {
        let stamps = match self.parts.store.get(&claims().key(Arc::clone(&ledger.id))).await? {
            Some(document) => texts(&document.body, "stamps"),
            None => Vec::new(),
        };
        let Record {
            cursor,
            done,
            started,
            progress,
            ..
        } = &ledger.record;
        let (done, processed) = (done.iter().cloned().collect(), progress.successes + progress.failures);
        Ok(Resume {
            cursor: cursor.clone(),
            done,
            processed,
            stamps,
            since: Some(*started),
            is_through: ledger.record.is_through,
            control: self.control(&ledger.id).await?,
            books: Books::open(&self.parts.store, &ledger.id).await?,
        })
    }

    pub(crate) fn spawn(self: &Arc<Self>, mut ledger: Ledger, definition: Result<Definition, Problem>, resume: Resume) {
        let threads = definition.as_ref().map_or(0, |definition| definition.spec.threads);
        let live = Arc::new(Live::new(
            Arc::clone(&ledger.id),
            &ledger.record,
            threads,
            resume.control,
        ));
        live.with_usage(|usage| usage.clone_from(&resume.books.usage));
        self.live.lock().insert(Arc::clone(&ledger.id), Arc::clone(&live));
        let scanner = Arc::clone(self);
        tokio::spawn(async move {
            let outcome = match definition {
                Ok(definition) => scanner.work(&mut ledger, &live, definition, resume).await,
                Err(problem) => Err(problem),
            };
            if let Err(problem) = scanner.conclude(&mut ledger, &live, outcome).await {
                tracing::error!(run = %live.id, %problem, "the end of a run could not be recorded: it is taken up again at the next start");
            }
            scanner.live.lock().remove(&live.id);
            live.finish();
        });
    }

    /// Does the run's work. Whether it came to the end.
    async fn work(
        self: &Arc<Self>,
        ledger: &mut Ledger,
        live: &Arc<Live>,
        definition: Definition,
        mut resume: Resume,
    ) -> Result<bool, Problem> {
        let parts = &self.parts;
        if let Mode::Apply(of) = ledger.record.mode.clone() {
            return self.apply_plan(ledger, live, &definition, &of).await;
        }
        let filter = definition.filter(ledger.record.started)?;
        if ledger.record.state == State::Initialized {
            let limit = definition.spec.max_records.unwrap_or(u64::MAX);
            let scan = Scan::matching(definition.collection.clone(), Arc::clone(&filter), PAGE);
            let source = Source {
                retry: ledger.record.retries.as_ref(),
                collection: &definition.collection,
                filter: &filter,
            };
            ledger.record.progress.total = count(&parts.store, &source, scan, live).await?.min(limit);
            ledger.record.state = State::Active;
            ledger.commit(&parts.store, ChangeSet::new()).await?;
        }
        live.show(ledger.record.state, ledger.record.progress);
        live.begin(parts.clock.now());
        let level = ledger.record.log_level.parse().unwrap_or(tracing::Level::INFO);
        let mode = ledger.record.mode.clone();
        let retry = ledger.record.retries.clone();
        let work = Arc::new(self.work_on(definition, filter, live, mode, retry, level)?);
        let (events, received) = mpsc::unbounded_channel();
        let books = std::mem::take(&mut resume.books);
        let attending = tokio::spawn(attend(Arc::clone(&work)));
        let feeding = {
            let work = Arc::clone(&work);
            tokio::spawn(async move { feed(&work, resume, events).await })
        };
        let committed = Committer::new(&work, ledger, books).run(received).await;
        attending.abort();
        if committed.is_err() {
            // The feeder waits for permits that nobody will give any more.
            work.pages.close();
        }
        let fed = feeding
            .await
            .map_err(|_panic| Problem::internal("the host failed while it fed the run"))?;
        let is_settled = committed?;
        Ok(fed? && is_settled)
    }

    /// What the parts of a run share.
    pub(crate) fn work_on(
        &self,
        definition: Definition,
        filter: Arc<Filter>,
        live: &Arc<Live>,
        mode: Mode,
        retry: Option<Retry>,
        log_level: tracing::Level,
    ) -> Result<Work, Problem> {
        let parts = &self.parts;
        let tenant = parts.store.tenant();
        let around = Surroundings {
            tenant: tenant.clone(),
            job: Some(Arc::clone(&live.name)),
            run: Arc::clone(&live.id),
            is_dry_run: mode == Mode::Analyze,
            log_level,
            properties: parts.properties.clone(),
            router: parts.router.get()?,
        };
        Ok(Work {
            waiting: Waiting::default(),
            pages: Semaphore::new(PAGES_AHEAD),
            origin: Origin::of(&definition),
            retry,
            attempts: attempts::Open::default(),
            room: Room::default(),
            definition,
            filter,
            mode,
            live: Arc::clone(live),
            store: parts.store.clone(),
            clock: Arc::clone(&parts.clock),
            runtime: Arc::clone(&parts.runtime),
            pool: Arc::clone(&parts.pool),
            around: Arc::new(around),
            caller: Arc::new(Caller::internal(tenant.as_str(), format!("Scan {}", live.name))),
        })
    }

    /// Records how the run ended; a run that the host's stop interrupted stays as it is.
    async fn conclude(&self, ledger: &mut Ledger, live: &Live, outcome: Result<bool, Problem>) -> Result<(), Problem> {
        let state = match (&outcome, live.halted()) {
            (Ok(false), Some(Halt::Stopping)) => return Ok(()),
            (Ok(false), Some(Halt::Cancelled)) => State::Cancelled,
            (Ok(false), Some(Halt::Guarded)) => State::Error,
            (Ok(_), _) => State::Completed,
            (Err(problem), _) => {
                tracing::error!(run = %live.id, name = %live.name, %problem, "a run cannot go on");
                ledger.record.message = Some(problem.message.clone());
                State::Error
            }
        };
        let record = &mut ledger.record;
        record.state = state;
        record.ended = Some(self.parts.clock.now());
        record.done = Vec::new();
        record.usage = live.with_usage(|usage| (!usage.is_empty()).then(|| usage.to_json()));
        let mut changes = ChangeSet::new();
        changes.delete(RunUsage::key(&live.id), Expectation::Any);
        changes.delete(Control::key(&live.id), Expectation::Any);
        changes.delete(claims().key(Arc::clone(&live.id)), Expectation::Any);
        ledger.commit(&self.parts.store, changes).await?;
        live.show(ledger.record.state, ledger.record.progress);
        tracing::info!(run = %live.id, name = %live.name, state = state.name(), progress = ?ledger.record.progress, "a run has ended");
        Ok(())
    }

    /// Forgets the oldest ended runs beyond the number that is kept, with their failures. One whose failures another run
    /// takes up stays.
    pub(crate) async fn trim(&self) -> Result<(), Problem> {
        let _trimming = self.trimming.lock().await;
        let mut ended = Vec::new();
        let mut needed = HashSet::new();
        let mut cursor = None;
        loop {
            let page = self.parts.store.scan(&Scan::all(runs(), BATCH).after(cursor)).await?;
            for document in page.documents {
                let record = Record::from_bytes(&document.body)?;
                needed.extend(source(&record));
                if record.state.is_ended() {
                    ended.push((record.ended, document.id));
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        ended.sort();
        let surplus = ended.len().saturating_sub(self.parts.max_completed_runs);
        for (_, id) in ended.drain(..surplus) {
            if !needed.contains(&id) {
                self.forget(&id).await?;
            }
        }
        Ok(())
    }

    async fn forget(&self, id: &str) -> Result<(), Problem> {
        for collection in [failures(id), origins(id), plans(id)] {
            loop {
                let page = self.parts.store.scan(&Scan::all(collection.clone(), BATCH)).await?;
                let mut changes = ChangeSet::new();
                for document in &page.documents {
                    changes.delete(collection.key(Arc::clone(&document.id)), Expectation::Any);
                }
                if !changes.is_empty() {
                    self.parts.store.commit(changes).await?;
                }
                if page.cursor.is_none() {
                    break;
                }
            }
        }
        let mut changes = ChangeSet::new();
        changes.delete(Groups::key(id), Expectation::Any);
        changes.delete(Record::key(id), Expectation::Any);
        Ok(self.parts.store.commit(changes).await.map(drop)?)
    }
}

async fn count(store: &TenantStore, source: &Source<'_>, mut scan: Scan, live: &Live) -> Result<u64, Problem> {
    let snapshot = store.snapshot().await?;
    let mut total = 0;
    loop {
        let page = source.page(&*snapshot, &scan).await?;
        total += page.documents.len() as u64;
        if page.cursor.is_none() || live.halted().is_some() {
            return Ok(total);
        }
        scan.after = page.cursor;
        // Counting a large collection must not keep others from their turn.
        tokio::task::yield_now().await;
    }
}
