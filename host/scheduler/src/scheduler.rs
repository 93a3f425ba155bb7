//! The scheduler of one tenant: its jobs, and the loop that fires them.
//!
//! Everything durable is in the store and changes there by one change set at a time ([`crate::changes`]). The
//! [`crate::board`] says what to look at; looking reads the store, decides ([`crate::plan`]), and commits under the
//! condition that nothing has changed since. Whoever loses such a race looks again. So REST, the loop and runs that end
//! need no lock between them, and a host that stops at any instant leaves a store that says what is to be done next.

mod administration;
mod backfill;
mod configured;
mod firing;
mod ledger;
mod listing;
mod pausing;
mod queues;
mod recovery;
mod retention;
mod runs;
mod walk;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta};
use host_model::Invalid;
use host_model::clock::{Clock, Timestamp};
use host_model::ids::Ids;
use host_model::job::{JobId, ServiceName};
use host_model::service::Service;
use host_model::tenant::TenantName;
use host_store::TenantStore;
use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;
use tokio::sync::watch;

use crate::board::Board;
use crate::due::Due;
use crate::error::Error;
use crate::expression;
use crate::settings::Settings;
use crate::shelf::{ShelfName, Shelves};
use crate::wire::{self, View};

pub(crate) use administration::Mode;
pub(crate) use backfill::{Backfill, MAX_INSTANTS};
pub use configured::ConfiguredSchedules;
pub(crate) use listing::Kind;

/// The scheduler of one tenant. Cheap to clone; all clones are the same scheduler.
#[derive(Clone)]
pub struct Scheduler(Arc<Inner>);

/// What a scheduler is given.
pub struct Ports {
    /// Where persisted jobs lie.
    pub persisted: TenantStore,
    /// Where the other jobs lie: a store in memory that is empty at the start, bound to the same tenant.
    pub memory: TenantStore,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn Ids>,
    /// What jobs may invoke, each under its name.
    pub services: Vec<Arc<dyn Service>>,
}

struct Inner {
    tenant: TenantName,
    shelves: Shelves,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    services: HashMap<ServiceName, Arc<dyn Service>>,
    settings: Settings,
    board: Mutex<Board>,
    /// Held from reading a trigger until the board says when it is due; see [`Inner::look_again`].
    looking: tokio::sync::Mutex<()>,
    /// Grows whenever the board may have changed.
    changes: watch::Sender<u64>,
    /// New triggers are paused while this is set; see [`pausing`].
    is_group_paused: AtomicBool,
    /// How many runs of each job ended since its old records were dropped last.
    untrimmed: Mutex<HashMap<JobId, usize>>,
    /// Numbers the fires of this host since its start, from the start's milliseconds on.
    fires: AtomicU64,
}

/// A document that others change all the time is given up after so many attempts.
const ATTEMPTS: usize = 8;

impl Scheduler {
    /// A scheduler that does nothing yet: its resources can be mounted before [`Scheduler::begin`], so that a service
    /// finds them from the first fire on.
    pub fn new(ports: Ports, settings: Settings) -> Scheduler {
        let Ports {
            persisted,
            memory,
            clock,
            ids,
            services,
        } = ports;
        let started_ms = u64::try_from(clock.now().timestamp_millis()).unwrap_or(0);
        Scheduler(Arc::new(Inner {
            tenant: persisted.tenant().clone(),
            shelves: Shelves { persisted, memory },
            clock,
            ids,
            services: services.into_iter().map(|service| (service.name(), service)).collect(),
            settings,
            board: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
            changes: watch::Sender::default(),
            is_group_paused: AtomicBool::new(false),
            untrimmed: Mutex::default(),
            fires: AtomicU64::new(started_ms),
        }))
    }

    /// Reads what is stored, takes up what an earlier host left behind, and begins to fire. To be called once, after
    /// [`Scheduler::open`].
    ///
    /// # Errors
    /// The store failed. A document that cannot be read is logged and left alone.
    pub async fn begin(&self) -> Result<(), Error> {
        self.0.recover().await?;
        tokio::spawn(self.0.clone().fire_for_ever());
        tokio::spawn(self.0.clone().drop_old_runs_for_ever());
        Ok(())
    }

