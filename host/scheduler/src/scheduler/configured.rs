//! Jobs that come from the configuration: `schedule/NAME` is the job `NAME`.
//!
//! Beside such a job lies a mark: a digest of what was configured. A start that finds the same digest leaves the job and
//! its trigger as they are, so a fire that was missed is still missed, and a job that has fired for the last time does
//! not begin anew. Job and mark are one commit. The mark also says who may change the job: the configuration, and nobody
//! else.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use host_model::configured::{ConfigName, Configured};
use host_model::job::{Job, JobId};
use host_resource::Problem;
use host_store::{ChangeSet, Collection, Expectation, Key, Scan};
use serde_json::{Value, json};

use super::{ATTEMPTS, Inner, Scheduler};
use crate::error::Error;
use crate::occurrence::Cause;
use crate::shelf::{Attempt, PAGE, SHELVES, ShelfName, shelf_of};

/// The marks of the jobs that come from the configuration, by the id of the job: `{"digest": "…"}`.
fn marks() -> Collection {
    Collection::new("scheduler/configured")
}

fn mark_key(id: &JobId) -> Key {
    marks().key(id.as_str())
}

/// What the type `schedule` of the configuration is for.
pub struct ConfiguredSchedules(pub Scheduler);

#[async_trait]
impl Configured for ConfiguredSchedules {
    fn kind(&self) -> &'static str {
        "schedule"
    }

    fn has_instances(&self) -> bool {
        true
    }

    async fn check(&self, name: &ConfigName, object: &Value) -> Result<(), Problem> {
        let id = job_of(name)?;
        let inner = &self.0.0;
        let job = inner.accept(id, object).await?;
        inner.refuse_unconfigured(&job.id).await?;
        if inner.digest_of(&job.id).await?.as_deref() != Some(&*digest(object)) {
            inner.new_trigger(&job)?;
        }
        Ok(())
    }

    async fn apply(&self, name: &ConfigName, object: Option<&Value>) -> Result<(), Problem> {
        let id = job_of(name)?;
        let inner = &self.0.0;
        match object {
            Some(object) => Ok(inner.configure(id, object).await?),
            None => Ok(inner.unconfigure(&id).await?),
        }
    }

    async fn keep_only(&self, instances: &BTreeSet<String>) -> Result<(), Problem> {
        for id in self.0.0.configured().await? {
            if !instances.contains(id.as_str()) {
                tracing::info!(job = %id, "a schedule whose file is gone is removed");
                self.0.0.unconfigure(&id).await?;
            }
        }
        Ok(())
    }
}

impl Scheduler {
    /// Prepares the store, so that jobs can be configured before [`Scheduler::begin`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn open(&self) -> Result<(), Error> {
        self.0.shelves.prepare().await?;
        self.0.recover_group().await
    }
}

impl Inner {
    /// Whether a job comes from the configuration.
    pub(super) async fn is_configured(&self, id: &JobId) -> Result<bool, Error> {
        Ok(self.digest_of(id).await?.is_some())
    }

    /// Refuses to change a job that the configuration keeps.
    pub(super) async fn refuse_configured(&self, id: &JobId) -> Result<(), Error> {
        if self.is_configured(id).await? {
            return Err(Error::Configured(id.clone()));
        }
        Ok(())
    }

    /// Refuses to take over a job that was made over REST.
    async fn refuse_unconfigured(&self, id: &JobId) -> Result<(), Error> {
        let is_there = self.shelves.find(id).await?.is_some();
        if is_there && !self.is_configured(id).await? {
            return Err(Error::NotConfigured(id.clone()));
        }
        Ok(())
    }

    async fn digest_of(&self, id: &JobId) -> Result<Option<String>, Error> {
        let found = self.shelves.get(&mark_key(id)).await?;
        Ok(found.map(|(_, document)| {
            let mark: Value = serde_json::from_slice(&document.body).unwrap_or_default();
            mark["digest"].as_str().unwrap_or_default().to_owned()
        }))
    }

    /// The jobs that were configured, also those that have vanished since.
    async fn configured(&self) -> Result<Vec<JobId>, Error> {
        let mut ids = Vec::new();
        for shelf in SHELVES {
            let mut pages = self.shelves.pages(shelf, Scan::all(marks(), PAGE));
            while let Some(documents) = pages.next().await? {
                ids.extend(documents.iter().filter_map(|document| document.id.parse().ok()));
            }
        }
        Ok(ids)
    }

    /// Stores a job as it is configured, with a new trigger; unless this very content was stored before.
    async fn configure(&self, id: JobId, object: &Value) -> Result<(), Error> {
        let digest = digest(object);
        if self.digest_of(&id).await?.as_deref() == Some(&*digest) {
            return Ok(());
        }
        let job = Arc::new(self.accept(id, object).await?);
        let record = self.new_trigger(&job)?;
        let shelf = shelf_of(&job);
        for _ in 0..ATTEMPTS {
            let before = self.shelves.find(&job.id).await?;
            if before.is_some() && !self.is_configured(&job.id).await? {
                return Err(Error::NotConfigured(job.id.clone()));
            }
            let same_place = before.as_ref().filter(|before| before.shelf == shelf);
            let mut changes = self.replacement(&job, record.as_ref(), same_place).await?;
            changes.put(
                mark_key(&job.id),
                Expectation::Any,
                json!({ "digest": digest }).to_string(),
            );
            if let Attempt::Done(_) = self.shelves.commit(shelf, changes).await? {
                self.clear_elsewhere(&job).await?;
                for other in SHELVES.into_iter().filter(|other| *other != shelf) {
                    self.unmark(other, &job.id).await?;
                }
                return self.settle_configured(&job).await;
            }
        }
        Err(Error::Contended(job.id.clone()))
    }

    /// The loop hears of a job, which follows whether all jobs are paused.
    async fn settle_configured(&self, job: &Job) -> Result<(), Error> {
        self.look_again(&job.id).await;
        if let Some(stored) = self.shelves.find(&job.id).await? {
            self.follow_group(stored).await?;
        }
        Ok(())
    }

    /// Takes a job away that is not configured any more. A run of it that goes on is not cut off.
    async fn unconfigure(&self, id: &JobId) -> Result<(), Error> {
        if !self.is_configured(id).await? {
            return Ok(());
        }
        for _ in 0..ATTEMPTS {
            let Some(stored) = self.shelves.find(id).await? else {
                for shelf in SHELVES {
                    self.unmark(shelf, id).await?;
                }
                return Ok(());
            };
            let mut changes = self.removal(&stored, Cause::Deleted).await?;
            changes.delete(mark_key(id), Expectation::Any);
            if let Attempt::Done(_) = self.shelves.commit(stored.shelf, changes).await? {
                self.look_again(id).await;
            }
        }
        Err(Error::Contended(id.clone()))
    }

    async fn unmark(&self, shelf: ShelfName, id: &JobId) -> Result<(), Error> {
        if self.shelves.store(shelf).get(&mark_key(id)).await?.is_some() {
            let mut changes = ChangeSet::new();
            changes.delete(mark_key(id), Expectation::Any);
            self.shelves.commit(shelf, changes).await?;
        }
        Ok(())
    }
}

fn job_of(name: &ConfigName) -> Result<JobId, Error> {
    Ok(name.instance().unwrap_or_default().parse()?)
}

fn digest(object: &Value) -> String {
    blake3::hash(object.to_string().as_bytes()).to_hex().to_string()
}
