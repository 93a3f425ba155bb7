//! What a storage backend does. Small on purpose: what is special about a job or a run is a function that builds a
//! change set, not a method here.

use std::sync::Arc;

use async_trait::async_trait;
use host_model::clock::Timestamp;
use host_model::tenant::TenantName;
use host_resource::Pointer;

use crate::change_set::{ChangeSet, Committed};
use crate::document::Document;
use crate::error::{CommitError, StoreError};
use crate::key::{Collection, Key};
use crate::scan::{Scan, ScanPage};

/// A storage backend.
#[async_trait]
pub trait Store: Send + Sync {
    /// The tenant's documents as they are now, and stay for the holder. Held long, it keeps old pages from being
    /// reused: hold it for a page of work, not for a run.
    async fn snapshot(&self, tenant: &TenantName) -> Result<Arc<dyn Snapshot>, StoreError>;

    /// All or nothing. Every expectation is checked against the state right before; [`CommitError::Conflict`] names all
    /// that fail.
    async fn commit(&self, tenant: &TenantName, changes: ChangeSet) -> Result<Committed, CommitError>;

    /// Declares which pointers of a collection's documents are indexed. Builds what is new, drops what is no longer
    /// named; when it returns, scans use the indexes. Declaring the same again costs nothing.
    async fn declare_indexes(
        &self,
        tenant: &TenantName,
        collection: &Collection,
        pointers: &[Pointer],
    ) -> Result<(), StoreError>;

    /// The store's own clock: in a cluster, the only one that counts.
    async fn now(&self) -> Result<Timestamp, StoreError>;
}

/// A tenant's documents at one moment.
#[async_trait]
pub trait Snapshot: Send + Sync {
    /// One document, or none.
    async fn get(&self, key: &Key) -> Result<Option<Document>, StoreError>;

    /// A page of documents, bounded by number, by what is looked at and by bytes ([`crate::scan::PAGE_BYTES`]). Every
    /// document that matches during the whole scan is returned exactly once, also when others come, go or change between
    /// two pages; [`crate::scan::Order`] has what is different in the order of values.
    async fn scan(&self, scan: &Scan) -> Result<ScanPage, StoreError>;
}
