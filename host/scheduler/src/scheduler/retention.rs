//! How long records of runs and of due instants are kept: so many of each job, and none beyond an age.
//!
//! The records of a job are looked through once for every few of its runs, so that a fire costs the same however many are
//! kept; what is dropped is dropped a page at a time.

use std::sync::Arc;

use chrono::TimeDelta;
use host_model::clock::{Timestamp, wire_time};
use host_model::job::JobId;
use host_resource::Pointer;
use host_resource::filter::{Filter, Operator};
use host_store::{ChangeSet, Collection, Document, Expectation, Revision, Scan};
use serde::Deserialize;

use super::Inner;
use crate::error::Error;
use crate::shelf::{self, PAGE, SHELVES, ShelfName};

/// How often records are looked at for their age.
const INTERVAL: TimeDelta = TimeDelta::days(1);

/// A job's records are looked through when so many came, for each so many that are kept.
const SLACK: usize = 10;

/// What is looked at of a record.
#[derive(Deserialize)]
struct Aged {
    job: String,
    /// Of a run; none while it goes on.
    #[serde(default)]
    ended: Option<String>,
    #[serde(default)]
    fired: Option<String>,
    /// Of a due instant.
    #[serde(default)]
    recorded: Option<String>,
    #[serde(default)]
    from: Option<String>,
}

impl Aged {
    /// Where it stands among the records of its job. None while it has to be kept.
    fn age(self) -> Option<String> {
        match (self.ended, self.recorded) {
            (Some(_), _) => self.fired,
            (None, Some(_)) => self.from,
            (None, None) => None,
        }
    }
}

impl Inner {
    /// Drops records that are too old, at the start and once a day; ends when the board is stopped.
    pub(super) async fn drop_old_runs_for_ever(self: Arc<Self>) {
        let mut changes = self.changes.subscribe();
        let mut next = self.clock.now();
        loop {
            changes.borrow_and_update();
            if self.board().is_stopped() {
                return;
            }
            if self.clock.now() >= next {
                if let Err(error) = self.drop_old().await {
                    tracing::warn!(%error, tenant = %self.tenant, "old records could not be dropped");
                }
                next = self.clock.now() + INTERVAL;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = self.clock.sleep_until(next) => {}
            }
        }
    }

    async fn drop_old(&self) -> Result<(), Error> {
        let now = self.clock.now();
        self.drop_older(shelf::runs(), "ended", now - self.settings.runs_kept_for)
            .await?;
        let oldest = now - self.settings.occurrences_kept_for;
        self.drop_older(shelf::occurrences(), "recorded", oldest).await
    }

    async fn drop_older(&self, collection: Collection, member: &str, oldest: Timestamp) -> Result<(), Error> {
        let filter = Filter::text(Pointer::root().child(member), Operator::Lt, &wire_time(oldest));
        let scan = Scan::matching(collection.clone(), Arc::new(filter), PAGE);
        for shelf in SHELVES {
            let mut pages = self.shelves.pages(shelf, scan.clone());
            while let Some(documents) = pages.next().await? {
                let old = documents.into_iter().map(|document| (document.id, document.revision));
                self.drop_all(shelf, &collection, old).await?;
            }
        }
        Ok(())
    }

    /// A run of a job has ended: drops what is beyond what is kept of the job, if it is time to look.
    pub(super) async fn trim(&self, shelf: ShelfName, job: &JobId) -> Result<(), Error> {
        let kept = self.settings.runs_kept.min(self.settings.occurrences_kept);
        let is_due = {
            let mut untrimmed = self.untrimmed.lock();
            // The first run since the start of the host finds what earlier ones left.
            let count = untrimmed.entry(job.clone()).or_insert(usize::MAX - 1);
            *count += 1;
            let is_due = *count >= (kept / SLACK).max(1);
            if is_due {
                *count = 0;
            }
            is_due
        };
        if !is_due {
            return Ok(());
        }
        self.trim_to(shelf, shelf::runs(), job, self.settings.runs_kept).await?;
        self.trim_to(shelf, shelf::occurrences(), job, self.settings.occurrences_kept)
            .await
    }

    /// Drops the oldest records of a job beyond those that are kept.
    async fn trim_to(&self, shelf: ShelfName, collection: Collection, job: &JobId, kept: usize) -> Result<(), Error> {
        let filter = Filter::text(Pointer::root().child("job"), Operator::Eq, job.as_str());
        let mut found = Vec::new();
        let mut pages = self
            .shelves
            .pages(shelf, Scan::matching(collection.clone(), Arc::new(filter), PAGE));
        while let Some(documents) = pages.next().await? {
            for document in documents {
                let aged = aged(&collection, &document)?;
                // The filter takes no notice of capitals, the names of jobs do.
                if aged.job == job.as_str()
                    && let Some(age) = aged.age()
                {
                    found.push((age, document.id, document.revision));
                }
            }
        }
        let surplus = found.len().saturating_sub(kept);
        if surplus == 0 {
            return Ok(());
        }
        found.sort_unstable();
        let beyond: Vec<_> = found.drain(..surplus).map(|(_, id, revision)| (id, revision)).collect();
        for page in beyond.chunks(PAGE) {
            self.drop_all(shelf, &collection, page.iter().cloned()).await?;
        }
        Ok(())
    }

    async fn drop_all(
        &self,
        shelf: ShelfName,
        collection: &Collection,
        records: impl Iterator<Item = (Arc<str>, Revision)>,
    ) -> Result<(), Error> {
        let mut changes = ChangeSet::new();
        for (id, revision) in records {
            changes.delete(collection.key(id), Expectation::Revision(revision));
        }
        if !changes.is_empty() {
            // In a conflict somebody else drops them too, and what is left goes the next time.
            self.shelves.commit(shelf, changes).await?;
        }
        Ok(())
    }
}

fn aged(collection: &Collection, document: &Document) -> Result<Aged, Error> {
    serde_json::from_slice(&document.body).map_err(|error| Error::Damaged {
        key: collection.key(document.id.clone()).to_string(),
        reason: error.to_string(),
    })
}
