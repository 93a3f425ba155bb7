//! Pausing and resuming, one job or all of them.
//!
//! Pausing all marks every trigger, page by page, after a note in the store that makes new triggers paused as well. What
//! was missed meanwhile is settled when a resumed trigger is looked at: its fire time has passed then.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use host_model::trigger::{Status, TriggerState};
use host_store::{ChangeSet, Document, Expectation, Scan};
use serde_json::{Value, json};

use super::{ATTEMPTS, Inner, Scheduler};
use crate::changes;
use crate::error::Error;
use crate::shelf::{self, Attempt, PAGE, SHELVES, ShelfName, Stored};

/// One of the two directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Pause,
    Resume,
}

impl Turn {
    fn apply(self, status: Status) -> Status {
        match self {
            Turn::Pause => status.paused(),
            Turn::Resume => status.resumed(),
        }
    }

    fn participle(self) -> &'static str {
        match self {
            Turn::Pause => "paused",
            Turn::Resume => "resumed",
        }
    }
}

impl Scheduler {
    /// Has a job not fire until it is resumed. A run that goes on is not cut off.
    pub(crate) async fn pause(&self, id: &str) -> Result<(), Error> {
        self.0.turn_one(id, Turn::Pause).await
    }

    /// Has a paused job fire again.
    pub(crate) async fn resume(&self, id: &str) -> Result<(), Error> {
        self.0.turn_one(id, Turn::Resume).await
    }

    /// Pauses every job, also those that are stored from now on.
    pub(crate) async fn pause_all(&self) -> Result<(), Error> {
        self.0.turn_all(Turn::Pause).await
    }

    /// Resumes every job.
    pub(crate) async fn resume_all(&self) -> Result<(), Error> {
        self.0.turn_all(Turn::Resume).await
    }
}

impl Inner {
    /// Reads whether everything is paused.
    pub(super) async fn recover_group(&self) -> Result<(), Error> {
        let document = self.shelves.persisted.get(&shelf::group_key()).await?;
        let is_paused = document.is_some_and(|document| {
            let value: Option<Value> = serde_json::from_slice(&document.body).ok();
            value.is_some_and(|value| value["paused"] == json!(true))
        });
        self.is_group_paused.store(is_paused, Ordering::Relaxed);
        Ok(())
    }

    /// Turns a new trigger if all jobs were paused or resumed while it was on its way into the store.
    pub(super) async fn follow_group(&self, stored: Stored) -> Result<Stored, Error> {
        let status = stored.trigger.as_ref().map(|trigger| trigger.record.status);
        let turn = match status.map(|status| status.state) {
            Some(TriggerState::Normal) if self.is_group_paused() => Turn::Pause,
            Some(TriggerState::Paused) if !self.is_group_paused() => Turn::Resume,
            _ => return Ok(stored),
        };
        self.turn_one(stored.job.id.as_str(), turn).await?;
        self.require(stored.job.id.as_str()).await
    }

    async fn turn_one(&self, id: &str, turn: Turn) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let stored = self.require(id).await?;
            let Some(trigger) = &stored.trigger else {
                return Err(Error::Disabled {
                    job: stored.job.id.clone(),
                    action: turn.participle(),
                });
            };
            let record = trigger.record.turned(turn.apply(trigger.record.status), self.now());
            let changes = changes::set_trigger(&stored, &record);
            if let Attempt::Done(_) = self.shelves.commit(stored.shelf, changes).await? {
                self.look_again(&stored.job.id).await;
                return Ok(());
            }
        }
        Err(Error::Contended(id.parse()?))
    }

    async fn turn_all(&self, turn: Turn) -> Result<(), Error> {
        let is_paused = turn == Turn::Pause;
        let note = Bytes::from(json!({"paused": is_paused}).to_string());
        let mut changes = ChangeSet::new();
        changes.put(shelf::group_key(), Expectation::Any, note);
        self.shelves.persisted.commit(changes).await?;
        self.is_group_paused.store(is_paused, Ordering::Relaxed);
        for shelf in SHELVES {
            let mut pages = self.shelves.pages(shelf, Scan::all(shelf::triggers(), PAGE));
            while let Some(documents) = pages.next().await? {
                self.turn_page(shelf, &documents, turn).await?;
            }
        }
        Ok(())
    }

    /// Turns the triggers of a page in one commit; if one of them changes meanwhile, each for itself.
    async fn turn_page(&self, shelf: ShelfName, documents: &[Document], turn: Turn) -> Result<(), Error> {
        let mut changes = ChangeSet::new();
        let mut jobs = Vec::new();
        for document in documents {
            let trigger = shelf::read_trigger(document)?;
            let record = trigger.record.turned(turn.apply(trigger.record.status), self.now());
            if record != trigger.record {
                let key = shelf::triggers().key(document.id.clone());
                changes.put(key, Expectation::Revision(trigger.revision), record.encode());
                jobs.push(document.id.clone());
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        let attempt = self.shelves.commit(shelf, changes).await?;
        for job in jobs {
            match attempt {
                Attempt::Done(_) => self.look_again(&job.parse()?).await,
                Attempt::Conflict => match self.turn_one(&job, turn).await {
                    // It went away, or was disabled, before it could be turned.
                    Ok(()) | Err(Error::Missing(_) | Error::Disabled { .. }) => {}
                    Err(error) => return Err(error),
                },
            }
        }
        Ok(())
    }
}
