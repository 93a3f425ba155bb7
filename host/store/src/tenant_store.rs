//! A store bound to one tenant. Services get this and nothing else, so none can reach another tenant.

use std::fmt;
use std::sync::Arc;

use host_model::clock::Timestamp;
use host_model::tenant::TenantName;
use host_resource::Pointer;

use crate::change_set::{ChangeSet, Committed};
use crate::document::Document;
use crate::error::{CommitError, StoreError};
use crate::key::{Collection, Key};
use crate::scan::{Scan, ScanPage};
use crate::store::{Snapshot, Store};

/// A store bound to one tenant. Cheap to clone.
#[derive(Clone)]
pub struct TenantStore {
    store: Arc<dyn Store>,
    tenant: TenantName,
}

impl TenantStore {
    /// Binds a store to a tenant.
    pub fn new(store: Arc<dyn Store>, tenant: TenantName) -> Self {
        Self { store, tenant }
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantName {
        &self.tenant
    }

    /// See [`Store::snapshot`].
    pub async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        self.store.snapshot(&self.tenant).await
    }

    /// One document as it is now.
    pub async fn get(&self, key: &Key) -> Result<Option<Document>, StoreError> {
        self.snapshot().await?.get(key).await
    }

    /// A page of documents as they are now.
    pub async fn scan(&self, scan: &Scan) -> Result<ScanPage, StoreError> {
        self.snapshot().await?.scan(scan).await
    }

    /// See [`Store::commit`].
    pub async fn commit(&self, changes: ChangeSet) -> Result<Committed, CommitError> {
        self.store.commit(&self.tenant, changes).await
    }

    /// See [`Store::declare_indexes`].
    pub async fn declare_indexes(&self, collection: &Collection, pointers: &[Pointer]) -> Result<(), StoreError> {
        self.store.declare_indexes(&self.tenant, collection, pointers).await
    }

    /// See [`Store::now`].
    pub async fn now(&self) -> Result<Timestamp, StoreError> {
        self.store.now().await
    }
}

impl fmt::Debug for TenantStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TenantStore").field(&self.tenant).finish()
    }
}
