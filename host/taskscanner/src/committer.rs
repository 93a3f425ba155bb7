//! The committer: gathers what the objects of a run did and commits it together with their marks, the counters and the
//! cursor. It alone writes the run's record.
//!
//! Objects that touched the same document do not both win. Within a batch the first one does; the others, and those whose
//! documents were changed from outside, run once more, one after the other on the newest state, where each sees what the
//! one before it did.

mod analysis;
mod guard;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::Duration;
use host_model::clock::{Timestamp, wire_time};
use host_resource::Problem;
use host_resource::filter::Matcher;
use host_runtime::Usage;
use host_store::{ChangeSet, CommitError, Expectation, Key, Overlay, Snapshot};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::books::{Books, Entry};
use crate::edit::parse;
use crate::failure::{Failure, KEPT};
use crate::feeder::{Event, Finished};
use crate::ledger::Ledger;
use crate::live::Halt;
use crate::object::{Ground, attempt};
use crate::pages::Pages;
use crate::record::{Effects, Record};
use crate::release::release;
use crate::work::{Claimed, PAGE, Work};

/// A page whose objects are slow is committed in parts: what has finished waits no longer than this.
const LINGER: Duration = Duration::milliseconds(200);

/// How often objects that collide are run again before they count as failed.
const ATTEMPTS: usize = 8;

/// How an object was settled.
struct Settled {
    claimed: Claimed,
    settlement: Settlement,
}

enum Settlement {
    Done {
        usage: Usage,
        effects: Effects,
    },
    Failed {
        failure: Failure,
        usage: Usage,
    },
    /// It has gone, or is somebody else's by now.
    Lost,
    /// The run was halted before its turn.
    Unrun,
}

pub(crate) struct Committer<'a> {
    work: &'a Arc<Work>,
    ledger: &'a mut Ledger,
    pages: Pages,
    pending: Vec<Finished>,
    flush_at: Option<Timestamp>,
    failures_kept: u64,
    books: Books,
    /// Whether an object was left out because the run was halted.
    is_cut_short: bool,
}

impl<'a> Committer<'a> {
    pub(crate) fn new(work: &'a Arc<Work>, ledger: &'a mut Ledger, books: Books) -> Self {
        let failures_kept = ledger.record.progress.failures;
        let pages = Pages::resumed(ledger.record.done.clone());
        Self {
            work,
            ledger,
            pages,
            pending: Vec::new(),
            flush_at: None,
            failures_kept,
            books,
            is_cut_short: false,
        }
    }

    /// Commits until the feeder and all objects have reported. Returns whether each of them had its turn: a run that is
    /// halted leaves some out, also when the feeder had come to the end before.
    pub(crate) async fn run(mut self, mut events: UnboundedReceiver<Event>) -> Result<bool, Problem> {
        loop {
            let event = match self.flush_at {
                None => events.recv().await,
                Some(at) => tokio::select! {
                    biased;
                    event = events.recv() => event,
                    () = self.work.clock.sleep_until(at) => {
                        self.flush().await?;
                        continue;
                    }
                },
            };
            match event {
                None => {
                    self.flush().await?;
                    return Ok(!self.is_cut_short);
                }
                Some(Event::Page {
                    number,
                    objects,
                    passed,
                    end,
                    last,
                }) => {
                    self.pages.announce(number, objects, passed, end, last.as_deref());
                    if objects == 0 {
                        // Nothing of it waits for a commit: its end is recorded with the next one.
                        self.work.pages.add_permits(1);
                    }
                }
                Some(Event::Finished(finished)) => {
                    if finished.iter().any(|finished| finished.attempt.is_none()) {
                        self.cut_short();
                    }
                    self.pending.extend(finished);
                    self.flush_at.get_or_insert(self.work.clock.now() + LINGER);
                }
            }
            let is_all = !self.pending.is_empty() && self.pending.len() == self.pages.left();
            if self.pending.len() >= PAGE || is_all {
                self.flush().await?;
            }
        }
    }

