//! Asking a run's guard before each commit.

use super::Committer;
use crate::feeder::Finished;
use crate::live::Halt;
use crate::record::Effects;

impl Committer<'_> {
    /// Stops the run before it does more than its guard allows: what the batch did is dropped.
    pub(super) fn guard(&mut self, batch: &mut [Finished]) {
        let did = batch.iter().filter_map(|finished| finished.attempt.as_ref());
        let did = did.fold(Effects::default(), |sum, attempt| sum.and(attempt.effects));
        if self.objects_to(did) {
            for finished in batch {
                finished.attempt = None;
            }
        }
    }

    /// Whether the guard objects to what has been done and this; then the run is halted, and nothing more of it is kept.
    pub(super) fn objects_to(&mut self, more: Effects) -> bool {
        if self.work.live.halted() == Some(Halt::Guarded) {
            return true;
        }
        let record = &self.ledger.record;
        let done = record.effects.and(more);
        let objection = self
            .work
            .definition
            .spec
            .guard
            .objection(record.progress.total, done.into());
        if let Some(objection) = &objection {
            tracing::warn!(run = %self.ledger.id, objection, "a run was stopped by its guard");
            self.work.live.halt(Halt::Guarded);
            self.ledger.record.message = Some(objection.clone());
            self.cut_short();
        }
        objection.is_some()
    }
}
