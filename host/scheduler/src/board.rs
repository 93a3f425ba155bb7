//! What is due, what waits for its turn and what is under way: the scheduler's memory between two looks at the store.
//!
//! A *flight* is one thing that a thread is busy with, from the moment it was taken up until its record is written. While
//! a flight of a job is alone, no other one of the job begins.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use host_model::clock::Timestamp;
use host_model::job::{Job, JobId};
use host_model::run::RunId;
use host_store::Revision;

use crate::due::{Due, DueIndex};
use crate::shelf::ShelfName;

/// The scheduler's memory.
#[derive(Debug, Default)]
pub(crate) struct Board {
    due: DueIndex,
    waiting: VecDeque<Waiting>,
    flights: BTreeMap<FlightId, Flight>,
    last_flight: u64,
    is_stopped: bool,
    /// Since when no thread is free.
    full_since: Option<Timestamp>,
    /// The last time in which no thread was free, from its begin to its end.
    was_full: Option<(Timestamp, Timestamp)>,
}

/// So many flights for each thread there are at most, most of them only waiting for the store.
const MAX_ENDING: usize = 8;

/// A run that somebody asked for, and that waits for its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) job: JobId,
    pub(crate) run: RunId,
    pub(crate) shelf: ShelfName,
    /// The revision of its record.
    pub(crate) revision: Revision,
}

/// Names one flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FlightId(u64);

#[derive(Debug)]
struct Flight {
    job: JobId,
    /// Until the job was read nobody knows whether it allows others, so it is alone until then.
    is_alone: bool,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Its fire or turn is being claimed.
    Claiming,
    /// The service works on it.
    Running(Option<Arc<Job>>),
    /// What became of it is being written down.
    Ending,
    /// It keeps nobody back any more; its job is being looked at again.
    Landing,
}

/// What a thread is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Errand {
    /// A trigger is due.
    Fire(JobId, Due),
    /// Somebody asked for a run.
    ByHand(Waiting),
}

impl Errand {
    /// Whom it is about.
    pub(crate) fn job(&self) -> &JobId {
        match self {
            Errand::Fire(job, _) => job,
            Errand::ByHand(waiting) => &waiting.job,
        }
    }
}

/// What can be seen of a job's flights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sight {
    /// There is one.
    pub(crate) is_acquired: bool,
    /// There is one that does not allow another.
    pub(crate) is_blocked: bool,
}

impl Board {
    /// Notes when a job's trigger is due. While a flight of the job is alone this is not noted: its end looks again.
    pub(crate) fn set_due(&mut self, job: &JobId, due: Due) {
        if !self.sight(job).is_blocked {
            self.due.set(job, due);
        }
    }

    /// Forgets when a job's trigger is due.
    pub(crate) fn remove_due(&mut self, job: &JobId) {
        self.due.remove(job);
    }

    /// Lines up a run that somebody asked for.
    pub(crate) fn wait(&mut self, waiting: Waiting) {
        self.waiting.push_back(waiting);
    }

    /// Forgets a run that was lined up.
    pub(crate) fn give_up(&mut self, run: &RunId) {
        self.waiting.retain(|waiting| waiting.run != *run);
    }

    /// Whether no thread was free at `instant`, as far as is remembered.
    pub(crate) fn was_full(&self, instant: Timestamp) -> bool {
        self.was_full
            .is_some_and(|(begin, end)| begin <= instant && instant <= end)
    }

    /// How many runs are lined up.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Takes up the next thing, if there is one and a thread is free.
    pub(crate) fn take(&mut self, now: Timestamp, threads: usize) -> Option<(FlightId, Errand)> {
        if self.is_stopped {
            return None;
        }
        if !self.is_free(threads) {
            self.full_since.get_or_insert(now);
            return None;
        }
        if let Some(since) = self.full_since.take() {
            self.was_full = Some((since, now));
        }
        let turn = self
            .waiting
            .iter()
            .position(|waiting| !self.sight(&waiting.job).is_blocked);
        if let Some(waiting) = turn.and_then(|position| self.waiting.remove(position)) {
            return Some((self.begin(waiting.job.clone()), Errand::ByHand(waiting)));
        }
        while let Some((job, due)) = self.due.pop(now) {
            // What is dropped here comes back when the flight that is alone ends.
            if !self.sight(&job).is_blocked {
                return Some((self.begin(job.clone()), Errand::Fire(job, due)));
            }
        }
        None
    }