    /// An object was left out, so its page will not be closed: the feeder would wait for ever for its permit.
    fn cut_short(&mut self) {
        self.is_cut_short = true;
        self.work.pages.close();
    }

    /// Commits what has finished.
    async fn flush(&mut self) -> Result<(), Problem> {
        self.flush_at = None;
        let mut batch = std::mem::take(&mut self.pending);
        // Sorted as the store sorts, so that it writes along and not to and fro.
        batch.sort_by(|a, b| a.claimed.document.id.cmp(&b.claimed.document.id));
        if self.work.is_analysis() {
            return self.keep_plans(batch).await;
        }
        self.guard(&mut batch);
        let mut losers = self.flush_winners(batch).await?;
        for round in 1.. {
            if losers.is_empty() {
                return Ok(());
            }
            losers = self.flush_losers(losers, round == ATTEMPTS).await?;
        }
        Ok(())
    }

    /// Commits those of a batch that do not collide, and returns the others.
    async fn flush_winners(&mut self, batch: Vec<Finished>) -> Result<Vec<Claimed>, Problem> {
        let mut losers = Vec::new();
        let mut written: HashSet<Key> = HashSet::new();
        let mut winners: Vec<(Settled, Overlay)> = Vec::with_capacity(batch.len());
        for Finished { claimed, attempt } in batch {
            let Some(attempt) = attempt else {
                winners.push((
                    Settled {
                        claimed,
                        settlement: Settlement::Unrun,
                    },
                    Overlay::default(),
                ));
                continue;
            };
            let own = attempt.ended.own;
            if attempt.is_stale || own.touched().any(|key| written.contains(key)) {
                losers.push(claimed);
                continue;
            }
            written.extend(own.written().cloned());
            winners.push((
                Settled {
                    claimed,
                    settlement: settlement(attempt.failure, attempt.usage, attempt.effects),
                },
                own,
            ));
        }
        loop {
            let mut changes = Gathered::default();
            for (settled, own) in &winners {
                match settled.settlement {
                    Settlement::Unrun => changes.take(self.release(&settled.claimed)),
                    _ => changes.take(own.to_changes()),
                }
            }
            match self.commit(winners.iter().map(|(settled, _)| settled), changes).await {
                Ok(()) => return Ok(losers),
                Err(CommitError::Conflict(keys)) => {
                    self.must_own_record(&keys)?;
                    let is_lost = |(settled, own): &mut (Settled, Overlay)| {
                        let is_unrun = matches!(settled.settlement, Settlement::Unrun);
                        own.touched().any(|key| keys.contains(key))
                            || is_unrun && keys.contains(&self.key(&settled.claimed))
                    };
                    losers.extend(winners.extract_if(.., is_lost).map(|(settled, _)| settled.claimed));
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
    }

    /// Runs objects that collided one after the other, each on top of the one before, and commits them together.
    async fn flush_losers(&mut self, losers: Vec<Claimed>, is_last_round: bool) -> Result<Vec<Claimed>, Problem> {
        let snapshot = self.work.store.snapshot().await?;
        let mut ground = Overlay::default();
        let mut did = Effects::default();
        let mut settled = Vec::with_capacity(losers.len());
        for claimed in losers {
            if self.work.live.halted().is_some() {
                self.cut_short();
                if self.gives_back() {
                    ground = release(self.work, &claimed, Arc::clone(&snapshot), ground).await?;
                }
                settled.push(Settled {
                    claimed,
                    settlement: Settlement::Unrun,
                });
                continue;
            }
            if !self.is_still_ours(&claimed, &ground, &*snapshot).await? {
                settled.push(Settled {
                    claimed,
                    settlement: Settlement::Lost,
                });
                continue;
            }
            let (work, snapshot, id) = (
                Arc::clone(self.work),
                Arc::clone(&snapshot),
                Arc::clone(&claimed.document.id),
            );
            let job = async move {
                let ground = Ground {
                    snapshot,
                    before: ground,
                    hand: None,
                };
                let attempt = attempt(&work, &id, None, ground).await;
                let fuel = attempt.usage.fuel;
                (attempt, fuel)
            };
            let Some(attempt) = self.work.pool.run(&self.work.around.tenant, job).await else {
                return Err(Problem::unavailable("the worker pool is closed"));
            };
            if self.objects_to(did.and(attempt.effects)) {
                settled.push(Settled {
                    claimed,
                    settlement: Settlement::Unrun,
                });
                ground = attempt.ended.ground;
                continue;
            }
            did = did.and(attempt.effects);
            settled.push(Settled {
                claimed,
                settlement: settlement(attempt.failure, attempt.usage, attempt.effects),
            });
            ground = attempt.ended.keep();
        }
        let mut changes = Gathered::default();
        changes.take(ground.to_changes());
        match self.commit(settled.iter(), changes).await {
            Ok(()) => Ok(Vec::new()),
            Err(CommitError::Conflict(keys)) => {
                self.must_own_record(&keys)?;
                if !is_last_round {
                    return Ok(settled.into_iter().map(|settled| settled.claimed).collect());
                }
                let given_up: Vec<Settled> = settled
                    .into_iter()
                    .map(|settled| Settled {
                        settlement: given_up(settled.settlement),
                        ..settled
                    })
                    .collect();
                self.commit(given_up.iter(), Gathered::default()).await?;
                Ok(Vec::new())
            }
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// Whether the object still matches and still bears this run's claim.
    async fn is_still_ours(
        &self,
        claimed: &Claimed,
        ground: &Overlay,
        snapshot: &dyn Snapshot,
    ) -> Result<bool, Problem> {
        let key = self.key(claimed);
        let body = match ground.body(&key) {
            Some(staged) => staged.cloned(),
            None => snapshot.get(&key).await?.map(|document| document.body),
        };
        let Some(body) = body else { return Ok(false) };
        let value = parse(&body)?;
        let definition = &self.work.definition;
        let is_claimed = definition.spec.started.get(&value).and_then(Value::as_str) == Some(&*claimed.stamp);
        let is_completed = definition
            .spec
            .completed
            .get(&value)
            .is_some_and(|completed| !completed.is_null());
        Ok(is_claimed && !is_completed && Matcher::new(&self.work.filter).matches_bytes(&body, &key.id, ""))
    }

    fn key(&self, claimed: &Claimed) -> Key {
        self.work.definition.collection.key(Arc::clone(&claimed.document.id))
    }

    /// Whether objects that had no turn are given back: a run that only the host's stop interrupts keeps its claims.
    fn gives_back(&self) -> bool {
        matches!(self.work.live.halted(), Some(Halt::Cancelled | Halt::Guarded))
    }

    /// Gives a claim back when the run was cancelled or its guard stopped it: the object is again what it was.
    fn release(&self, claimed: &Claimed) -> ChangeSet {
        let mut changes = ChangeSet::new();
        if self.gives_back() {
            let (revision, before) = (claimed.document.revision, claimed.before.clone());
            changes.mark(self.key(claimed), revision, before, &self.work.definition.places);
        }
        changes
    }

    /// The record is this committer's alone: if somebody else wrote it, the run is in other hands.
    fn must_own_record(&self, conflicts: &[Key]) -> Result<(), Problem> {
        if conflicts.contains(&Record::key(&self.ledger.id)) {
            return Err(Problem::conflict("the run is worked on by somebody else"));
        }
        Ok(())
    }

    /// One commit: what the objects did, their failures, the counters, the cursor.
    async fn commit<'s>(
        &mut self,
        settled: impl Iterator<Item = &'s Settled> + Clone,
        gathered: Gathered,
    ) -> Result<(), CommitError> {
        let mut changes = gathered.into_changes();
        let mut next = Next {
            pages: self.pages.clone(),
            record: self.ledger.record.clone(),
            failures_kept: self.failures_kept,
        };
        let now = self.work.clock.now();
        let at = wire_time(now);
        let mut books = self.books.clone();
        for settled in settled.clone() {
            let object = &settled.claimed.document.id;
            let is_kept = next.count(settled);
            match &settled.settlement {
                Settlement::Done { usage, .. } => books.done(self.work, object, *usage, &mut changes),
                Settlement::Failed { failure, usage } => {
                    let entry = Entry {
                        object,
                        failure,
                        usage: *usage,
                        at: &at,
                        is_kept,
                    };
                    books.failed(self.work, &entry, &mut changes);
                }
                Settlement::Lost | Settlement::Unrun => {}
            }
        }
        books.write(self.work, &mut changes);
        let closed = next.advance();
        let before = std::mem::replace(&mut self.ledger.record, next.record);
        if let Err(error) = self.ledger.commit(&self.work.store, changes).await {
            self.ledger.record = before;
            return Err(error);
        }
        self.pages = next.pages;
        self.failures_kept = next.failures_kept;
        self.work.pages.add_permits(closed);
        for settled in settled {
            self.work.close_attempt(&settled.claimed.document.id);
        }
        let live = &self.work.live;
        live.show(self.ledger.record.state, self.ledger.record.progress);
        live.note(now);
        live.with_usage(|usage| usage.clone_from(&books.usage));
        self.books = books;
        Ok(())
    }
}

/// What will be true once a commit has succeeded.
struct Next {
    pages: Pages,
    record: Record,
    failures_kept: u64,
}

impl Next {
    /// Counts an object. Whether it has a failure that is to be kept.
    fn count(&mut self, settled: &Settled) -> bool {
        let progress = &mut self.record.progress;
        match &settled.settlement {
            Settlement::Done { effects, .. } => {
                progress.successes += 1;
                self.record.effects = self.record.effects.and(*effects);
            }
            Settlement::Failed { .. } => {
                progress.failures += 1;
                self.failures_kept += 1;
            }
            Settlement::Lost => progress.skipped += 1,
            Settlement::Unrun => return false,
        }
        self.pages.settle(settled.claimed.page, &settled.claimed.document.id);
        self.failures_kept <= KEPT
    }

    /// Moves the cursor over the pages that are finished. Returns how many of them held a permit.
    fn advance(&mut self) -> usize {
        let closed = self.pages.close();
        if let Some(end) = closed.end {
            self.record.cursor = Some(end);
        }
        self.record.is_through |= closed.is_last;
        self.record.progress.skipped += closed.passed.skipped;
        self.record.progress.quarantined += closed.passed.quarantined;
        self.record.done = self.pages.done();
        closed.permits
    }
}

/// What becomes of an object whose last attempt collided as well.
fn given_up(settlement: Settlement) -> Settlement {
    match settlement {
        Settlement::Done { .. } | Settlement::Failed { .. } => Settlement::Failed {
            failure: Failure::conflict(ATTEMPTS),
            usage: Usage::default(),
        },
        Settlement::Lost => Settlement::Lost,
        Settlement::Unrun => Settlement::Unrun,
    }
}

fn settlement(failure: Option<Failure>, usage: Usage, effects: Effects) -> Settlement {
    match failure {
        None => Settlement::Done { usage, effects },
        Some(failure) => Settlement::Failed { failure, usage },
    }
}

/// The changes of several units of work, to be committed together. Many read the same documents: each is checked once.
#[derive(Default)]
struct Gathered {
    changes: ChangeSet,
    reads: BTreeMap<Key, Expectation>,
}

impl Gathered {
    fn take(&mut self, changes: ChangeSet) {
        self.changes.writes.extend(changes.writes);
        self.reads.extend(changes.reads);
    }

    fn into_changes(self) -> ChangeSet {
        let mut changes = self.changes;
        changes.reads = self.reads.into_iter().collect();
        changes
    }
}
