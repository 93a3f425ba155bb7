//! The store of a single node: redb, one file per tenant.
//!
//! Reading is a read transaction in the caller's task; writing goes through the tenant's writer thread. The file's
//! layout is in `redb/tables.rs`.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use host_model::clock::{Clock, Timestamp};
use host_model::tenant::TenantName;
use host_resource::Pointer;
use parking_lot::RwLock;

use crate::change_set::{ChangeSet, Committed};
use crate::error::{CommitError, StoreError};
use crate::key::Collection;
use crate::store::{Snapshot, Store};
use snapshot::RedbSnapshot;
use tenant::Tenant;

mod candidates;
mod catalog;
mod entry_changes;
mod failure;
mod file;
mod group;
mod indexer;
mod page;
mod position;
mod snapshot;
mod tables;
mod tenant;
mod writer;

#[cfg(test)]
mod tests;

/// How a [`RedbStore`] uses the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedbOptions {
    /// Memory for the pages of each tenant's file. Up to half of it holds what a transaction has written but not yet
    /// committed.
    pub cache_bytes: usize,
}

impl Default for RedbOptions {
    /// 32 MiB: the inner pages of a million documents and what a large group writes; the system's own cache of the file
    /// does the rest. A scan of a million objects fills it whatever its size, so it is what such a scan needs more than
    /// a small one.
    fn default() -> Self {
        Self { cache_bytes: 32 << 20 }
    }
}

/// The store of a single node.
pub struct RedbStore {
    place: Place,
    clock: Arc<dyn Clock>,
    options: RedbOptions,
    tenants: RwLock<HashMap<TenantName, Arc<Tenant>>>,
    /// Held while a tenant is opened, so that nobody opens it twice.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
enum Place {
    Folder(PathBuf),
    Memory,
}

impl Place {
    /// The file of a tenant.
    fn file(&self, tenant: &TenantName) -> Option<PathBuf> {
        match self {
            Self::Folder(folder) => Some(folder.join(format!("{tenant}.redb"))),
            Self::Memory => None,
        }
    }
}

impl RedbStore {
    /// A store in a folder, which is made if need be. No tenant is open yet.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>, options: RedbOptions) -> Result<Arc<Self>, StoreError> {
        std::fs::create_dir_all(folder).map_err(StoreError::engine)?;
        Ok(Arc::new(Self::at(Place::Folder(folder.to_owned()), clock, options)))
    }

    /// A store that forgets everything when it is dropped.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self::at(Place::Memory, clock, RedbOptions::default()))
    }

    fn at(place: Place, clock: Arc<dyn Clock>, options: RedbOptions) -> Self {
        Self {
            place,
            clock,
            options,
            tenants: RwLock::default(),
            opening: tokio::sync::Mutex::default(),
        }
    }

    /// Opens a tenant's file, or makes it: `<folder>/<tenant>.redb`. A tenant that is open already stays so. Behind a
    /// crash this takes as long as reading the file does.
    pub async fn open_tenant(&self, name: &TenantName) -> Result<(), StoreError> {
        let _opening = self.opening.lock().await;
        if self.tenants.read().contains_key(name) {
            return Ok(());
        }
        let (place, options, tenant) = (self.place.file(name), self.options, name.clone());
        let shown = place
            .as_deref()
            .map_or("memory".to_owned(), |path| path.display().to_string());
        let opened = tokio::task::spawn_blocking(move || {
            let (database, contents) = match place {
                Some(path) => file::open(&path, options.cache_bytes)?,
                None => file::in_memory(options.cache_bytes)?,
            };
            Tenant::start(&tenant, database, contents)
        });
        let opened = opened.await.map_err(|error| match error.is_panic() {
            // redb trusts a file that was closed in good order, and panics when it should not have.
            true => StoreError::Damaged(format!("{shown}: it cannot be read")),
            false => StoreError::engine(error),
        })??;
        self.tenants.write().insert(name.clone(), Arc::new(opened));
        Ok(())
    }

    /// Finishes what was accepted, writes it to the disk and closes all files. From then on everything answers
    /// [`StoreError::Closed`], or [`StoreError::Tenant`] for what never was. Dropping the store does the same and keeps
    /// silent about errors.
    pub async fn close(&self) -> Result<(), StoreError> {
        let _opening = self.opening.lock().await;
        let tenants: Vec<_> = self.tenants.read().values().cloned().collect();
        let closed = tokio::task::spawn_blocking(move || {
            let outcomes: Vec<_> = tenants.iter().map(|tenant| tenant.close()).collect();
            outcomes.into_iter().collect()
        });
        closed.await.map_err(StoreError::engine)?
    }

    fn tenant(&self, name: &TenantName) -> Result<Arc<Tenant>, StoreError> {
        self.tenants
            .read()
            .get(name)
            .cloned()
            .ok_or_else(|| StoreError::Tenant(name.to_string()))
    }
}

#[async_trait]
impl Store for RedbStore {
    async fn snapshot(&self, tenant: &TenantName) -> Result<Arc<dyn Snapshot>, StoreError> {
        Ok(Arc::new(RedbSnapshot::new(self.tenant(tenant)?.read()?)?))
    }

    async fn commit(&self, tenant: &TenantName, changes: ChangeSet) -> Result<Committed, CommitError> {
        self.tenant(tenant)?.commit(changes).await
    }

    async fn declare_indexes(
        &self,
        tenant: &TenantName,
        collection: &Collection,
        pointers: &[Pointer],
    ) -> Result<(), StoreError> {
        self.tenant(tenant)?
            .declare_indexes(collection.clone(), pointers.to_vec())
            .await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(self.clock.now())
    }
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
