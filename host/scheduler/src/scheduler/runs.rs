//! What can be done with one run: read it, and end it before its time.

use host_model::run::RunId;
use host_resource::{Content, Object};
use host_store::Document;
use serde_json::{Value, json};

use super::{ATTEMPTS, Inner, Scheduler};
use crate::changes;
use crate::error::Error;
use crate::run_record::{self, Outcome, RunState};
use crate::shelf::{self, Attempt, ShelfName};

impl Scheduler {
    /// A run.
    pub(crate) async fn read_run(&self, id: &str) -> Result<Object, Error> {
        let (_, document) = self.0.require_run(id).await?;
        show(&document)
    }

    /// The record of a due instant, or of several.
    pub(crate) async fn read_occurrence(&self, id: &str) -> Result<Object, Error> {
        self.0.read_raw(shelf::occurrences(), id).await
    }

    /// The counters of a job.
    pub(crate) async fn read_statistics(&self, id: &str) -> Result<Object, Error> {
        self.0.read_raw(shelf::statistics(), id).await
    }

    /// Ends a run that goes on, and takes its turn from one that waits.
    pub(crate) async fn cancel_run(&self, id: &str) -> Result<Value, Error> {
        for _ in 0..ATTEMPTS {
            let (shelf, document) = self.0.require_run(id).await?;
            let record = shelf::read_run(&document)?;
            match &record.state {
                RunState::Ended { .. } => return Err(Error::RunEnded(record.id)),
                RunState::Waiting => {
                    let ended = record.ended(self.0.now(), Outcome::Cancelled);
                    let changes = changes::advance_run(&ended, document.revision);
                    if let Attempt::Done(_) = self.0.shelves.commit(shelf, changes).await? {
                        self.0.board().give_up(&record.id);
                        self.0.changed();
                        return Ok(cancelled(&record.id));
                    }
                }
                RunState::Started(_) => {
                    let service = self.0.services.get(&record.service).cloned();
                    let is_ended = match service {
                        Some(service) => service.cancel(&record.id).await,
                        None => false,
                    };
                    return if is_ended {
                        Ok(cancelled(&record.id))
                    } else {
                        Err(Error::NotCancelled(record.id))
                    };
                }
            }
        }
        Err(Error::MissingRun(id.to_owned()))
    }
}

impl Inner {
    async fn require_run(&self, id: &str) -> Result<(ShelfName, Document), Error> {
        let missing = || Error::MissingRun(id.to_owned());
        let run: RunId = id.parse().map_err(|_| missing())?;
        let found = self.shelves.get(&shelf::runs().key(run.as_str())).await?;
        found.ok_or_else(missing)
    }

    async fn read_raw(&self, collection: host_store::Collection, id: &str) -> Result<Object, Error> {
        let found = self.shelves.get(&collection.key(id)).await?;
        let (_, document) = found.ok_or_else(|| Error::MissingRecord {
            collection: collection.to_string(),
            id: id.to_owned(),
        })?;
        Ok(Object {
            id: id.to_owned(),
            rev: Some(document.revision.to_string()),
            content: Content::Raw(document.body),
        })
    }
}

fn cancelled(run: &RunId) -> Value {
    json!({"_id": run.as_str(), "status": "SUCCESS"})
}

/// A run as it is shown.
pub(super) fn show(document: &Document) -> Result<Object, Error> {
    let content = run_record::shown(&document.body).map_err(|error| Error::Damaged {
        key: shelf::runs().key(document.id.clone()).to_string(),
        reason: error.to_string(),
    })?;
    Ok(Object {
        id: document.id.to_string(),
        rev: Some(document.revision.to_string()),
        content: Content::Json(content),
    })
}
