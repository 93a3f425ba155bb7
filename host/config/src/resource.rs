//! The resource `config`: `config`, `config/TYPE`, `config/TYPE/NAME`.

use std::sync::Arc;

use async_trait::async_trait;
use host_resource::{
    Content, Context, Create, Delete, Object, Page, Patch, Problem, Query, Read, Resource, ResourcePath, Update,
    listing,
};
use serde_json::json;

use crate::configuration::{Configuration, Write};

/// The resource `config`.
pub struct ConfigResource(pub Arc<Configuration>);

/// What a path below the mount names.
enum Place<'a> {
    All,
    Object(&'a str, Option<&'a str>),
}

fn place(path: &ResourcePath) -> Result<Place<'_>, Problem> {
    match (path.len(), path.element(0), path.element(1)) {
        (0, _, _) => Ok(Place::All),
        (1 | 2, Some(kind), instance) => Ok(Place::Object(kind, instance)),
        _ => Err(Problem::bad_request(format!(
            "'config/{path}' names nothing: a configuration object is config/TYPE or config/TYPE/NAME"
        ))),
    }
}

fn not_one() -> Problem {
    Problem::bad_request("this is asked of one object: config/TYPE or config/TYPE/NAME")
}

impl ConfigResource {
    async fn change(&self, context: &Context, path: &ResourcePath, write: Write) -> Result<Object, Problem> {
        let Place::Object(kind, instance) = place(path)? else {
            return Err(not_one());
        };
        let (name, consumer) = self.0.find(kind, instance)?;
        let held = self.0.change(context, (&name, consumer), write).await?;
        Ok(held.shown(&name))
    }
}

#[async_trait]
impl Resource for ConfigResource {
    async fn create(&self, context: &Context, path: &ResourcePath, create: Create) -> Result<Object, Problem> {
        let Some(id) = create.id.as_deref() else {
            return Err(Problem::bad_request(
                "a configuration object has the name that its file shall have: PUT config/TYPE or config/TYPE/NAME",
            ));
        };
        self.change(context, &path.child(id), Write::Create(create.content))
            .await
    }

    async fn read(&self, _context: &Context, path: &ResourcePath, _read: Read) -> Result<Object, Problem> {
        let Place::Object(kind, instance) = place(path)? else {
            return Ok(Object {
                id: String::new(),
                rev: None,
                content: Content::Json(json!({"configurations": self.0.listed()})),
            });
        };
        let missing = || Problem::not_found(format!("config/{path}"));
        // Whoever asks for a type that there is not learns no more than that.
        let (name, _) = self.0.find(kind, instance).map_err(|_| missing())?;
        Ok(self.0.held(&name).ok_or_else(missing)?.shown(&name))
    }

    async fn update(&self, context: &Context, path: &ResourcePath, update: Update) -> Result<Object, Problem> {
        let Update { rev, content, .. } = update;
        self.change(context, path, Write::Update { rev, object: content }).await
    }

    async fn patch(&self, context: &Context, path: &ResourcePath, patch: Patch) -> Result<Object, Problem> {
        let Patch { rev, operations, .. } = patch;
        self.change(context, path, Write::Patch { rev, operations }).await
    }

    async fn delete(&self, context: &Context, path: &ResourcePath, delete: Delete) -> Result<Object, Problem> {
        self.change(context, path, Write::Delete { rev: delete.rev }).await
    }

    /// Filters and orders see what answers show, so that nobody finds out a secret by asking for it.
    async fn query(&self, _context: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        let kind = match place(path)? {
            Place::All => None,
            Place::Object(kind, None) => {
                let consumer = self.0.consumer(kind);
                Some(
                    consumer
                        .ok_or_else(|| Problem::not_found(format!("config/{path}")))?
                        .kind(),
                )
            }
            Place::Object(_, Some(_)) => {
                return Err(Problem::bad_request(format!(
                    "'config/{path}' is one object: query config, or a type such as config/schedule"
                )));
            }
        };
        let all = self.0.all(kind);
        listing::page(
            &format!("config/{path}"),
            &query,
            all.iter().map(|(name, held)| held.shown(name)).collect(),
        )
    }
}
