//! `scheduler/run`, `scheduler/occurrence` and `scheduler/statistics`: what the scheduler wrote down. (Ours.)

use async_trait::async_trait;
use host_resource::{Action, ApiVersion, Context, Object, Page, Problem, Query, Read, Resource, ResourcePath};
use serde_json::Value;

use super::{Place, no_collection, no_instance, place, unknown_action};
use crate::scheduler::{Kind, Scheduler};

/// The runs of a tenant's jobs.
pub struct RunResource(pub Scheduler);

/// What became of the instants at which jobs were due.
pub struct OccurrenceResource(pub Scheduler);

/// Counters of a tenant's jobs.
pub struct StatisticsResource(pub Scheduler);

#[async_trait]
impl Resource for RunResource {
    async fn read(&self, _: &Context, path: &ResourcePath, _: Read) -> Result<Object, Problem> {
        Ok(self.0.read_run(instance(path)?).await?)
    }

    async fn query(&self, _: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        list(&self.0, Kind::Runs, path, &query).await
    }

    async fn action(
        &self,
        _: &Context,
        path: &ResourcePath,
        action: Action,
        _: Option<ApiVersion>,
    ) -> Result<Option<Value>, Problem> {
        match (place(path)?, action.name.as_str()) {
            (Place::Instance(id), "cancel") => Ok(Some(self.0.cancel_run(id).await?)),
            (_, other) => Err(unknown_action(other)),
        }
    }
}

#[async_trait]
impl Resource for OccurrenceResource {
    async fn read(&self, _: &Context, path: &ResourcePath, _: Read) -> Result<Object, Problem> {
        Ok(self.0.read_occurrence(instance(path)?).await?)
    }

    async fn query(&self, _: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        list(&self.0, Kind::Occurrences, path, &query).await
    }
}

#[async_trait]
impl Resource for StatisticsResource {
    async fn read(&self, _: &Context, path: &ResourcePath, _: Read) -> Result<Object, Problem> {
        Ok(self.0.read_statistics(instance(path)?).await?)
    }

    async fn query(&self, _: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        list(&self.0, Kind::Statistics, path, &query).await
    }
}

fn instance(path: &ResourcePath) -> Result<&str, Problem> {
    match place(path)? {
        Place::Instance(id) => Ok(id),
        Place::Collection => Err(no_collection("read")),
    }
}

async fn list(scheduler: &Scheduler, kind: Kind, path: &ResourcePath, query: &Query) -> Result<Page, Problem> {
    match place(path)? {
        Place::Collection => Ok(scheduler.list(kind, query).await?),
        Place::Instance(_) => Err(no_instance("query")),
    }
}
