//! Trimming: what is too old, or one too many, goes; a page of entries in each commit.
//!
//! Entries lie with the newest first, so one walk finds both: behind so many entries, and behind the last one that is
//! young enough, everything goes.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use host_model::audit::Topic;
use host_store::{ChangeSet, CommitError, Durability, Expectation, Scan};

use crate::entry;
use crate::log::AuditLog;

/// Entries that one commit deletes.
const PAGE: usize = 500;

/// What is old goes at least this often.
const INTERVAL: TimeDelta = TimeDelta::hours(1);

/// How often it is looked whether there are too many.
const LOOK: TimeDelta = TimeDelta::seconds(30);

impl AuditLog {
    /// Trims whenever a tenth of what is kept has come, and once in an hour.
    pub(crate) async fn trim_for_ever(self) {
        let inner = &self.0;
        let mut trimmed = inner.clock.now();
        loop {
            inner.clock.sleep_until(inner.clock.now() + LOOK).await;
            let is_time = inner.clock.now() - trimmed >= INTERVAL;
            if is_time || inner.added.load(Ordering::Relaxed) > inner.settings.entries_kept / 10 {
                self.trim().await;
                trimmed = inner.clock.now();
            }
        }
    }

    /// Trims every topic.
    pub async fn trim(&self) {
        self.0.added.store(0, Ordering::Relaxed);
        for topic in Topic::ALL {
            match self.trim_topic(topic).await {
                Ok(0) => {}
                Ok(gone) => tracing::debug!(topic = topic.name(), gone, "old audit entries are gone"),
                Err(error) => tracing::error!(%error, topic = topic.name(), "old audit entries cannot be trimmed"),
            }
        }
    }

    async fn trim_topic(&self, topic: Topic) -> Result<usize, CommitError> {
        let inner = &self.0;
        let oldest = inner.clock.now() - inner.settings.kept_for;
        let mut scan = Scan::all(entry::entries(topic), PAGE);
        let (mut seen, mut gone) = (0, 0);
        loop {
            let page = inner.store.scan(&scan).await.map_err(CommitError::Store)?;
            let mut changes = ChangeSet::new();
            // A crash may bring them back; then they go the next time.
            changes.durability = Durability::Visible;
            for document in &page.documents {
                seen += 1;
                let is_old = entry::time_of(&document.id).is_some_and(|time| time < oldest);
                if is_old || seen > inner.settings.entries_kept {
                    changes.delete(scan.collection.key(document.id.clone()), Expectation::Any);
                }
            }
            gone += changes.writes.len();
            if !changes.is_empty() {
                inner.store.commit(changes).await?;
            }
            match page.cursor {
                None => return Ok(gone),
                cursor => scan = scan.after(cursor),
            }
        }
    }
}
