//! The worker pool: as many threads as cores, shared by all tenants. Whose turn it is is decided by the fuel that each
//! tenant has used so far, so that a slow tenant pays for its own slowness.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures::FutureExt as _;
use host_model::tenant::TenantName;
use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;

/// Work for a worker. It answers its cost: units of fuel.
pub type Job = Pin<Box<dyn Future<Output = u64> + Send>>;

/// What a job costs in the order of turns at least: starting it is not free.
const LEAST_COST: u64 = 50_000;

/// Worker threads with a fair queue.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    ready: Condvar,
}

#[derive(Default)]
struct Queue {
    lanes: BTreeMap<TenantName, Lane>,
    /// How far the lane that was served last had come: where a lane that was idle joins in.
    floor: u64,
    is_closed: bool,
}

#[derive(Default)]
struct Lane {
    /// Fuel used, as far as the order of turns is concerned.
    used: u64,
    jobs: VecDeque<Job>,
}

impl Queue {
    fn push(&mut self, tenant: &TenantName, job: Job) {
        let floor = self.floor;
        let lane = self.lanes.entry(tenant.clone()).or_default();
        if lane.jobs.is_empty() {
            // Idleness saves nothing up.
            lane.used = lane.used.max(floor);
        }
        lane.jobs.push_back(job);
    }

    fn pop(&mut self) -> Option<(TenantName, Job)> {
        let (tenant, lane) = self
            .lanes
            .iter_mut()
            .filter(|(_, lane)| !lane.jobs.is_empty())
            .min_by_key(|(_, lane)| lane.used)?;
        let job = lane.jobs.pop_front()?;
        self.floor = self.floor.max(lane.used);
        // Charged when it starts, so that one tenant's many jobs do not take all workers at once.
        lane.used += LEAST_COST;
        Some((tenant.clone(), job))
    }

    fn charge(&mut self, tenant: &TenantName, cost: u64) {
        if let Some(lane) = self.lanes.get_mut(tenant) {
            lane.used = lane.used.saturating_add(cost.saturating_sub(LEAST_COST));
        }
    }
}

impl Pool {
    /// Starts the workers. Their timers and input are driven by the runtime of `handle`.
    pub fn new(size: usize, handle: &Handle) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mut threads = Vec::with_capacity(size);
        for number in 0..size {
            let (shared, handle) = (Arc::clone(&shared), handle.clone());
            let builder = std::thread::Builder::new().name(format!("worker-{number}"));
            threads.push(builder.spawn(move || work(&shared, &handle))?);
        }
        Ok(Self {
            shared,
            threads: Mutex::new(threads),
        })
    }

    /// How many workers there are.
    pub fn size(&self) -> usize {
        self.threads.lock().len()
    }

    /// Queues a job for a tenant. How many of a run are queued at once is for the run to bound.
    pub fn submit(&self, tenant: &TenantName, job: Job) {
        self.shared.queue.lock().push(tenant, job);
        self.shared.ready.notify_one();
    }

    /// Runs a job for a tenant and answers its value. None when the job panicked or the pool was closed.
    pub async fn run<T: Send + 'static>(
        &self,
        tenant: &TenantName,
        job: impl Future<Output = (T, u64)> + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let job = job.map(|(value, cost)| {
            // A receiver that has gone away does not want the value any more.
            drop(sender.send(value));
            cost
        });
        self.submit(tenant, Box::pin(job));
        receiver.await.ok()
    }

    /// Lets running jobs end, drops those that wait, and joins the threads. Blocks until then.
    pub fn close(&self) {
        {
            let mut queue = self.shared.queue.lock();
            queue.is_closed = true;
            queue.lanes.clear();
        }
        self.shared.ready.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // A worker catches the panics of its jobs, so it has none of its own to hand on.
            drop(thread.join());
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

fn work(shared: &Shared, handle: &Handle) {
    loop {
        let (tenant, job) = {
            let mut queue = shared.queue.lock();
            loop {
                if queue.is_closed {
                    return;
                }
                match queue.pop() {
                    Some(next) => break next,
                    None => shared.ready.wait(&mut queue),
                }
            }
        };
        let cost = handle
            .block_on(AssertUnwindSafe(job).catch_unwind())
            .unwrap_or_else(|_panic| {
                tracing::error!(%tenant, "a job panicked");
                0
            });
        shared.queue.lock().charge(&tenant, cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Box::pin(async { 0 })
    }

    #[test]
    fn a_tenant_with_costly_jobs_waits_for_one_with_cheap_ones() {
        let (slow, quick): (TenantName, TenantName) = ("slow".parse().unwrap(), "quick".parse().unwrap());
        let mut queue = Queue::default();
        for _ in 0..10 {
            queue.push(&slow, job());
            queue.push(&quick, job());
        }
        let mut served = Vec::new();
        for _ in 0..11 {
            let (tenant, _) = queue.pop().unwrap();
            queue.charge(&tenant, if tenant == slow { LEAST_COST * 9 } else { LEAST_COST });
            served.push(tenant);
        }
        // After eleven turns nine of quick weigh as much as one of slow: whose is the next is for the order of names.
        assert_eq!(served.iter().filter(|tenant| **tenant == slow).count(), 1, "{served:?}");
    }

    #[test]
    fn a_tenant_that_was_idle_gets_no_head_start() {
        let (busy, late): (TenantName, TenantName) = ("busy".parse().unwrap(), "late".parse().unwrap());
        let mut queue = Queue::default();
        for _ in 0..100 {
            queue.push(&busy, job());
        }
        for _ in 0..50 {
            let (tenant, _) = queue.pop().unwrap();
            queue.charge(&tenant, LEAST_COST);
        }
        for _ in 0..50 {
            queue.push(&late, job());
        }
        let served: Vec<_> = (0..20).map(|_| queue.pop().unwrap().0).collect();
        assert!(
            served.iter().filter(|tenant| **tenant == busy).count() >= 9,
            "{served:?}"
        );
    }

    #[tokio::test]
    async fn a_job_that_panics_takes_no_worker_with_it() {
        let pool = Pool::new(1, &Handle::current()).unwrap();
        let tenant = TenantName::default_tenant();
        let lost: Option<()> = pool.run(&tenant, async { panic!("on purpose") }).await;
        assert_eq!(lost, None);
        assert_eq!(pool.run(&tenant, async { (7, 0) }).await, Some(7));
        tokio::task::spawn_blocking(move || pool.close()).await.unwrap();
    }
}
