//! The runners of a run: jobs on the worker pool that take its claimed objects one after the other. There are at most
//! `numberOfThreads` of them. A runner keeps its worker for a slice of time only, and then queues again behind the jobs
//! of other tenants: waking a worker for each object would cost as much as a small object does.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use host_store::Snapshot;
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use crate::failure::Failure;
use crate::feeder::{Event, Finished};
use crate::object::{Attempt, Ground, attempt};
use crate::work::{Claimed, Work};

/// How long a runner keeps its worker. An object that takes longer is not cut off by this, but by its own limits.
const SLICE: Duration = Duration::from_millis(2);

/// Claimed objects that wait for their turn.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<State>);

#[derive(Default)]
struct State {
    objects: VecDeque<(Claimed, Held)>,
    /// Runners that are queued or at work.
    runners: usize,
    /// Set while the run is paused and objects wait: keeps the committer waiting too, and makes the runners that go on.
    parked: Option<UnboundedSender<Event>>,
}

/// What an object runs on. A paused run holds none: a snapshot that is held long keeps the store from tidying up.
type Held = Option<Arc<dyn Snapshot>>;

impl State {
    /// Lets the objects wait until the run goes on.
    fn park(&mut self, events: &UnboundedSender<Event>) {
        if !self.objects.is_empty() {
            self.parked.get_or_insert_with(|| events.clone());
            self.objects.iter_mut().for_each(|(_, ground)| *ground = None);
        }
    }

    /// How many further runners there should be.
    fn wanted(&mut self, threads: usize) -> usize {
        let wanted = self.objects.len().min(threads).saturating_sub(self.runners);
        self.runners += wanted;
        wanted
    }
}

impl Waiting {
    /// The next object, and how many further runners there should be. Without an object, the runner that asked is no more:
    /// none is left, the run is paused, or it is to use fewer threads.
    fn next(&self, work: &Work, events: &UnboundedSender<Event>) -> Option<(Claimed, Held, usize)> {
        let mut state = self.0.lock();
        // Looked at under the lock, so that whoever wakes the run comes before or after, and not in between.
        if work.live.is_resting() {
            state.runners -= 1;
            state.park(events);
            return None;
        }
        let threads = work.threads();
        let next = (state.runners <= threads).then(|| state.objects.pop_front()).flatten();
        let Some((claimed, ground)) = next else {
            state.runners -= 1;
            return None;
        };
        Some((claimed, ground, state.wanted(threads)))
    }

    /// Everything that waits: nobody will run it.
    fn drain(&self) -> VecDeque<(Claimed, Held)> {
        let mut state = self.0.lock();
        state.runners -= 1;
        std::mem::take(&mut state.objects)
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
            .extend(objects.into_iter().map(|claimed| (claimed, Some(Arc::clone(snapshot)))));
        if work.live.is_resting() {
            state.park(events);
            return;
        }
        state.wanted(work.threads())
    };
    start(work, events, started);
}

/// Goes on with the objects of a run that was paused, if it is not any more. A run that is halted gives them back.
pub(crate) fn wake(work: &Arc<Work>) {
    let (events, started) = {
        let mut state = work.waiting.0.lock();
        if work.live.is_resting() {
            return;
        }
        let Some(events) = state.parked.take() else { return };
        (events, state.wanted(work.threads()))
    };
    start(work, &events, started);
}

fn start(work: &Arc<Work>, events: &UnboundedSender<Event>, runners: usize) {
    for _ in 0..runners {
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
    let mut latest: Held = None;
    while let Some((claimed, ground, wanted)) = runner.work.waiting.next(&runner.work, &runner.events) {
        start(&runner.work, &runner.events, wanted);
        if runner.work.live.halted().is_some() {
            runner.finished.push(Finished { claimed, attempt: None });
            continue;
        }
        // Since its page was claimed, unless the run was paused.
        let hand = ground.is_some().then(|| claimed.document.clone());
        let snapshot = match ground.or_else(|| latest.clone()) {
            Some(snapshot) => snapshot,
            // It waited while the run was paused. If it was changed meanwhile, its revision says so.
            None => match runner.work.store.snapshot().await {
                Ok(snapshot) => Arc::clone(latest.insert(snapshot)),
                Err(error) => {
                    runner.fail(claimed, Failure::of_problem("store", &error.into()));
                    continue;
                }
            },
        };
        let (id, revision) = (Arc::clone(&claimed.document.id), claimed.document.revision);
        let ground = Ground {
            snapshot,
            before: runner.work.ground(&claimed),
            hand,
        };
        runner.current = Some(claimed);
        let attempt = attempt(&runner.work, &id, Some(revision), ground).await;
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

    fn fail(&mut self, claimed: Claimed, failure: Failure) {
        let attempt = Attempt {
            failure: Some(failure),
            ..Attempt::default()
        };
        self.finished.push(Finished {
            claimed,
            attempt: Some(attempt),
        });
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
            self.fail(claimed, Failure::lost());
        }
        if std::thread::panicking() {
            self.report();
            submit(self.successor());
            return;
        }
        let left = self.work.waiting.drain();
        self.finished
            .extend(left.into_iter().map(|(claimed, _)| Finished { claimed, attempt: None }));
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
