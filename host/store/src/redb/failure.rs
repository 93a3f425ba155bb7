//! redb's errors as the store's.

use std::io::ErrorKind;
use std::path::Path;

use ::redb::{CommitError, DatabaseError, SetDurabilityError, StorageError, TableError, TransactionError};

use crate::error::StoreError;

impl From<StorageError> for StoreError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::DatabaseClosed => Self::Closed,
            StorageError::Corrupted(what) => Self::Damaged(what),
            other => Self::engine(other),
        }
    }
}

impl From<TransactionError> for StoreError {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Storage(error) => error.into(),
            other => Self::engine(other),
        }
    }
}

impl From<TableError> for StoreError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Storage(error) => error.into(),
            mismatch @ TableError::TableTypeMismatch { .. } => Self::Damaged(mismatch.to_string()),
            other => Self::engine(other),
        }
    }
}

impl From<CommitError> for StoreError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Storage(error) => error.into(),
            other => Self::engine(other),
        }
    }
}

impl From<SetDurabilityError> for StoreError {
    fn from(error: SetDurabilityError) -> Self {
        Self::engine(error)
    }
}

/// Why a file could not be opened, with its name.
pub(super) fn opening(path: &Path, error: DatabaseError) -> StoreError {
    let shown = path.display();
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            StoreError::Locked(shown.to_string())
        }
        DatabaseError::UpgradeRequired(version) => {
            StoreError::Damaged(format!("{shown} is of the old file format {version}"))
        }
        DatabaseError::Storage(StorageError::Corrupted(what)) => StoreError::Damaged(format!("{shown}: {what}")),
        DatabaseError::Storage(StorageError::Io(error))
            if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
        {
            StoreError::Damaged(format!("{shown}: {error}"))
        }
        other => StoreError::engine(other),
    }
}
