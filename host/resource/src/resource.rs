//! The one trait that everything outside the house sees.

use async_trait::async_trait;

use crate::context::Context;
use crate::path::ResourcePath;
use crate::pointer::Pointer;
use crate::problem::Problem;
use crate::request::{Action, ApiVersion, Create, Delete, Patch, Query, Read, Request, Update, Verb};
use crate::response::Response;
use crate::response::{Object, Page};
use serde_json::Value;

/// Something with the seven verbs. The path that each verb gets is what is left after the mount point. A verb that a
/// resource does not have answers 501.
#[async_trait]
pub trait Resource: Send + Sync {
    /// Makes a resource in the container at `path`.
    async fn create(&self, _context: &Context, path: &ResourcePath, _create: Create) -> Result<Object, Problem> {
        Err(unsupported("create", path))
    }

    /// Reads the resource at `path`.
    async fn read(&self, _context: &Context, path: &ResourcePath, _read: Read) -> Result<Object, Problem> {
        Err(unsupported("read", path))
    }

    /// Replaces the resource at `path`.
    async fn update(&self, _context: &Context, path: &ResourcePath, _update: Update) -> Result<Object, Problem> {
        Err(unsupported("update", path))
    }

    /// Changes parts of the resource at `path`.
    async fn patch(&self, _context: &Context, path: &ResourcePath, _patch: Patch) -> Result<Object, Problem> {
        Err(unsupported("patch", path))
    }

    /// Removes the resource at `path` and answers what it was.
    async fn delete(&self, _context: &Context, path: &ResourcePath, _delete: Delete) -> Result<Object, Problem> {
        Err(unsupported("delete", path))
    }

    /// Lists what matches in the container at `path`.
    async fn query(&self, _context: &Context, path: &ResourcePath, _query: Query) -> Result<Page, Problem> {
        Err(unsupported("query", path))
    }

    /// Anything else. `version` is the version of the interface that the client asked for, if it did.
    async fn action(
        &self,
        _context: &Context,
        path: &ResourcePath,
        _action: Action,
        _version: Option<ApiVersion>,
    ) -> Result<Option<Value>, Problem> {
        Err(unsupported("action", path))
    }

    /// Whether what this resource writes joins the unit of work in the context. If not, a guest may read it and query
    /// it, but neither write to it nor call its actions: nothing a guest does may escape its unit of work.
    fn joins_unit_of_work(&self) -> bool {
        false
    }

    /// The name of the collection whose documents are the resources of the container at `path`, when that is all there
    /// is to them: a service may then page through them and mark them without going through the verbs.
    fn collection(&self, _path: &ResourcePath) -> Option<String> {
        None
    }

    /// Whether a service may write a text at this place of the resources of the container at `path`, without going
    /// through the verbs. An error says why not.
    fn check_mark(&self, _path: &ResourcePath, _place: &Pointer) -> Result<(), String> {
        Ok(())
    }
}

fn unsupported(verb: &str, path: &ResourcePath) -> Problem {
    Problem::unsupported(format!(
        "the resource does not support {verb}{}{path}",
        if path.is_empty() { "" } else { " at " }
    ))
}

/// Hands a request to the verb it names.
pub(crate) async fn dispatch(
    resource: &dyn Resource,
    context: &Context,
    path: &ResourcePath,
    request: Request,
) -> Result<Response, Problem> {
    Ok(match request.verb {
        Verb::Create(create) => Response::Created(resource.create(context, path, create).await?),
        Verb::Read(read) => Response::Object(resource.read(context, path, read).await?),
        Verb::Update(update) => Response::Object(resource.update(context, path, update).await?),
        Verb::Patch(patch) => Response::Object(resource.patch(context, path, patch).await?),
        Verb::Delete(delete) => Response::Object(resource.delete(context, path, delete).await?),
        Verb::Query(query) => Response::Page(resource.query(context, path, query).await?),
        Verb::Action(action) => Response::Action(resource.action(context, path, action, request.version).await?),
    })
}
