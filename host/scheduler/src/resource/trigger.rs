//! `scheduler/trigger`: the triggers of a tenant, to be read only.

use async_trait::async_trait;
use host_resource::{Context, Object, Page, Problem, Query, Read, Resource, ResourcePath};

use super::{Place, no_collection, no_instance, place};
use crate::scheduler::{Kind, Scheduler};

/// The triggers of a tenant.
pub struct TriggerResource(pub Scheduler);

#[async_trait]
impl Resource for TriggerResource {
    async fn read(&self, _: &Context, path: &ResourcePath, _: Read) -> Result<Object, Problem> {
        let Place::Instance(id) = place(path)? else {
            return Err(no_collection("read"));
        };
        Ok(self.0.read_trigger(id).await?)
    }

    async fn query(&self, _: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        let Place::Collection = place(path)? else {
            return Err(no_instance("query"));
        };
        Ok(self.0.list(Kind::Triggers, &query).await?)
    }
}