    /// [`Scheduler::new`], [`Scheduler::open`] and [`Scheduler::begin`] in one.
    ///
    /// # Errors
    /// As [`Scheduler::begin`].
    pub async fn start(ports: Ports, settings: Settings) -> Result<Scheduler, Error> {
        let scheduler = Scheduler::new(ports, settings);
        scheduler.open().await?;
        scheduler.begin().await?;
        Ok(scheduler)
    }

    /// Fires nothing from now on. Runs that go on are not cut off: [`Scheduler::finished`] waits for them.
    pub fn stop(&self) {
        self.0.board().stop();
        self.0.changed();
    }

    /// Returns when nothing is due at the present time of the clock that could begin, and everything that has begun is in
    /// the hands of its service.
    pub async fn idle(&self) {
        self.0.settled(|board| board.is_handed_over()).await;
    }

    /// Returns when nothing is due at the present time of the clock that could begin, and no run goes on.
    pub async fn finished(&self) {
        self.0.settled(Board::is_empty).await;
    }

    /// When the next trigger is due, as far as it is known: a job that is blocked by its own run is not counted. With a
    /// simulated clock, this is the instant to go to.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.0.board().first_due()
    }

    /// When an expression would fire; see [`expression::preview`].
    pub(crate) fn preview(&self, content: Option<&Value>) -> Result<Value, Invalid> {
        expression::preview(content, self.0.settings.zone, self.0.clock.now())
    }

    /// The jobs that are running in this host.
    pub(crate) fn executing(&self) -> Value {
        self.0
            .board()
            .running()
            .iter()
            .map(|job| wire::executing(job))
            .collect()
    }
}

impl Inner {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock()
    }

    /// Wakes whoever waits for the board.
    fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The present time in whole milliseconds, as it is stored.
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
    }

    async fn settled(&self, is_quiet: impl Fn(&Board) -> bool) {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            let now = self.clock.now();
            let is_settled = {
                let board = self.board();
                is_quiet(&board) && !board.has_errand(now, self.settings.threads)
            };
            if is_settled || changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Looks at a job's trigger in the store and notes when it is due. Whoever has changed it looks, after the commit;
    /// one at a time, so that what is noted last is not older than what was noted before.
    async fn look_again(&self, job: &JobId) {
        self.look(job, false).await;
    }

    /// The same, and whether a run that allows no second one has kept the trigger back until now.
    async fn look(&self, job: &JobId, was_alone: bool) {
        let _looking = self.looking.lock().await;
        let due = match self.shelves.find_trigger(job).await {
            Ok(found) => found.and_then(|(shelf, trigger)| {
                let at = trigger.record.next.filter(|_| trigger.record.is_waiting())?;
                Some(Due {
                    at,
                    shelf,
                    is_overlapped: was_alone && at <= self.clock.now(),
                })
            }),
            Err(error) => {
                tracing::error!(%error, tenant = %self.tenant, %job, "a schedule cannot be read, trying again");
                Some(Due {
                    at: self.now() + RETRY_DELAY,
                    shelf: ShelfName::Persisted,
                    is_overlapped: was_alone,
                })
            }
        };
        match due {
            Some(due) => self.board().set_due(job, due),
            None => self.board().remove_due(job),
        }
        self.changed();
    }

    fn view(&self, job: &JobId) -> View<'_> {
        View {
            node: &self.settings.node,
            zone: self.settings.zone,
            sight: self.board().sight(job),
        }
    }

    /// The id of the next fire: the node's name and a number.
    fn fire_instance(&self) -> String {
        format!(
            "{}_{}",
            self.settings.node,
            self.fires.fetch_add(1, Ordering::Relaxed) + 1
        )
    }

    fn is_group_paused(&self) -> bool {
        self.is_group_paused.load(Ordering::Relaxed)
    }
}

/// After a failure of the store, a job is looked at again after this.
const RETRY_DELAY: TimeDelta = TimeDelta::seconds(1);
