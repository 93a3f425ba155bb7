//! `scheduler` itself: nothing to read, but the actions that are about all jobs.

use async_trait::async_trait;
use host_resource::{Action, ApiVersion, Context, Problem, Resource, ResourcePath};
use serde_json::Value;

use super::act_on_all;
use crate::scheduler::Scheduler;

/// The scheduler itself.
pub struct SchedulerResource(pub Scheduler);

#[async_trait]
impl Resource for SchedulerResource {
    async fn read(
        &self,
        _: &Context,
        path: &ResourcePath,
        _: host_resource::Read,
    ) -> Result<host_resource::Object, Problem> {
        Err(Problem::not_found(super::below_scheduler(path)))
    }

    async fn query(
        &self,
        _: &Context,
        path: &ResourcePath,
        _: host_resource::Query,
    ) -> Result<host_resource::Page, Problem> {
        Err(Problem::not_found(super::below_scheduler(path)))
    }

    async fn action(
        &self,
        _: &Context,
        path: &ResourcePath,
        action: Action,
        _: Option<ApiVersion>,
    ) -> Result<Option<Value>, Problem> {
        if !path.is_empty() {
            return Err(Problem::not_found(super::below_scheduler(path)));
        }
        act_on_all(&self.0, action).await
    }
}
