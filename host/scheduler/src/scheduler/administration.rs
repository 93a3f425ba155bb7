//! What an administrator does with one job: store, read, delete it, and start it by hand.

use std::sync::Arc;

use host_model::job::{Job, JobId};
use host_model::run::RunId;
use host_model::trigger::Status;
use host_resource::{Object, Pointer};
use serde_json::Value;

use super::{ATTEMPTS, Inner, Scheduler};
use crate::board::Waiting;
use crate::changes;
use crate::error::Error;
use crate::occurrence::Cause;
use crate::run_record::RunRecord;
use crate::shelf::{Attempt, SHELVES, Stored, StoredTrigger, shelf_of};
use crate::trigger_record::TriggerRecord;
use crate::wire::{self, View};

/// Runs that were asked for by hand and wait for their turn: more are refused, so that nobody fills the store by asking.
pub(super) const MAX_WAITING: usize = 1000;

/// Whether a job may, or must, exist already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It must not.
    Create,
    /// It must.
    Replace,
}

impl Scheduler {
    /// Stores a job and answers it. Its trigger is a new one, whatever there was before.
    pub(crate) async fn store(&self, id: Option<&str>, content: &Value, mode: Mode) -> Result<Object, Error> {
        let id = id.map_or_else(|| self.0.ids.uuid(), str::to_owned).parse()?;
        let job = self.0.accept(id, content).await?;
        // The answer shows what was stored, also when the loop has taken up the new trigger meanwhile.
        let sight = self.0.board().sight(&job.id);
        let stored = self.0.store(Arc::new(job), mode).await?;
        Ok(wire::job(
            &stored,
            View {
                sight,
                ..self.0.view(&stored.job.id)
            },
        ))
    }

    /// A job.
    pub(crate) async fn read(&self, id: &str) -> Result<Object, Error> {
        let stored = self.0.require(id).await?;
        Ok(wire::job(&stored, self.0.view(&stored.job.id)))
    }

    /// The trigger of this id.
    pub(crate) async fn read_trigger(&self, id: &str) -> Result<Object, Error> {
        let missing = || Error::Missing(id.to_owned());
        let job = wire::job_of_trigger(id).ok_or_else(missing)?;
        let stored = self.0.shelves.find(&job).await?.ok_or_else(missing)?;
        let trigger = stored.trigger.as_ref().ok_or_else(missing)?;
        Ok(wire::trigger(&stored.job, trigger, self.0.view(&job)))
    }

    /// Takes a job away and answers what it was. A run of it that goes on is not cut off.
    pub(crate) async fn delete(&self, id: &str) -> Result<Object, Error> {
        for _ in 0..ATTEMPTS {
            let stored = self.0.require(id).await?;
            self.0.refuse_configured(&stored.job.id).await?;
            let shown = wire::job(&stored, self.0.view(&stored.job.id));
            let changes = self.0.removal(&stored, Cause::Deleted).await?;
            if let Attempt::Done(_) = self.0.shelves.commit(stored.shelf, changes).await? {
                self.0.look_again(&stored.job.id).await;
                return Ok(shown);
            }
        }
        Err(Error::Contended(id.parse()?))
    }

    /// Has a job run now, outside its schedule. It waits for its turn if a run goes on that does not allow a second one;
    /// that it was asked for is durable when this returns.
    pub(crate) async fn trigger(&self, id: &str) -> Result<(), Error> {
        let stored = self.0.require(id).await?;
        if !stored.job.enabled {
            return Err(Error::Disabled {
                job: stored.job.id.clone(),
                action: "triggered",
            });
        }
        let waiting = self.0.board().waiting();
        if waiting >= MAX_WAITING {
            return Err(Error::TooManyWaiting(waiting));
        }
        let run = RunRecord::waiting(RunId::fresh(self.0.ids.as_ref()), &stored.job, self.0.now(), None);
        let Attempt::Done(revision) = self.0.shelves.commit(stored.shelf, changes::note_run(&run)).await? else {
            return Err(Error::Contended(run.job));
        };
        self.0.board().wait(Waiting {
            job: run.job,
            run: run.id,
            shelf: stored.shelf,
            revision,
        });
        self.0.changed();
        Ok(())
    }
}

impl Inner {
    /// The job of this id.
    pub(super) async fn require(&self, id: &str) -> Result<Stored, Error> {
        self.shelves
            .find(&id.parse()?)
            .await?
            .ok_or_else(|| Error::Missing(id.to_owned()))
    }

    /// Reads a job and has its service look at it.
    pub(super) async fn accept(&self, id: JobId, content: &Value) -> Result<Job, Error> {
        let job = Job::parse(id, content)?;
        let service = self
            .services
            .get(&job.service)
            .ok_or(Error::ServiceUnavailable(job.service))?;
        service
            .validate(&self.tenant, &job.invoke_context)
            .await
            .map_err(Error::Refused)?;
        Ok(job)
    }

    async fn store(&self, job: Arc<Job>, mode: Mode) -> Result<Stored, Error> {
        let record = self.new_trigger(&job)?;
        let shelf = shelf_of(&job);
        for _ in 0..ATTEMPTS {
            // Looked for after the job: who configures it meanwhile makes the commit collide.
            let before = self.shelves.find(&job.id).await?;
            self.refuse_configured(&job.id).await?;
            match (mode, &before) {
                (Mode::Create, Some(_)) => return Err(Error::Exists(job.id.clone())),
                (Mode::Replace, None) => return Err(Error::Missing(job.id.to_string())),
                (Mode::Create, None) | (Mode::Replace, Some(_)) => {}
            }
            let same_place = before.as_ref().filter(|before| before.shelf == shelf);
            let changes = self.replacement(&job, record.as_ref(), same_place).await?;
            let Attempt::Done(revision) = self.shelves.commit(shelf, changes).await? else {
                continue;
            };
            self.clear_elsewhere(&job).await?;
            let trigger = record.map(|record| StoredTrigger { record, revision });
            let stored = Stored {
                shelf,
                job,
                revision,
                trigger,
            };
            self.look_again(&stored.job.id).await;
            return self.follow_group(stored).await;
        }
        Err(Error::Contended(job.id.clone()))
    }

    /// The first trigger of a job; none if it is disabled.
    pub(super) fn new_trigger(&self, job: &Job) -> Result<Option<TriggerRecord>, Error> {
        if !job.enabled {
            return Ok(None);
        }
        let reason = if job.end.is_some() { "endTime" } else { "schedule" };
        let trigger = job
            .trigger(self.settings.zone, self.now())
            .ok_or_else(|| Error::NeverFires(Pointer::root().child(reason)))?;
        let record = TriggerRecord::new(&trigger, Status::NEW);
        Ok(Some(if self.is_group_paused() {
            record.turned(Status::NEW.paused(), self.now())
        } else {
            record
        }))
    }

    /// A job that has become persisted, or no longer is, leaves the place where it was.
    pub(super) async fn clear_elsewhere(&self, job: &Job) -> Result<(), Error> {
        for shelf in SHELVES.into_iter().filter(|shelf| *shelf != shelf_of(job)) {
            for _ in 0..ATTEMPTS {
                let Some(old) = self.shelves.find_on(shelf, &job.id).await? else {
                    break;
                };
                let changes = self.removal(&old, Cause::Replaced).await?;
                if let Attempt::Done(_) = self.shelves.commit(shelf, changes).await? {
                    break;
                }
            }
        }
        Ok(())
    }
}