    /// Whether [`Board::take`] would find something.
    pub(crate) fn has_errand(&self, now: Timestamp, threads: usize) -> bool {
        let is_free = !self.is_stopped && self.is_free(threads);
        let may_begin = |job: &JobId| !self.sight(job).is_blocked;
        is_free && (self.waiting.iter().any(|waiting| may_begin(&waiting.job)) || self.due.due(now).any(may_begin))
    }

    /// When the next trigger is due.
    pub(crate) fn first_due(&self) -> Option<Timestamp> {
        self.due.first()
    }

    /// When the next trigger is due, if a thread is free for it.
    pub(crate) fn next_due(&self, threads: usize) -> Option<Timestamp> {
        self.first_due().filter(|_| self.is_free(threads))
    }

    /// Whether a thread is free: a flight that is only written down needs none, within limits.
    fn is_free(&self, threads: usize) -> bool {
        let is_busy = |flight: &&Flight| !matches!(flight.stage, Stage::Ending | Stage::Landing);
        self.flights.values().filter(is_busy).count() < threads && self.flights.len() < threads * MAX_ENDING
    }

    /// Begins a flight, whether a thread is free or not.
    pub(crate) fn begin(&mut self, job: JobId) -> FlightId {
        self.last_flight += 1;
        let flight = FlightId(self.last_flight);
        self.flights.insert(
            flight,
            Flight {
                job,
                is_alone: true,
                stage: Stage::Claiming,
            },
        );
        flight
    }

    /// Says whether the flight allows others of its job. False if it does not and there are some: then it has to end,
    /// and no other begins before they have ended.
    pub(crate) fn settle(&mut self, flight: FlightId, concurrent: bool) -> bool {
        let Some(job) = self.flights.get(&flight).map(|flight| flight.job.clone()) else {
            return false;
        };
        let of_job = self.flights.values_mut().filter(|other| other.holds(&job));
        let count = of_job.map(|other| other.is_alone = !concurrent).count();
        concurrent || count == 1
    }

    /// The service begins to work on it. The job is none if it is gone.
    pub(crate) fn run(&mut self, flight: FlightId, job: Option<Arc<Job>>) {
        if let Some(flight) = self.flights.get_mut(&flight) {
            flight.stage = Stage::Running(job);
        }
    }

    /// There is nothing more to be done in it but to write down what became of it. True if that holds for all flights of
    /// its job.
    pub(crate) fn end(&mut self, flight: FlightId) -> bool {
        let Some(ending) = self.flights.get_mut(&flight) else {
            return true;
        };
        ending.stage = Stage::Ending;
        let job = ending.job.clone();
        let is_ending = |other: &Flight| matches!(other.stage, Stage::Ending);
        self.flights
            .values()
            .all(|other| !other.holds(&job) || is_ending(other))
    }

    /// It keeps nobody back any more. True if it did.
    pub(crate) fn land(&mut self, flight: FlightId) -> bool {
        let Some(flight) = self.flights.get_mut(&flight) else {
            return false;
        };
        flight.stage = Stage::Landing;
        flight.is_alone
    }

    /// It is over.
    pub(crate) fn release(&mut self, flight: FlightId) {
        self.flights.remove(&flight);
    }

    /// No errand is taken up from now on.
    pub(crate) fn stop(&mut self) {
        self.is_stopped = true;
    }

    /// Whether it was stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// What can be seen of a job's flights.
    pub(crate) fn sight(&self, job: &JobId) -> Sight {
        self.flights
            .values()
            .filter(|flight| flight.holds(job))
            .fold(Sight::default(), |sight, flight| Sight {
                is_acquired: true,
                is_blocked: sight.is_blocked || flight.is_alone,
            })
    }

    /// The jobs that are being worked on, in the order of their names.
    pub(crate) fn acquired(&self) -> Vec<JobId> {
        let held = self
            .flights
            .values()
            .filter(|flight| !matches!(flight.stage, Stage::Landing));
        let mut jobs: Vec<JobId> = held.map(|flight| flight.job.clone()).collect();
        jobs.sort();
        jobs.dedup();
        jobs
    }

