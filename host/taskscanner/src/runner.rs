//! The runners of a run: jobs on the worker pool that take its claimed objects one after the other. There are at most
//! `numberOfThreads` of them. A runner keeps its worker for a slice of time only, and then queues again behind the jobs
//! of other tenants: waking a worker for each object would cost as much as a small object does.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use host_store::{Document, Overlay, Snapshot};
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use crate::failure::Failure;
use crate::feeder::{Event, Finished};
use crate::object::{Attempt, attempt};
use crate::work::{Claimed, Work};

/// How long a runner keeps its worker. An object that takes longer is not cut off by this, but by its own limits.
const SLICE: Duration = Duration::from_millis(2);

/// Claimed objects that wait for their turn.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<State>);

#[derive(Default)]
struct State {
    objects: VecDeque<(Claimed, Arc<dyn Snapshot>)>,
    /// Runners that are queued or at work.
    runners: usize,
}

impl Waiting {
    /// The next object. Without one, the runner that asked is no more.
    fn next(&self) -> Option<(Claimed, Arc<dyn Snapshot>)> {
        let mut state = self.0.lock();
        let next = state.objects.pop_front();
        if next.is_none() {
            state.runners -= 1;
        }
        next
    }
}

/// Queues objects of a page, to be run on its snapshot.
pub(crate) fn queue(
    work: &Arc<Work>,
    objects: Vec<Claimed>,
    snapshot: &Arc<dyn Snapshot>,
    events: &UnboundedSender<Event>,
) {
    let started = {
        let mut state = work.waiting.0.lock();
        state
            .objects
            .extend(objects.into_iter().map(|claimed| (claimed, Arc::clone(snapshot))));
        let wanted = state.objects.len().min(work.definition.spec.threads as usize);
        let started = wanted.saturating_sub(state.runners);
        state.runners += started;
        started
    };
    for _ in 0..started {
        submit(Runner::new(Arc::clone(work), events.clone()));
    }
}

fn submit(runner: Runner) {
    let work = Arc::clone(&runner.work);
    work.pool.submit(&work.around.tenant, Box::pin(run(runner)));
}

async fn run(mut runner: Runner) -> u64 {
    let started = instant();
    let mut fuel = 0;
    while let Some((claimed, snapshot)) = runner.work.waiting.next() {
        if runner.work.live.halted().is_some() {
            runner.finished.push(Finished { claimed, attempt: None });
            continue;
        }
        let (id, revision) = (Arc::clone(&claimed.document.id), claimed.document.revision);
        let ground = ground(&runner.work, &claimed);
        runner.current = Some(claimed);
        let attempt = attempt(&runner.work, &id, Some(revision), snapshot, ground).await;
        fuel += attempt.usage.fuel;
        if let Some(claimed) = runner.current.take() {
            runner.finished.push(Finished {
                claimed,
                attempt: Some(attempt),
            });
        }
        if started.elapsed() >= SLICE {
            runner.report();
            runner.is_over = true;
            submit(runner.successor());
            return fuel;
        }
    }
    runner.report();
    runner.is_over = true;
    fuel
}

/// What the object's unit of work stands on: in an analysis, the claim that a run would have committed.
fn ground(work: &Work, claimed: &Claimed) -> Overlay {
    if !work.is_analysis() {
        return Overlay::default();
    }
    let Document { id, revision, body } = &claimed.document;
    let key = work.definition.collection.key(Arc::clone(id));
    Overlay::staging(key, *revision, body.clone())
}

/// A runner and what it has not reported yet. Whatever becomes of it, the committer hears of its objects.
struct Runner {
    work: Arc<Work>,
    events: UnboundedSender<Event>,
    finished: Vec<Finished>,
    current: Option<Claimed>,
    is_over: bool,
}

impl Runner {
    fn new(work: Arc<Work>, events: UnboundedSender<Event>) -> Self {
        Self {
            work,
            events,
            finished: Vec::new(),
            current: None,
            is_over: false,
        }
    }

    /// Who goes on in its place.
    fn successor(&self) -> Self {
        Self::new(Arc::clone(&self.work), self.events.clone())
    }

    fn report(&mut self) {
        let finished = std::mem::take(&mut self.finished);
        if !finished.is_empty() {
            // Without a committer there is nobody to tell: the run has failed and says why itself.
            drop(self.events.send(Event::Finished(finished)));
        }
    }
}

impl Drop for Runner {
    /// A runner that did not come to its end: the host itself failed in it, or the pool was closed before its turn.
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if let Some(claimed) = self.current.take() {
            let attempt = Attempt {
                failure: Some(Failure::lost()),
                ..Attempt::default()
            };
            self.finished.push(Finished {
                claimed,
                attempt: Some(attempt),
            });
        }
        if std::thread::panicking() {
            self.report();
            submit(self.successor());
            return;
        }
        while let Some((claimed, _)) = self.work.waiting.next() {
            self.finished.push(Finished { claimed, attempt: None });
        }
        self.report();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a worker was kept is a measurement, not a moment"
)]
fn instant() -> Instant {
    Instant::now()
}
