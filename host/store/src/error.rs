//! What can go wrong in a store.

use std::sync::Arc;

use host_resource::Problem;

use crate::key::Key;

/// The storage engine failed. Cheap to clone: one failure may answer a whole group of commits.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine reported an error.
    #[error("the store failed")]
    Engine(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The data folder is in use by another process.
    #[error("the database {0} is in use by another process")]
    Locked(String),
    /// What was read is not what this version writes.
    #[error("the store holds damaged data: {0}")]
    Damaged(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// A cursor that belongs to another scan, or was made up.
    #[error("the cursor does not belong to this scan")]
    Cursor,
    /// A tenant that this store does not hold.
    #[error("there is no tenant {0}")]
    Tenant(String),
}

impl StoreError {
    /// Wraps an engine's error.
    pub fn engine(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Engine(Arc::new(error))
    }
}

/// Why a commit did not happen.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// These documents are not what the change set expected. Nothing was written.
    #[error("{} document(s) changed meanwhile", .0.len())]
    Conflict(Vec<Key>),
    /// The engine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Cursor => Self::bad_request(error.to_string()),
            StoreError::Tenant(name) => Self::not_found(name),
            StoreError::Closed | StoreError::Locked(_) => Self::unavailable(error.to_string()),
            StoreError::Engine(ref cause) => {
                tracing::error!(cause = %cause, "the store failed");
                Self::internal("the store failed")
            }
            StoreError::Damaged(ref what) => {
                tracing::error!(what, "the store holds damaged data");
                Self::internal("the store holds damaged data")
            }
        }
    }
}

impl From<CommitError> for Problem {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict(_) => Self::precondition_failed("the resource was changed meanwhile"),
            CommitError::Store(error) => error.into(),
        }
    }
}
