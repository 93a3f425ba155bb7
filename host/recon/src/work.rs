//! What those share who work on the objects of one run, or on one change.

use std::sync::Arc;

use host_model::audit::Audit;
use host_resource::{Caller, Context, Router};
use host_store::TenantStore;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::durations::Durations;
use crate::mapping::Mapping;

/// What those share who work on the objects of one run, or on one change.
pub(crate) struct Work {
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) router: Arc<Router>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) store: TenantStore,
    pub(crate) audit: Arc<dyn Audit>,
    /// The run, or what caused the change.
    pub(crate) id: Arc<str>,
    /// `recon`, `reconById`; none outside a run.
    pub(crate) recon_action: Option<&'static str>,
    /// Whether everything is only tried: nothing is kept and nothing is sent.
    pub(crate) is_analysis: bool,
    /// Whether there was nothing in the target when the run began, so that there is nothing to find there.
    pub(crate) is_target_empty: bool,
    /// Whether some source objects are left out, so that a target object may be linked to one that nobody looked at.
    pub(crate) is_restricted: bool,
    /// Whether it was taken up again, so that something may have been sent before.
    pub(crate) is_resumed: bool,
    pub(crate) durations: Mutex<Durations>,
}

impl Work {
    /// The context of a request on its own.
    pub(crate) fn context(&self) -> Context {
        Context::new(Arc::clone(&self.caller), Arc::clone(&self.id))
    }

    /// The variable `context` of scripts.
    pub(crate) fn shown_context(&self) -> Value {
        json!({
            "current": {"name": if self.recon_action.is_some() { "recon" } else { "sync" }, "id": &*self.id},
            "caller": {"external": self.caller.is_external},
            "security": {"authenticationId": &*self.caller.name, "authorization": {"id": &*self.caller.name}},
        })
    }

    /// Does something and remembers how long it took.
    pub(crate) async fn timed<T>(&self, what: &'static str, work: impl Future<Output = T>) -> T {
        let started = crate::durations::instant();
        let done = work.await;
        self.durations.lock().add(what, started.elapsed());
        done
    }
}

/// What surrounds the work of a task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surrounding {
    /// The links through which changes came here: no change goes back the way it came.
    pub(crate) through: Vec<Arc<str>>,
    /// Whether everything is only tried.
    pub(crate) is_analysis: bool,
}

tokio::task_local! {
    static SURROUNDING: Surrounding;
}

impl Surrounding {
    /// What surrounds the present task.
    pub(crate) fn current() -> Self {
        SURROUNDING.try_with(Clone::clone).unwrap_or_default()
    }

    /// Does something within this.
    pub(crate) async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        SURROUNDING.scope(self, work).await
    }
}
