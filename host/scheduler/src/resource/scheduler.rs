//! `scheduler` itself: the actions that are about all jobs, and the lists of triggers that wait and that do not.

use async_trait::async_trait;
use host_resource::{Action, ApiVersion, Context, Create, Object, Page, Problem, Query, Read, Resource, ResourcePath};
use serde_json::Value;

use super::{act_on_all, below_scheduler, no_collection};
use crate::scheduler::Scheduler;

/// The scheduler itself.
pub struct SchedulerResource(pub Scheduler);

#[async_trait]
impl Resource for SchedulerResource {
    /// The platform's own lists of triggers, which it keeps below the scheduler.
    async fn read(&self, _: &Context, path: &ResourcePath, _: Read) -> Result<Object, Problem> {
        match (path.len(), path.element(0)) {
            (1, Some("waitingTriggers")) => Ok(self.0.waiting_triggers().await?),
            (1, Some("acquiredTriggers")) => Ok(self.0.acquired_triggers()),
            _ => Err(Problem::not_found(below_scheduler(path))),
        }
    }

    /// What a PUT without an id comes to.
    async fn create(&self, _: &Context, path: &ResourcePath, create: Create) -> Result<Object, Problem> {
        match create.id.as_deref() {
            Some("job") if path.is_empty() => Err(no_collection("PUT")),
            _ => Err(Problem::unsupported(
                "nothing can be made here: schedules are at scheduler/job",
            )),
        }
    }

    async fn query(&self, _: &Context, path: &ResourcePath, _: Query) -> Result<Page, Problem> {
        Err(Problem::not_found(below_scheduler(path)))
    }

    async fn action(
        &self,
        _: &Context,
        path: &ResourcePath,
        action: Action,
        _: Option<ApiVersion>,
    ) -> Result<Option<Value>, Problem> {
        if !path.is_empty() {
            return Err(Problem::not_found(below_scheduler(path)));
        }
        act_on_all(&self.0, action).await
    }
}
