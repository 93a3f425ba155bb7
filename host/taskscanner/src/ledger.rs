//! The record of a run together with its revision: who holds it may write it.

use std::sync::Arc;

use host_store::{ChangeSet, CommitError, Expectation, Revision, StoreError, TenantStore};

use crate::record::Record;

/// The record of a run and its revision.
pub(crate) struct Ledger {
    pub(crate) id: Arc<str>,
    pub(crate) record: Record,
    pub(crate) revision: Revision,
}

impl Ledger {
    /// Commits the record, with other changes if there are any. They must not write the record themselves.
    pub(crate) async fn commit(&mut self, store: &TenantStore, mut changes: ChangeSet) -> Result<(), CommitError> {
        let key = Record::key(&self.id);
        let body = self.record.to_bytes().map_err(|problem| {
            CommitError::Store(StoreError::Damaged(format!("the run {}: {}", self.id, problem.message)))
        })?;
        changes.put(key, Expectation::Revision(self.revision), body);
        self.revision = store.commit(changes).await?.revision;
        Ok(())
    }
}
