//! What a run would cost: its action on a sample of the objects, without changing anything.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream;
use host_model::run::RunId;
use host_resource::Problem;
use host_store::{Document, Scan, Snapshot};
use serde_json::{Value, json};

use crate::control::Control;
use crate::definition::Definition;
use crate::feeder::{Resume, regard_page};
use crate::live::Live;
use crate::object::{Attempt, Ground, attempt};
use crate::record::{Mode, Record};
use crate::scanner::{Order, Scanner};
use crate::usage::RunUsage;
use crate::work::{Claimed, PAGE, Work};

/// Objects of a sample when nobody says how many.
pub(crate) const SAMPLE: usize = 100;

/// Most objects of a sample.
pub(crate) const MAX_SAMPLE: usize = 1_000;

impl Scanner {
    /// Runs the action on a sample of the objects that match, spread evenly over all of them.
    pub(crate) async fn estimate(&self, order: Order, sample: usize) -> Result<Value, Problem> {
        let router = self.parts.router.get()?;
        let definition = Definition::prepare(&order.invoke_context, &self.parts.scripts, &router).await?;
        let now = self.parts.clock.now();
        let filter = definition.filter(now)?;
        let id: Arc<str> = RunId::fresh(&*self.parts.ids).as_str().into();
        let (name, level) = (order.name.clone(), order.log_level);
        let record = Record::begun(order, now, None);
        let live = Arc::new(Live::new(id, &record, definition.spec.threads, Control::default()));
        let work = self.work_on(definition, filter, &live, Mode::Analyze, None, level)?;
        let work = Arc::new(work);
        let snapshot = self.parts.store.snapshot().await?;
        let (total, chosen) = choose(&work, &*snapshot, sample).await?;
        let threads = work.definition.spec.threads as usize;
        let attempts: Vec<(Arc<str>, Attempt)> = stream::iter(chosen)
            .map(|claimed| {
                let (work, snapshot) = (Arc::clone(&work), Arc::clone(&snapshot));
                async move {
                    let tenant = work.around.tenant.clone();
                    let (pool, job) = (Arc::clone(&work.pool), one(work, snapshot, claimed));
                    pool.run(&tenant, job).await
                }
            })
            .buffer_unordered(threads)
            .filter_map(std::future::ready)
            .collect()
            .await;
        let mut usage = RunUsage::default();
        let mut failures = 0_u64;
        let mut micros = 0_u128;
        for (object, attempt) in &attempts {
            usage.add(object, attempt.usage);
            failures += u64::from(attempt.failure.is_some());
            micros += attempt.usage.duration.as_micros();
        }
        let at_once = threads.min(self.parts.pool.size()).max(1) as u128;
        let sampled = attempts.len() as u128;
        let predicted = (micros * u128::from(total)).checked_div(sampled * at_once * 1_000);
        Ok(json!({
            "name": name,
            "total": total,
            "sample": attempts.len(),
            "failures": failures,
            "usage": if attempts.is_empty() { Value::Null } else { usage.to_json() },
            "predictedMs": predicted.map(|millis| u64::try_from(millis).unwrap_or(u64::MAX)),
        }))
    }
}

async fn one(work: Arc<Work>, snapshot: Arc<dyn Snapshot>, claimed: Claimed) -> ((Arc<str>, Attempt), u64) {
    let ground = Ground {
        snapshot,
        before: work.ground(&claimed),
        hand: None,
    };
    let Document { id, revision, .. } = claimed.document;
    let attempt = attempt(&work, &id, Some(revision), ground).await;
    let fuel = attempt.usage.fuel;
    ((id, attempt), fuel)
}

/// How many objects match, and a sample of those that a run would take: every n-th, where n doubles whenever there are
/// twice as many as wanted.
async fn choose(work: &Work, snapshot: &dyn Snapshot, sample: usize) -> Result<(u64, Vec<Claimed>), Problem> {
    let mut scan = Scan::matching(work.definition.collection.clone(), Arc::clone(&work.filter), PAGE);
    let (mut total, mut step, mut kept) = (0_u64, 1_u64, Vec::new());
    loop {
        let page = snapshot.scan(&scan).await?;
        for claimed in regard_page(work, page.documents, 0, &Resume::default()).objects {
            if total % step == 0 {
                kept.push(claimed);
            }
            total += 1;
            if kept.len() >= sample * 2 {
                let mut number = 0;
                kept.retain(|_| {
                    number += 1;
                    number % 2 == 1
                });
                step *= 2;
            }
        }
        scan.after = page.cursor;
        if scan.after.is_none() {
            break;
        }
        // Reading a large collection must not keep others from their turn.
        tokio::task::yield_now().await;
    }
    kept.truncate(sample);
    Ok((total, kept))
}