    /// The jobs that services work on.
    pub(crate) fn running(&self) -> Vec<Arc<Job>> {
        let running = self.flights.values().filter_map(|flight| match &flight.stage {
            Stage::Running(job) => job.clone(),
            Stage::Claiming | Stage::Ending | Stage::Landing => None,
        });
        running.collect()
    }

    /// Whether every flight is in the hands of its service.
    pub(crate) fn is_handed_over(&self) -> bool {
        self.flights
            .values()
            .all(|flight| matches!(flight.stage, Stage::Running(_)))
    }

    /// Whether there is no flight.
    pub(crate) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }
}

impl Flight {
    /// Whether it counts as a flight of this job.
    fn holds(&self, job: &JobId) -> bool {
        self.job == *job && !matches!(self.stage, Stage::Landing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn at(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn id(name: &str) -> JobId {
        name.parse().unwrap()
    }

    fn due(seconds: i64) -> Due {
        Due {
            at: at(seconds),
            shelf: ShelfName::Persisted,
            is_overlapped: false,
        }
    }

    fn waiting(job: &str) -> Waiting {
        let run = format!("run-of-{job}").parse().unwrap();
        Waiting {
            job: id(job),
            run,
            shelf: ShelfName::Persisted,
            revision: Revision(1),
        }
    }

    fn taken(board: &mut Board, now: i64, threads: usize) -> Option<(FlightId, String)> {
        let has_errand = board.has_errand(at(now), threads);
        let taken = board.take(at(now), threads);
        assert_eq!(taken.is_some(), has_errand);
        taken.map(|(flight, errand)| match errand {
            Errand::Fire(job, _) => (flight, job.to_string()),
            Errand::ByHand(waiting) => (flight, waiting.run.to_string()),
        })
    }

    #[test]
    fn threads_are_not_exceeded() {
        let mut board = Board::default();
        for job in ["a", "b", "c"] {
            board.set_due(&id(job), due(1));
        }
        let (first, name) = taken(&mut board, 1, 2).unwrap();
        assert_eq!(name, "a");
        assert_eq!(taken(&mut board, 1, 2).unwrap().1, "b");
        assert_eq!(taken(&mut board, 1, 2), None);
        assert_eq!(board.next_due(2), None);
        board.release(first);
        assert_eq!(board.next_due(2), Some(at(1)));
        assert_eq!(taken(&mut board, 1, 2).unwrap().1, "c");
    }

    #[test]
    fn a_flight_that_is_alone_keeps_others_of_its_job_back() {
        let mut board = Board::default();
        board.set_due(&id("a"), due(1));
        let (first, _) = taken(&mut board, 1, 9).unwrap();
        board.set_due(&id("a"), due(2));
        assert_eq!(board.next_due(9), None);
        board.wait(waiting("a"));
        board.wait(waiting("b"));
        assert_eq!(taken(&mut board, 5, 9).unwrap().1, "run-of-b");
        assert_eq!(taken(&mut board, 5, 9), None);
        assert!(board.settle(first, true));
        let (second, name) = taken(&mut board, 5, 9).unwrap();
        assert_eq!(name, "run-of-a");
        // The job was changed meanwhile and allows one run only.
        assert!(!board.settle(second, false));
        board.release(second);
        board.set_due(&id("a"), due(2));
        assert_eq!(taken(&mut board, 5, 9), None);
        assert_eq!(
            board.sight(&id("a")),
            Sight {
                is_acquired: true,
                is_blocked: true
            }
        );
        assert!(board.end(first));
        board.release(first);
        assert_eq!(board.sight(&id("a")), Sight::default());
    }

    #[test]
    fn of_two_flights_that_end_together_one_is_the_last() {
        let mut board = Board::default();
        let (first, second) = (board.begin(id("a")), board.begin(id("a")));
        assert!(!board.end(first));
        assert!(board.end(second));
        assert!(!board.is_empty());
    }

    #[test]
    fn a_stopped_board_takes_up_nothing() {
        let mut board = Board::default();
        board.set_due(&id("a"), due(1));
        board.wait(waiting("b"));
        board.stop();
        assert!(!board.has_errand(at(1), 9));
        assert_eq!(board.take(at(1), 9), None);
    }
}
