//! Committing in an analysis: plans are kept, and nothing else is changed.

use std::sync::Arc;

use host_resource::Problem;
use host_store::{CommitError, Expectation};

use super::{Committer, Gathered, Settled, Settlement, settlement};
use crate::feeder::Finished;
use crate::plan::{Entry, plans};

impl Committer<'_> {
    /// Keeps the plans of a batch, in the commit that counts them.
    pub(super) async fn keep_plans(&mut self, batch: Vec<Finished>) -> Result<(), Problem> {
        let plans = plans(&self.ledger.id);
        let mut gathered = Gathered::default();
        let mut settled = Vec::with_capacity(batch.len());
        for Finished { claimed, attempt } in batch {
            let Some(attempt) = attempt else {
                settled.push(Settled {
                    claimed,
                    settlement: Settlement::Unrun,
                });
                continue;
            };
            let object = &claimed.document.id;
            let entry = match (&attempt.failure, &attempt.plan) {
                (Some(failure), _) => Entry::failed(object, failure, attempt.usage),
                (None, Some(plan)) => {
                    let is_changed = attempt.effects != Default::default();
                    Entry::done(object, plan, is_changed, attempt.usage, &self.work.around.router)?
                }
                (None, None) => return Err(Problem::internal("an analysed object has no plan")),
            };
            let key = plans.key(Arc::clone(object));
            gathered.changes.put(key, Expectation::Any, entry.to_bytes()?);
            settled.push(Settled {
                claimed,
                settlement: settlement(attempt.failure, attempt.usage, attempt.effects),
            });
        }
        match self.commit(settled.iter(), gathered).await {
            Ok(()) => Ok(()),
            Err(CommitError::Conflict(_)) => Err(Problem::conflict("the run is worked on by somebody else")),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }
}
