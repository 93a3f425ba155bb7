//! How long the records of runs are kept: so many of each job, and none beyond an age.

use std::cmp::Reverse;
use std::sync::Arc;

use chrono::TimeDelta;
use host_model::clock::wire_time;
use host_model::job::JobId;
use host_resource::Pointer;
use host_resource::filter::{Filter, Operator};
use host_store::{ChangeSet, Expectation, Revision, Scan};

use super::Inner;
use crate::error::Error;
use crate::run_record::RunState;
use crate::shelf::{self, PAGE, SHELVES, ShelfName};

/// How often runs are looked at for their age.
const INTERVAL: TimeDelta = TimeDelta::days(1);

impl Inner {
    /// Drops runs that are too old, at the start and once a day; ends when the board is stopped.
    pub(super) async fn drop_old_runs_for_ever(self: Arc<Self>) {
        let mut changes = self.changes.subscribe();
        let mut next = self.clock.now();
        loop {
            changes.borrow_and_update();
            if self.board().is_stopped() {
                return;
            }
            if self.clock.now() >= next {
                if let Err(error) = self.drop_old_runs().await {
                    tracing::warn!(%error, tenant = %self.tenant, "old runs could not be dropped");
                }
                next = self.clock.now() + INTERVAL;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = self.clock.sleep_until(next) => {}
            }
        }
    }

    async fn drop_old_runs(&self) -> Result<(), Error> {
        let oldest = wire_time(self.clock.now() - self.settings.runs_kept_for);
        let filter = Filter::text(Pointer::root().child("ended"), Operator::Lt, &oldest);
        let scan = Scan::matching(shelf::runs(), Arc::new(filter), PAGE);
        for shelf in SHELVES {
            let mut pages = self.shelves.pages(shelf, scan.clone());
            while let Some((_, documents)) = pages.next().await? {
                let runs = documents.into_iter().map(|document| (document.id, document.revision));
                self.drop_runs(shelf, runs).await?;
            }
        }
        Ok(())
    }

    /// Drops the oldest ended runs of a job beyond those that are kept.
    pub(super) async fn drop_old_runs_of(&self, shelf: ShelfName, job: &JobId) -> Result<(), Error> {
        let filter = Filter::text(Pointer::root().child("job"), Operator::Eq, job.as_str());
        let mut documents = Vec::new();
        let mut pages = self
            .shelves
            .pages(shelf, Scan::matching(shelf::runs(), Arc::new(filter), PAGE));
        while let Some((_, page)) = pages.next().await? {
            documents.extend(page);
        }
        if documents.len() <= self.settings.runs_kept {
            return Ok(());
        }
        let mut ended = Vec::new();
        for document in documents {
            let record = shelf::read_run(&document)?;
            // The filter takes no notice of capitals, the names of jobs do.
            if record.job == *job && matches!(record.state, RunState::Ended { .. }) {
                ended.push((
                    Reverse((record.fired, record.scheduled)),
                    document.id,
                    document.revision,
                ));
            }
        }
        ended.sort();
        let beyond = ended
            .into_iter()
            .skip(self.settings.runs_kept)
            .map(|(_, id, revision)| (id, revision));
        self.drop_runs(shelf, beyond).await
    }

    async fn drop_runs(&self, shelf: ShelfName, runs: impl Iterator<Item = (Arc<str>, Revision)>) -> Result<(), Error> {
        let mut changes = ChangeSet::new();
        for (id, revision) in runs {
            changes.delete(shelf::runs().key(id), Expectation::Revision(revision));
        }
        if !changes.is_empty() {
            // In a conflict somebody else drops them too, and what is left goes the next time.
            self.shelves.commit(shelf, changes).await?;
        }
        Ok(())
    }
}
