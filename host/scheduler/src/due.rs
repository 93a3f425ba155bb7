//! Which trigger is due next: an index in memory, ordered by fire time, then by name.
//!
//! It is a hint and not the truth. The truth is in the store, and is read again before anything fires; an entry that is
//! wrong costs one look. So nobody has to hold a lock over a commit.

use std::collections::{BTreeSet, HashMap};

use host_model::clock::Timestamp;
use host_model::job::JobId;
use host_store::Revision;

use crate::shelf::ShelfName;

/// When a job's trigger is due, as somebody saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: Timestamp,
    /// Where the job lies.
    pub(crate) shelf: ShelfName,
    /// The revision of the trigger that was seen.
    pub(crate) revision: Revision,
}

/// The index.
#[derive(Debug, Default)]
pub(crate) struct DueIndex {
    order: BTreeSet<(Timestamp, JobId)>,
    entries: HashMap<JobId, Due>,
}

impl DueIndex {
    /// Notes when a job is due, unless a newer trigger of it was seen before.
    pub(crate) fn set(&mut self, job: &JobId, due: Due) {
        if let Some(known) = self.entries.get(job) {
            if known.shelf == due.shelf && known.revision > due.revision {
                return;
            }
            self.order.remove(&(known.at, job.clone()));
        }
        self.order.insert((due.at, job.clone()));
        self.entries.insert(job.clone(), due);
    }

    /// Forgets a job.
    pub(crate) fn remove(&mut self, job: &JobId) {
        if let Some(known) = self.entries.remove(job) {
            self.order.remove(&(known.at, job.clone()));
        }
    }

    /// The next fire time of all.
    pub(crate) fn first(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// The jobs that are due, in order.
    pub(crate) fn due(&self, now: Timestamp) -> impl Iterator<Item = &JobId> {
        self.order
            .iter()
            .take_while(move |(at, _)| *at <= now)
            .map(|(_, job)| job)
    }

    /// Takes out the job that is due first, if it is due.
    pub(crate) fn pop(&mut self, now: Timestamp) -> Option<(JobId, Due)> {
        if self.first()? > now {
            return None;
        }
        let (_, job) = self.order.pop_first()?;
        let due = self.entries.remove(&job)?;
        Some((job, due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn at(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn due(seconds: i64, revision: u64) -> Due {
        Due {
            at: at(seconds),
            shelf: ShelfName::Persisted,
            revision: Revision(revision),
        }
    }

    fn pop_all(index: &mut DueIndex, now: i64) -> Vec<String> {
        std::iter::from_fn(|| index.pop(at(now)))
            .map(|(job, _)| job.to_string())
            .collect()
    }

    #[test]
    fn jobs_come_by_time_then_by_name() {
        let mut index = DueIndex::default();
        for (name, seconds) in [("late", 9), ("b", 5), ("a", 5), ("early", 1)] {
            index.set(&name.parse().unwrap(), due(seconds, 1));
        }
        assert_eq!(index.first(), Some(at(1)));
        assert_eq!(pop_all(&mut index, 5), ["early", "a", "b"]);
        assert_eq!(pop_all(&mut index, 8), Vec::<String>::new());
        assert_eq!(pop_all(&mut index, 9), ["late"]);
        assert_eq!(index.first(), None);
    }

    #[test]
    fn what_was_seen_later_counts() {
        let mut index = DueIndex::default();
        let job: JobId = "a".parse().unwrap();
        index.set(&job, due(5, 2));
        index.set(&job, due(1, 1));
        assert_eq!(index.first(), Some(at(5)));
        index.set(&job, due(7, 3));
        assert_eq!(index.first(), Some(at(7)));
        index.set(
            &job,
            Due {
                shelf: ShelfName::Memory,
                ..due(3, 1)
            },
        );
        assert_eq!(index.first(), Some(at(3)));
        index.remove(&job);
        index.remove(&job);
        assert_eq!(pop_all(&mut index, 100), Vec::<String>::new());
    }
}
