//! What the tests of this crate share: time that is set by hand, repeatable chance, a store in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use host_model::clock::{Clock, Timestamp};
use host_model::ids::Ids;
use host_model::tenant::TenantName;
use host_store::TenantStore;
use host_store::redb::RedbStore;
use tokio::sync::watch;

/// A clock that a test moves.
#[derive(Debug)]
pub(crate) struct ManualClock(watch::Sender<Timestamp>);

impl Default for ManualClock {
    fn default() -> Self {
        Self(watch::Sender::new(Timestamp::UNIX_EPOCH))
    }
}

impl ManualClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now += by);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn sleep_until(&self, instant: Timestamp) {
        let mut now = self.0.subscribe();
        now.wait_for(|now| *now >= instant).await.map(|_| ()).unwrap();
    }
}

/// The numbers from one on: repeatable, and as predictable as nothing real may be.
#[derive(Debug, Default)]
pub(crate) struct Numbers(AtomicU64);

impl Ids for Numbers {
    fn uuid(&self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.random())
    }

    fn random(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// A store in memory without any tenant.
pub(crate) fn memory_store() -> Arc<RedbStore> {
    RedbStore::in_memory(Arc::new(ManualClock::default()))
}

/// The store of a tenant that is open.
pub(crate) async fn tenant_store(name: &TenantName) -> TenantStore {
    let store = memory_store();
    store.open_tenant(name).await.unwrap();
    TenantStore::new(store, name.clone())
}
