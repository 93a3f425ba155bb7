//! What a run keeps besides its record, written in the same commits: groups of failures, what was used, the code that
//! failed, and failures in a row.

use std::sync::Arc;

use host_resource::Problem;
use host_runtime::Usage;
use host_store::{ChangeSet, Expectation, TenantStore};

use crate::attempts::Last;
use crate::failure::groups::{Groups, Member};
use crate::failure::origin::origins;
use crate::failure::{Failure, failures};
use crate::usage::RunUsage;
use crate::work::Work;

/// The books of one run.
#[derive(Clone, Default)]
pub(crate) struct Books {
    groups: Arc<Groups>,
    pub(crate) usage: RunUsage,
    /// Whether the code that failed is kept already.
    has_origin: bool,
    is_group_new: bool,
}

/// A failure that is to be entered.
pub(crate) struct Entry<'a> {
    pub(crate) object: &'a Arc<str>,
    pub(crate) failure: &'a Failure,
    pub(crate) usage: Usage,
    pub(crate) at: &'a str,
    /// Whether the failure itself is kept, or only counted.
    pub(crate) is_kept: bool,
}

impl Books {
    /// The books of a run as they were last committed.
    pub(crate) async fn open(store: &TenantStore, run: &str) -> Result<Self, Problem> {
        let mut books = Self::default();
        if let Some(document) = store.get(&Groups::key(run)).await? {
            books.groups = Arc::new(Groups::from_bytes(&document.body)?);
        }
        if let Some(document) = store.get(&RunUsage::key(run)).await? {
            books.usage = RunUsage::from_bytes(&document.body)?;
        }
        Ok(books)
    }

    /// An object was done.
    pub(crate) fn done(&mut self, work: &Work, object: &Arc<str>, usage: Usage, changes: &mut ChangeSet) {
        self.usage.add(object, usage);
        if !work.is_analysis() {
            work.forget_attempts(object, changes);
        }
    }

    /// An object failed.
    pub(crate) fn failed(&mut self, work: &Work, entry: &Entry<'_>, changes: &mut ChangeSet) {
        let Entry {
            object,
            failure,
            usage,
            at,
            is_kept,
        } = entry;
        self.usage.add(object, *usage);
        let fingerprint = failure.fingerprint(object, &work.origin.digest);
        let (kind, message) = failure.said();
        Arc::make_mut(&mut self.groups).add(Member {
            fingerprint: &fingerprint,
            kind,
            message,
            object,
            at,
        });
        self.is_group_new = true;
        let last = Last {
            fingerprint: &fingerprint,
            kind,
            message,
            at,
        };
        if !work.is_analysis() {
            work.count_attempt(object, &last, changes);
        }
        if !is_kept {
            return;
        }
        let shown = failure.to_json(object, at, *usage, &fingerprint, &work.origin.digest);
        let key = failures(&work.live.id).key(Arc::clone(object));
        changes.put(key, Expectation::Any, shown.to_string());
        if !std::mem::replace(&mut self.has_origin, true) {
            let key = origins(&work.live.id).key(Arc::clone(&work.origin.digest));
            changes.put(key, Expectation::Any, work.origin.body.to_string());
        }
    }

    /// Writes what has changed.
    pub(crate) fn write(&mut self, work: &Work, changes: &mut ChangeSet) {
        if std::mem::take(&mut self.is_group_new) {
            changes.put(Groups::key(&work.live.id), Expectation::Any, self.groups.to_bytes());
        }
        if !self.usage.is_empty() {
            changes.put(RunUsage::key(&work.live.id), Expectation::Any, self.usage.to_bytes());
        }
    }
}
