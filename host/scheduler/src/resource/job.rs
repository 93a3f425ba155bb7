//! `scheduler/job`: the jobs of a tenant.

use async_trait::async_trait;
use host_model::clock::parse_wire_time;
use host_resource::{
    Action, ApiVersion, Context, Create, Delete, Object, Page, Patch, Problem, Query, Read, Resource, ResourcePath,
    Update,
};
use serde_json::{Value, json};

use super::{Place, no_collection, no_instance, place, unknown_action};
use crate::error::Error;
use crate::scheduler::{Backfill, Kind, Mode, Scheduler};

/// The jobs of a tenant.
pub struct JobResource(pub Scheduler);

#[async_trait]
impl Resource for JobResource {
    async fn create(&self, _: &Context, path: &ResourcePath, create: Create) -> Result<Object, Problem> {
        let Place::Collection = place(path)? else {
            return Err(no_instance("create"));
        };
        Ok(self
            .0
            .store(create.id.as_deref(), &create.content, Mode::Create)
            .await?)
    }

    async fn read(&self, _: &Context, path: &ResourcePath, _: Read) -> Result<Object, Problem> {
        let Place::Instance(id) = place(path)? else {
            return Err(no_collection("read"));
        };
        Ok(self.0.read(id).await?)
    }

    async fn update(&self, _: &Context, path: &ResourcePath, update: Update) -> Result<Object, Problem> {
        let Place::Instance(id) = place(path)? else {
            return Err(no_collection("update"));
        };
        no_revision(update.rev.as_deref())?;
        Ok(self.0.store(Some(id), &update.content, Mode::Replace).await?)
    }

    async fn patch(&self, _: &Context, _: &ResourcePath, _: Patch) -> Result<Object, Problem> {
        Err(Problem::unsupported(
            "schedules cannot be patched here: use PUT, or patch config/schedule/NAME",
        ))
    }

    async fn delete(&self, _: &Context, path: &ResourcePath, delete: Delete) -> Result<Object, Problem> {
        let Place::Instance(id) = place(path)? else {
            return Err(no_collection("delete"));
        };
        no_revision(delete.rev.as_deref())?;
        Ok(self.0.delete(id).await?)
    }

    async fn query(&self, _: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        let Place::Collection = place(path)? else {
            return Err(no_instance("query"));
        };
        Ok(self.0.list(Kind::Jobs, &query).await?)
    }

    async fn action(
        &self,
        _: &Context,
        path: &ResourcePath,
        action: Action,
        version: Option<ApiVersion>,
    ) -> Result<Option<Value>, Problem> {
        match place(path)? {
            Place::Collection => super::act_on_all(&self.0, action).await,
            // These came with the second version of the interface.
            Place::Instance(_) if version.is_some_and(|version| version.major < 2) => Err(unknown_action(&action.name)),
            Place::Instance(id) => {
                match action.name.as_str() {
                    "trigger" => self.0.trigger(id).await?,
                    "pause" => self.0.pause(id).await?,
                    "resume" => self.0.resume(id).await?,
                    "backfill" => return Ok(Some(self.0.backfill(id, backfill(&action)?).await?)),
                    other => return Err(unknown_action(other)),
                }
                Ok(Some(json!({"success": true})))
            }
        }
    }
}

/// Reads `from`, `to` and `force`.
fn backfill(action: &Action) -> Result<Backfill, Error> {
    let time = |name: &'static str| {
        let text = action.parameter(name).ok_or_else(|| Error::Parameter {
            name,
            reason: "a time is expected, such as 2026-03-29T00:00:00Z".to_owned(),
        })?;
        parse_wire_time(text).ok_or_else(|| Error::Parameter {
            name,
            reason: format!("'{text}' is not a time; write for example 2026-03-29T00:00:00Z"),
        })
    };
    let is_forced = match action.parameter("force") {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            return Err(Error::Parameter {
                name: "force",
                reason: format!("true or false is expected, not '{other}'"),
            });
        }
    };
    let (from, to) = (time("from")?, time("to")?);
    if to < from {
        return Err(Error::Parameter {
            name: "to",
            reason: "it is before 'from'".to_owned(),
        });
    }
    Ok(Backfill { from, to, is_forced })
}

/// Jobs have no revision that a request could name.
fn no_revision(rev: Option<&str>) -> Result<(), Error> {
    if rev.is_some() { Err(Error::Revision) } else { Ok(()) }
}
