//! Firing: taking up what is due, claiming it, handing it to its service, and writing down how it ended.
//!
//! A fire is claimed by one commit that moves the trigger on and begins a run ([`changes::claim_fire`]); only then the
//! service hears of it. A host that stops before that commit has not fired, one that stops after it has a run on record
//! that the next start takes up ([`super::recovery`]).

use std::future::poll_fn;
use std::sync::Arc;

use host_model::job::{Job, JobId, LogLevel};
use host_model::journal::Journal;
use host_model::run::RunId;
use host_model::service::Invocation;
use host_model::trigger::TriggerState;
use host_resource::{Code, Problem};
use host_store::Revision;
use serde_json::Value;

use super::{Inner, RETRY_DELAY};
use crate::board::{Errand, FlightId, Waiting};
use crate::changes;
use crate::due::Due;
use crate::error::Error;
use crate::fates::Passing;
use crate::occurrence::Cause;
use crate::plan::{Fire, Plan, plan};
use crate::run_record::{Order, Outcome, RunRecord, RunState};
use crate::shelf::{self, Attempt, ShelfName, Stored, StoredTrigger};
use crate::trigger_record::TriggerRecord;

/// A run that is on record as started and has to be handed to its service.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    pub(super) shelf: ShelfName,
    /// None if it is gone.
    pub(super) job: Option<Arc<Job>>,
    pub(super) record: RunRecord,
    /// The revision of the record.
    pub(super) revision: Revision,
    pub(super) order: Order,
}

/// A longer message of a failure is cut: records are many.
const MAX_MESSAGE_BYTES: usize = 4 * 1024;

impl Inner {
    /// The loop: ends when the board is stopped.
    pub(super) async fn fire_for_ever(self: Arc<Self>) {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            let threads = self.settings.threads;
            while let Some((flight, errand)) = self.take_errand(threads) {
                tokio::spawn(self.clone().fly(flight, errand));
            }
            let next_due = {
                let board = self.board();
                if board.is_stopped() {
                    return;
                }
                board.next_due(threads)
            };
            let due = async {
                match next_due {
                    Some(instant) => self.clock.sleep_until(instant).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = changes.changed() => {}
                () = due => {}
            }
        }
    }

    fn take_errand(&self, threads: usize) -> Option<(FlightId, Errand)> {
        let now = self.now();
        self.board().take(now, threads)
    }

