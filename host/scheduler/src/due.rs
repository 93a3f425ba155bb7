//! Which trigger is due next: an index in memory, ordered by fire time, then by name.
//!
//! It is a hint and not the truth. The truth is in the store, and is read again before anything fires; an entry that is
//! wrong costs one look.

use std::collections::{BTreeSet, HashMap};

use host_model::clock::Timestamp;
use host_model::job::JobId;

use crate::shelf::ShelfName;

/// When a job's trigger is due, as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The fire time.
    pub at: Timestamp,
    /// Where the job lies.
    pub shelf: ShelfName,
    /// It was due while a run of its job went on that allows no second one.
    pub is_overlapped: bool,
}

/// The index.
#[derive(Debug, Default)]
pub struct DueIndex {
    order: BTreeSet<(Timestamp, JobId)>,
    entries: HashMap<JobId, Due>,
}

impl DueIndex {
    /// Notes when a job is due, instead of what was noted before.
    pub fn set(&mut self, job: &JobId, due: Due) {
        self.remove(job);
        self.order.insert((due.at, job.clone()));
        self.entries.insert(job.clone(), due);
    }

    /// Forgets a job.
    pub fn remove(&mut self, job: &JobId) {
        if let Some(known) = self.entries.remove(job) {
            self.order.remove(&(known.at, job.clone()));
        }
    }

    /// The next fire time of all.
    pub fn first(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// The jobs that are due, in order.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = &JobId> {
        self.order
            .iter()
            .take_while(move |(at, _)| *at <= now)
            .map(|(_, job)| job)
    }

    /// Takes out the job that is due first, if it is due.
    pub fn pop(&mut self, now: Timestamp) -> Option<(JobId, Due)> {
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

    fn due(seconds: i64) -> Due {
        Due {
            at: at(seconds),
            shelf: ShelfName::Persisted,
            is_overlapped: false,
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
            index.set(&name.parse().unwrap(), due(seconds));
        }
        assert_eq!(index.first(), Some(at(1)));
        assert_eq!(pop_all(&mut index, 5), ["early", "a", "b"]);
        assert_eq!(pop_all(&mut index, 8), Vec::<String>::new());
        assert_eq!(pop_all(&mut index, 9), ["late"]);
        assert_eq!(index.first(), None);
    }

    #[test]
    fn what_was_noted_last_counts() {
        let mut index = DueIndex::default();
        let job: JobId = "a".parse().unwrap();
        index.set(&job, due(5));
        index.set(&job, due(7));
        assert_eq!(index.first(), Some(at(7)));
        index.set(&job, due(3));
        assert_eq!(pop_all(&mut index, 100), ["a"]);
        index.set(&job, due(3));
        index.remove(&job);
        index.remove(&job);
        assert_eq!(pop_all(&mut index, 100), Vec::<String>::new());
    }
}
