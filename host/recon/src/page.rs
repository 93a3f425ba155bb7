//! A page of objects: worked on in parallel, and committed together with the run's record.
//!
//! Each object has a unit of work on the page's snapshot. Of those that touched the same document the first one wins; the
//! others are done again, one after the other, on top of what the winners did. If others than this run were faster, the
//! page is done again in halves, down to single objects.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use host_resource::Problem;
use host_store::{ChangeSet, Collection, CommitError, Expectation, Key, Overlay, Snapshot, TenantStore};
use parking_lot::Mutex;
use serde_json::json;
use tokio::task::JoinSet;

use crate::attempt::{Attempt, attempt};
use crate::audit;
use crate::claims::{Claims, Looked, Made};
use crate::entry::{About, entries};
use crate::item::Item;
use crate::live::{Halt, Live};
use crate::record::{Ledger, Phase, Record};
use crate::turn::Side;
use crate::work::Work;

/// Objects that are committed together: large enough that many share an fsync, small enough to be soon visible.
pub(crate) const PAGE: usize = 500;

/// How often a single object that others keep changing is done again.
const ATTEMPTS: usize = 8;

/// Failed entries of a run that are kept although nobody asked for its associations.
const FAILURES_KEPT: u64 = 10_000;

/// Target objects that a run has handled.
pub(crate) fn handled(run: &str) -> Collection {
    Collection::new(&format!("recon/handled/{run}"))
}

/// Objects behind the cursor that a run has done.
pub(crate) fn done(run: &str) -> Collection {
    Collection::new(&format!("recon/done/{run}"))
}

/// Objects whose target is deleted at the end.
pub(crate) fn deferred(run: &str) -> Collection {
    Collection::new(&format!("recon/deferred/{run}"))
}

/// What works on the pages of a run.
pub(crate) struct Pages<'a> {
    pub(crate) work: &'a Arc<Work>,
    pub(crate) live: &'a Arc<Live>,
    pub(crate) store: &'a TenantStore,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) threads: usize,
}

/// Where the run stands when a page is done.
pub(crate) struct Then {
    pub(crate) phase: Phase,
    /// Whether objects are noted one by one, because their page may not come again as it was.
    pub(crate) notes: bool,
}

/// How a page, and a run over pages, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All of it is done.
    Done,
    /// The run was halted.
    Halted,
}