    /// One flight, from its errand to its end.
    async fn fly(self: Arc<Self>, flight: FlightId, errand: Errand) {
        let begun = match &errand {
            Errand::Fire(job, due) => self.fire(flight, job, *due).await,
            Errand::ByHand(waiting) => self.begin_by_hand(flight, waiting).await,
        };
        match begun {
            Ok(Some(begun)) => self.carry_out(flight, begun).await,
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, tenant = %self.tenant, job = %errand.job(), "a schedule cannot be fired, trying again");
                // The thread is kept meanwhile: a store that fails is not to be asked more often.
                self.clock.sleep_until(self.now() + RETRY_DELAY).await;
                if let Errand::ByHand(waiting) = &errand {
                    self.board().wait(waiting.clone());
                }
            }
        }
        self.land(flight, errand.job()).await;
    }

    /// The end of a flight, whatever became of it. With the last one of a job whose trigger is complete, the job goes.
    pub(super) async fn land(&self, flight: FlightId, job: &JobId) {
        let is_last = self.board().end(flight);
        if is_last && let Err(error) = self.remove_if_complete(job).await {
            // The next start of the host removes it.
            tracing::error!(%error, tenant = %self.tenant, %job, "a schedule that is complete could not be removed");
        }
        let was_alone = self.board().land(flight);
        self.look(job, was_alone).await;
        self.board().release(flight);
        self.changed();
    }

    /// Removes a job that will never fire again, unless it is changed at the same time.
    pub(super) async fn remove_if_complete(&self, job: &JobId) -> Result<(), Error> {
        let is_complete = |trigger: &StoredTrigger| trigger.record.status.state == TriggerState::Complete;
        let found = self.shelves.find_trigger(job).await?;
        if !found.is_some_and(|(_, trigger)| is_complete(&trigger)) {
            return Ok(());
        }
        let Some(stored) = self.shelves.find(job).await? else {
            return Ok(());
        };
        if stored.trigger.as_ref().is_some_and(is_complete) {
            let mut changes = changes::remove_job(&stored);
            self.note_last(&stored, &[], &mut changes).await?;
            self.shelves.commit(stored.shelf, changes).await?;
        }
        Ok(())
    }

    /// Looks at a trigger that may be due, and claims its fire if it is.
    async fn fire(&self, flight: FlightId, job: &JobId, due: Due) -> Result<Option<Begun>, Error> {
        let Some(stored) = self.shelves.find_on(due.shelf, job).await? else {
            return Ok(None);
        };
        if !self.settle(flight, &stored.job) {
            return Ok(None);
        }
        let Some(trigger) = &stored.trigger else {
            return Ok(None);
        };
        let now = self.now();
        let settings = &self.settings;
        let passing = Passing {
            job: &stored.job,
            record: &trigger.record,
            zone: settings.zone,
            now,
            cause: self.cause(due),
        };
        let threshold = settings.misfire_threshold;
        match plan(&stored.job, trigger.record.clone(), settings.zone, now, threshold) {
            Plan::Rest => Ok(None),
            Plan::Move(after) => {
                let lost = passing.lost();
                let mut changes = changes::set_trigger(&stored, &after.settled());
                self.note(stored.shelf, job, &lost, &mut changes).await?;
                self.shelves.commit(stored.shelf, changes).await?;
                tracing::warn!(tenant = %self.tenant, %job, "fires were missed and are dropped");
                Ok(None)
            }
            Plan::Vanish => {
                let mut changes = changes::remove_job(&stored);
                self.note_last(&stored, &passing.lost(), &mut changes).await?;
                self.shelves.commit(stored.shelf, changes).await?;
                tracing::warn!(tenant = %self.tenant, %job, "its last fires were missed, so the schedule is over");
                Ok(None)
            }
            Plan::Fire(fire) => self.claim(&stored, &passing, fire).await,
        }
    }

    /// Why a trigger that was due is late.
    fn cause(&self, due: Due) -> Cause {
        if due.is_overlapped {
            Cause::Overlap
        } else if self.board().was_full(due.at) {
            Cause::Quota
        } else {
            Cause::Misfire
        }
    }

    /// Claims a fire. `None` if somebody else was faster, or changed the job.
    async fn claim(&self, stored: &Stored, passing: &Passing<'_>, fire: Fire) -> Result<Option<Begun>, Error> {
        let Fire {
            scheduled,
            trigger,
            missed,
        } = fire;
        let run = RunId::fresh(self.ids.as_ref());
        let occurrences = match missed {
            None => passing.fired(scheduled, &run),
            Some(missed) => passing.made_up_for(missed, &run),
        };
        let mut record = RunRecord::started(run, &stored.job, scheduled, passing.now);
        record.next = trigger.next;
        record.missed_since = missed.map(|missed| missed.first);
        let trigger = TriggerRecord {
            fire_instance: Some(self.fire_instance()),
            ..trigger.settled()
        };
        let mut changes = changes::claim_fire(stored, &trigger, &record);
        self.note(stored.shelf, &stored.job.id, &occurrences, &mut changes)
            .await?;
        let Attempt::Done(revision) = self.shelves.commit(stored.shelf, changes).await? else {
            return Ok(None);
        };
        if stored.job.concurrent {
            // It may be due again at once. A job that is not has to wait for the end of this run, which looks again.
            self.look_again(&stored.job.id).await;
        }
        Ok(Some(Begun::new(stored, record, revision)))
    }

    /// A run that was asked for has its turn.
    async fn begin_by_hand(&self, flight: FlightId, waiting: &Waiting) -> Result<Option<Begun>, Error> {
        let Some(stored) = self.shelves.find(&waiting.job).await? else {
            self.cancel(waiting, "the schedule was deleted before the run had its turn")
                .await?;
            return Ok(None);
        };
        if !self.settle(flight, &stored.job) {
            self.board().wait(waiting.clone());
            return Ok(None);
        }
        if !stored.job.enabled {
            self.cancel(waiting, "the schedule was disabled before the run had its turn")
                .await?;
            return Ok(None);
        }
        let record = self.waiting_record(waiting).await?;
        let Some(record) = record.filter(|record| record.state == RunState::Waiting) else {
            return Ok(None);
        };
        let order = Order::of(&stored.job);
        let next = stored.trigger.as_ref().and_then(|trigger| trigger.record.next);
        let state = RunState::Started(order);
        let record = RunRecord {
            next,
            service: stored.job.service,
            state,
            fired: self.now(),
            ..record
        };
        let changes = changes::advance_run(&record, waiting.revision);
        let Attempt::Done(revision) = self.shelves.commit(waiting.shelf, changes).await? else {
            return Ok(None);
        };
        Ok(Some(Begun {
            shelf: waiting.shelf,
            ..Begun::new(&stored, record, revision)
        }))
    }

    async fn waiting_record(&self, waiting: &Waiting) -> Result<Option<RunRecord>, Error> {
        let key = shelf::runs().key(waiting.run.as_str());
        let document = self.shelves.store(waiting.shelf).get(&key).await?;
        document.map(|document| shelf::read_run(&document)).transpose()
    }

    async fn cancel(&self, waiting: &Waiting, reason: &str) -> Result<(), Error> {
        let Some(record) = self.waiting_record(waiting).await? else {
            return Ok(());
        };
        let ended = record.ended(self.now(), Outcome::Skipped(reason.to_owned()));
        self.shelves
            .commit(waiting.shelf, changes::advance_run(&ended, waiting.revision))
            .await?;
        Ok(())
    }

    fn settle(&self, flight: FlightId, job: &Job) -> bool {
        let may_begin = self.board().settle(flight, job.concurrent);
        self.changed();
        may_begin
    }

    /// Hands a run to its service and writes down how it ended.
    pub(super) async fn carry_out(self: &Arc<Self>, flight: FlightId, begun: Begun) {
        let RunRecord { job, id, .. } = &begun.record;
        log(
            begun.order.log_level,
            &format!("run {id} of schedule {job} of tenant {} started", self.tenant),
        );
        let journal = Arc::new(Journal::default());
        let started = self.now();
        let answer = self.invoke(flight, &begun, journal.clone()).await;
        self.board().end(flight);
        self.changed();
        let account = journal.account();
        let outcome = match answer {
            Err(problem) if self.goes_on_later(&begun, &problem) => return,
            _ if account.is_cancelled => {
                log(
                    begun.order.log_level,
                    &format!("run {id} of schedule {job} of tenant {} was cancelled", self.tenant),
                );
                Outcome::Cancelled
            }
            Ok(result) => {
                log(
                    begun.order.log_level,
                    &format!("run {id} of schedule {job} of tenant {} succeeded", self.tenant),
                );
                Outcome::Succeeded(result)
            }
            Err(problem) => {
                tracing::error!(tenant = %self.tenant, %job, run = %id, %problem, "a run of a schedule failed");
                let message = problem.to_string();
                Outcome::Failed(message[..message.floor_char_boundary(MAX_MESSAGE_BYTES)].to_owned())
            }
        };
        let ended = RunRecord {
            started: Some(started),
            account,
            ..begun.record.ended(self.now(), outcome)
        };
        if let Err(error) = self.write_end(&begun, &ended).await {
            // The record stays as started, so the next start of the host takes the run up.
            tracing::error!(%error, tenant = %self.tenant, %job, run = %id, "the end of a run could not be written");
        }
        if let Err(error) = self.trim(begun.shelf, job).await {
            tracing::warn!(%error, tenant = %self.tenant, %job, "old runs could not be dropped");
        }
    }

    /// The service's answer. A panic in it is its problem.
    async fn invoke(
        self: &Arc<Self>,
        flight: FlightId,
        begun: &Begun,
        journal: Arc<Journal>,
    ) -> Result<Value, Problem> {
        let service = self.services.get(&begun.record.service).cloned();
        let service = service.ok_or_else(|| Problem::from(Error::ServiceUnavailable(begun.record.service)))?;
        let is_configured = self.is_configured(&begun.record.job).await?;
        let invocation = Invocation {
            tenant: self.tenant.clone(),
            job: begun.record.job.clone(),
            is_configured,
            run: begun.record.id.clone(),
            scheduled: begun.record.scheduled,
            fired: begun.record.fired,
            next: begun.record.next,
            invoke_context: begun.order.invoke_context.clone(),
            log_level: begun.order.log_level,
            recovering: begun.record.recovering,
        };
        let (inner, job) = (self.clone(), begun.job.clone());
        let answer = tokio::spawn(async move {
            let mut run = service.run(invocation, &journal);
            let mut is_handed_over = false;
            // Once it was polled it has gone as far as it goes by itself: only then nobody has to wait for it any more.
            poll_fn(|context| {
                let polled = run.as_mut().poll(context);
                if !is_handed_over {
                    is_handed_over = true;
                    inner.board().run(flight, job.clone());
                    inner.changed();
                }
                polled
            })
            .await
        });
        answer
            .await
            .unwrap_or_else(|_| Err(Problem::internal("the service panicked")))
    }

    /// Whether a service only says that the host is stopping, and its run goes on after the next start.
    fn goes_on_later(&self, begun: &Begun, problem: &Problem) -> bool {
        problem.code == Code::UNAVAILABLE
            && self.board().is_stopped()
            && self.may_run_again(&begun.record, &begun.order)
    }

    /// Writes down the end of a run; nobody else changes its record while it goes on.
    async fn write_end(&self, begun: &Begun, ended: &RunRecord) -> Result<(), Error> {
        match self
            .shelves
            .commit(begun.shelf, changes::advance_run(ended, begun.revision))
            .await?
        {
            Attempt::Done(_) => Ok(()),
            Attempt::Conflict => Err(Error::Contended(begun.record.job.clone())),
        }
    }
}

impl Begun {
    fn new(stored: &Stored, record: RunRecord, revision: Revision) -> Begun {
        Begun {
            shelf: stored.shelf,
            job: Some(stored.job.clone()),
            record,
            revision,
            order: Order::of(&stored.job),
        }
    }
}

fn log(level: LogLevel, message: &str) {
    match level {
        LogLevel::Trace => tracing::trace!("{message}"),
        LogLevel::Debug => tracing::debug!("{message}"),
        LogLevel::Info => tracing::info!("{message}"),
        LogLevel::Warn => tracing::warn!("{message}"),
        LogLevel::Error | LogLevel::Fatal => tracing::error!("{message}"),
    }
}