impl Pages<'_> {
    /// Does the objects of a page, and commits what they did.
    pub(crate) async fn settle(&mut self, items: Vec<Item>, then: Then) -> Result<End, Problem> {
        let mut open = VecDeque::from([(items, 1)]);
        while let Some((items, tries)) = open.pop_front() {
            let is_last = open.is_empty();
            let snapshot = self.store.snapshot().await?;
            let attempts = if tries > ATTEMPTS {
                items
                    .iter()
                    .map(|item| (item.clone(), Attempt::overtaken(item)))
                    .collect()
            } else {
                self.attempts(&items, &snapshot).await?
            };
            let was_halted = attempts.len() < items.len();
            if was_halted && self.live.halted() != Some(Halt::Cancelled) {
                // Nothing of this page is kept: the run goes on with it after the start.
                return Ok(End::Halted);
            }
            let settled = self.merged(attempts, &snapshot).await?;
            let moves = is_last && !was_halted;
            match self
                .commit(settled, moves.then_some(&then), then.notes || !moves)
                .await?
            {
                true if was_halted => return Ok(End::Halted),
                true => {}
                false if items.len() > 1 => {
                    let mut first = items;
                    let second = first.split_off(first.len() / 2);
                    open.push_front((second, 1));
                    open.push_front((first, 1));
                }
                false => open.push_front((items, tries + 1)),
            }
        }
        Ok(End::Done)
    }

    /// Works on objects in parallel; fewer come back when the run was halted.
    async fn attempts(&self, items: &[Item], snapshot: &Arc<dyn Snapshot>) -> Result<Vec<(Item, Attempt)>, Problem> {
        let waiting: Arc<Mutex<VecDeque<(usize, Item)>>> =
            Arc::new(Mutex::new(items.iter().cloned().enumerate().collect()));
        let mut workers = JoinSet::new();
        let target = &self.work.mapping.target;
        let sends = !self.work.is_analysis && !target.joins(&self.work.router);
        let claims = sends.then(Arc::<Claims>::default);
        for _ in 0..self.threads.clamp(1, items.len().max(1)) {
            let (waiting, work, live) = (Arc::clone(&waiting), Arc::clone(self.work), Arc::clone(self.live));
            let (snapshot, claims) = (Arc::clone(snapshot), claims.clone());
            workers.spawn(async move {
                let mut done = Vec::new();
                while live.halted().is_none() {
                    let Some((number, item)) = waiting.lock().pop_front() else {
                        break;
                    };
                    let attempt =
                        attempt(&work, &item, Arc::clone(&snapshot), Overlay::default(), claims.as_ref()).await;
                    let is_fatal = attempt.fatal.is_some();
                    done.push((number, item, attempt));
                    if is_fatal {
                        break;
                    }
                }
                done
            });
        }
        let mut all = Vec::with_capacity(items.len());
        while let Some(done) = workers.join_next().await {
            let done = done.map_err(|_| Problem::internal("the host failed while it worked on an object"))?;
            all.extend(done);
        }
        if let Some(problem) = all.iter_mut().find_map(|(_, _, attempt)| attempt.fatal.take()) {
            return Err(problem);
        }
        all.sort_by_key(|(number, _, _)| *number);
        Ok(all.into_iter().map(|(_, item, attempt)| (item, attempt)).collect())
    }

    /// Those that touched the same document are done again, one after the other; so are those that would have found what an
    /// earlier one made, had it been there when they looked.
    async fn merged(&self, attempts: Vec<(Item, Attempt)>, snapshot: &Arc<dyn Snapshot>) -> Result<Settled, Problem> {
        let mut written: HashSet<Key> = HashSet::new();
        let mut settled = Settled::default();
        let joins = self.work.mapping.target.joins(&self.work.router);
        let mut losers = Vec::new();
        let mut made: Vec<Made> = Vec::new();
        for (item, mut attempt) in attempts {
            let own = std::mem::take(&mut attempt.ended).own;
            let misses = |looked: &Looked| made.iter().any(|made| looked.misses(made));
            let is_late = attempt.is_postponed || attempt.looked.iter().any(misses);
            if is_late || own.touched().any(|key| written.contains(key)) {
                losers.push(item);
                continue;
            }
            written.extend(own.written().cloned());
            made.append(&mut attempt.made);
            // Who wrote nothing and sent nothing is right as of the snapshot: what it read may have changed since.
            if !joins || own.written().next().is_some() {
                settled.ground.absorb(own);
            }
            settled.attempts.push((item, attempt));
        }
        for item in losers {
            let ground = std::mem::take(&mut settled.ground);
            let mut attempt = attempt(self.work, &item, Arc::clone(snapshot), ground, None).await;
            if let Some(problem) = attempt.fatal.take() {
                return Err(problem);
            }
            settled.ground = std::mem::take(&mut attempt.ended).keep();
            settled.attempts.push((item, attempt));
        }
        Ok(settled)
    }

    /// One commit: what the objects did, their entries and notes, the counters and the cursor. False when others had
    /// changed something meanwhile.
    async fn commit(&mut self, settled: Settled, then: Option<&Then>, notes: bool) -> Result<bool, Problem> {
        let Settled { ground, attempts } = settled;
        let id = Arc::clone(&self.ledger.id);
        let mut changes = ground.to_changes();
        let before = self.ledger.record.clone();
        let record = &mut self.ledger.record;
        let about = About {
            run: &id,
            mapping: &before.mapping,
            source: &before.source,
            target: &before.target,
            is_analysis: before.is_analysis,
        };
        let mut is_marked: HashSet<Key> = HashSet::new();
        for (item, attempt) in &attempts {
            work_off(self.work, record, &mut changes, &about, (item, attempt), &mut is_marked);
            if notes {
                changes.put(done(&id).key(item.mark()), Expectation::Any, "{}");
            }
        }
        if let Some(then) = then {
            record.phase = then.phase.clone();
        }
        record.durations.join(std::mem::take(&mut *self.work.durations.lock()));
        match self.ledger.commit(self.store, changes).await {
            Ok(()) => {
                self.live.show(self.ledger.record.clone());
                Ok(true)
            }
            Err(CommitError::Conflict(keys)) => {
                if keys.contains(&Record::key(&id)) {
                    return Err(Problem::conflict("the run is worked on by somebody else"));
                }
                self.ledger.record = before;
                Ok(false)
            }
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }
}

/// Objects that are done, and what they did together.
#[derive(Default)]
struct Settled {
    ground: Overlay,
    attempts: Vec<(Item, Attempt)>,
}

/// Counts and notes what an object did.
fn work_off(
    work: &Work,
    record: &mut Record,
    changes: &mut ChangeSet,
    about: &About<'_>,
    (item, attempt): (&Item, &Attempt),
    is_marked: &mut HashSet<Key>,
) {
    let is_first = item.only.is_none() || item.planned.is_some();
    if item.side == Side::Source && is_first {
        record.tally.source_processed += 1;
    }
    for entry in &attempt.entries {
        record.tally.count(entry);
        audit::did(work, changes, entry);
        let is_planned_deletion = about.is_analysis && entry.counts.deleted;
        record.tally.deletions += u64::from(is_planned_deletion);
        let is_kept = record.keeps_entries && entry.action != Some(host_model::policy::Action::NoReport);
        let is_kept_failure = entry.failure.is_some() && record.tally.failures_kept < FAILURES_KEPT;
        if is_kept || is_kept_failure {
            record.tally.failures_kept += u64::from(!is_kept);
            changes.put(
                entries(about.run).key(entry.id()),
                Expectation::Any,
                entry.to_bytes(about),
            );
        }
    }
    let notes_handled = work.mapping.spec.run_target_phase && work.recon_action == Some("recon");
    for target in attempt.handled.iter().filter(|_| notes_handled) {
        let key = handled(about.run).key(target.as_str());
        if is_marked.insert(key.clone()) {
            changes.put(key, Expectation::Any, "{}");
        }
    }
    if !attempt.deferred.is_empty() {
        let key = deferred(about.run).key(item.object_mark());
        changes.put(
            key,
            Expectation::Any,
            json!({"qualifiers": attempt.deferred}).to_string(),
        );
        record.tally.deletions += attempt.deferred.len() as u64;
    }
}
