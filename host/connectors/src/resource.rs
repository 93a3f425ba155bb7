//! `system`, `system/NAME`, `system/NAME/TYPE`, `system/NAME/TYPE/ID` (behaviour 6.2).

use std::sync::Arc;

use async_trait::async_trait;
use host_resource::patch;
use host_resource::{
    Action, ApiVersion, Code, Content, Context, Create, Delete, Object, Page, Patch, Problem, Query, Read, Resource,
    ResourcePath, Update,
};
use serde_json::Value;

use crate::connector::{Connector, Entry};
use crate::definition::{Denied, ObjectType, Operation};
use crate::error::Error;
use crate::mapping::{self, Wanted};
use crate::query;
use crate::system::System;
use crate::systems::Systems;

mod actions;

/// So often a patch begins anew because others changed the object meanwhile.
const PATCH_ATTEMPTS: usize = 10;

/// The connected systems as a resource.
#[derive(Debug)]
pub struct SystemResource(pub Arc<Systems>);

/// A type of objects of a system.
struct Container {
    system: Arc<System>,
    kind: Arc<ObjectType>,
}

/// An object of a system, there or not.
struct Place {
    container: Container,
    uid: String,
}

impl SystemResource {
    fn container(&self, path: &ResourcePath) -> Result<Container, Problem> {
        let mut elements = path.elements();
        match (elements.next(), elements.next(), elements.next(), elements.next()) {
            (Some(name), Some(kind), None, None) => self.container_of(name, kind),
            (Some(name), Some(kind), Some(_), None) => {
                self.container_of(name, kind)?;
                Err(Problem::bad_request(format!(
                    "'system/{path}' is an object: this is asked of a type, such as 'system/{name}/{kind}'"
                )))
            }
            (Some(name), None, None, None) => {
                self.0.require(name)?;
                Err(Problem::bad_request(format!(
                    "'system/{path}' is a system: this is asked of a type of objects, such as 'system/{path}/account'"
                )))
            }
            (None, ..) => Err(Problem::bad_request(
                "this is asked of a type of objects: system/NAME/TYPE",
            )),
            _ => Err(not_found(path)),
        }
    }

    fn container_of(&self, name: &str, kind: &str) -> Result<Container, Problem> {
        let (_, system) = self.0.require(name)?;
        let kind = system.require_type(kind)?;
        Ok(Container { system, kind })
    }

    fn place(&self, path: &ResourcePath) -> Result<Place, Problem> {
        let mut elements = path.elements();
        match (elements.next(), elements.next(), elements.next(), elements.next()) {
            (Some(name), Some(kind), Some(uid), None) => Ok(Place {
                container: self.container_of(name, kind)?,
                uid: uid.to_owned(),
            }),
            (_, _, None, _) => Err(Problem::bad_request(format!(
                "'system/{path}' is no object: this is asked of one, such as 'system/NAME/TYPE/ID'"
            ))),
            _ => Err(not_found(path)),
        }
    }
}

impl Container {
    fn problem(&self, error: &Error) -> Problem {
        error.problem(self.system.name())
    }

    async fn find(&self, uid: &str) -> Result<Option<Entry>, Problem> {
        let call = |connector: Arc<dyn Connector>| {
            let (kind, uid) = (Arc::clone(&self.kind), uid.to_owned());
            async move { connector.get(&kind, &uid).await }
        };
        let found = self.system.read(Operation::Get, call).await;
        found.map_err(|error| self.problem(&error))
    }

    async fn require(&self, uid: &str) -> Result<Entry, Problem> {
        let found = self.find(uid).await?;
        found.ok_or_else(|| self.problem(&Error::Missing(uid.to_owned())))
    }

    /// Whether an operation is to be left out. A refused one is an error.
    fn is_left_out(&self, operation: Operation) -> Result<bool, Problem> {
        match self.system.definition.operations.denied(operation, &self.kind) {
            None => Ok(false),
            Some(Denied::Nothing) => Ok(true),
            Some(Denied::Refuse) => Err(Problem::forbidden(format!(
                "system '{}': the configuration denies the operation {operation:?} on '{}'",
                self.system.name(),
                self.kind.name
            ))),
        }
    }

    /// Whether an object is in the state that a caller speaks of. Of most systems nobody can say.
    fn check_revision(&self, rev: Option<&str>, entry: &Entry) -> Result<(), Problem> {
        match rev {
            None => Ok(()),
            Some(_) if !self.system.has_revisions() => Err(Problem::precondition_failed(
                "objects of this connected system have no revisions: leave If-Match out, or write *",
            )),
            Some(rev) if rev == mapping::revision(&self.kind, entry) => Ok(()),
            Some(_) => Err(self.problem(&Error::Revision)),
        }
    }
}

impl Place {
    fn shown(&self, entry: &Entry, wanted: &Wanted) -> Object {
        let container = &self.container;
        let rev = container.system.has_revisions();
        let rev = rev.then(|| mapping::revision(&container.kind, entry));
        mapping::answer(&entry.uid, rev, mapping::object(&container.kind, entry, wanted))
    }

    /// Makes an object what it is to be, and answers it.
    async fn settle(
        &self,
        entry: Entry,
        rev: Option<&str>,
        content: &Value,
        touched: &Wanted,
        shown: &Wanted,
    ) -> Result<Object, Problem> {
        let container = &self.container;
        container.check_revision(rev, &entry)?;
        let changes = mapping::changes(&container.kind, &entry, content, touched)?;
        if changes.is_empty() || container.is_left_out(Operation::Update)? {
            return Ok(self.shown(&entry, shown));
        }
        let (kind, uid, rev) = (Arc::clone(&container.kind), self.uid.clone(), rev.map(str::to_owned));
        let call =
            |connector: Arc<dyn Connector>| async move { connector.update(&kind, &uid, changes, rev.as_deref()).await };
        let updated = container.system.write(Operation::Update, call).await;
        let uid = updated.map_err(|error| container.problem(&error))?;
        let entry = container.require(&uid).await?;
        Ok(self.shown(&entry, shown))
    }

    async fn patched(&self, patch: &Patch) -> Result<Object, Problem> {
        let entry = self.container.require(&self.uid).await?;
        let touched = Wanted::named(patch.operations.iter().map(|operation| &operation.field));
        let mut content = mapping::object(&self.container.kind, &entry, &touched);
        patch::apply(&patch.operations, &mut content).map_err(|error| Problem::bad_request(error.to_string()))?;
        let shown = Wanted::named(patch.fields.pointers());
        self.settle(entry, patch.rev.as_deref(), &content, &touched, &shown)
            .await
    }
}

#[async_trait]
impl Resource for SystemResource {
    async fn create(&self, _context: &Context, path: &ResourcePath, create: Create) -> Result<Object, Problem> {
        let container = self.container(path)?;
        let Create { id, content, fields } = create;
        let new = mapping::new_entry(&container.kind, id.clone(), container.system.id_attribute(), &content)?;
        if let Some(id) = &id
            && container.system.id_attribute().is_none()
        {
            // Who puts an object that is there means to change it.
            if container.find(id).await?.is_some() {
                return Err(container.problem(&Error::Exists(id.clone())));
            }
            return Err(Problem::bad_request(format!(
                "system '{}': the system gives its objects their ids: send a POST to 'system/{path}'",
                container.system.name()
            )));
        }
        if container.is_left_out(Operation::Create)? {
            return Ok(Object {
                id: id.unwrap_or_default(),
                rev: None,
                content: Content::Json(content),
            });
        }
        let kind = Arc::clone(&container.kind);
        let call = |connector: Arc<dyn Connector>| async move { connector.create(&kind, new).await };
        let created = container.system.write(Operation::Create, call).await;
        let uid = created.map_err(|error| container.problem(&error))?;
        let entry = container.require(&uid).await?;
        let place = Place { container, uid };
        Ok(place.shown(&entry, &Wanted::named(fields.pointers())))
    }

    async fn read(&self, _context: &Context, path: &ResourcePath, read: Read) -> Result<Object, Problem> {
        let place = self.place(path)?;
        let entry = place.container.require(&place.uid).await?;
        Ok(place.shown(&entry, &Wanted::named(read.fields.pointers())))
    }

    async fn update(&self, _context: &Context, path: &ResourcePath, update: Update) -> Result<Object, Problem> {
        let place = self.place(path)?;
        let entry = place.container.require(&place.uid).await?;
        let shown = Wanted::named(update.fields.pointers());
        let rev = update.rev.as_deref();
        place
            .settle(entry, rev, &update.content, &Wanted::default(), &shown)
            .await
    }

    async fn patch(&self, _context: &Context, path: &ResourcePath, patch: Patch) -> Result<Object, Problem> {
        let place = self.place(path)?;
        for _ in 0..PATCH_ATTEMPTS {
            match place.patched(&patch).await {
                // Others were faster: what the operations say holds for the new state as well.
                Err(problem) if problem.code == Code::CONFLICT && patch.rev.is_none() => {}
                done => return done,
            }
        }
        place.patched(&patch).await
    }

    async fn delete(&self, _context: &Context, path: &ResourcePath, delete: Delete) -> Result<Object, Problem> {
        let place = self.place(path)?;
        let entry = place.container.require(&place.uid).await?;
        place.container.check_revision(delete.rev.as_deref(), &entry)?;
        if !place.container.is_left_out(Operation::Delete)? {
            let (kind, uid) = (Arc::clone(&place.container.kind), place.uid.clone());
            let rev = delete.rev.clone();
            let call =
                |connector: Arc<dyn Connector>| async move { connector.delete(&kind, &uid, rev.as_deref()).await };
            let deleted = place.container.system.write(Operation::Delete, call).await;
            deleted.map_err(|error| place.container.problem(&error))?;
        }
        Ok(place.shown(&entry, &Wanted::named(delete.fields.pointers())))
    }

    async fn query(&self, _context: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        let container = self.container(path)?;
        query::answer(&container.system, &container.kind, query).await
    }

    async fn action(
        &self,
        context: &Context,
        path: &ResourcePath,
        action: Action,
        _version: Option<ApiVersion>,
    ) -> Result<Option<Value>, Problem> {
        self.act(context, path, action).await.map(Some)
    }
}

fn not_found(path: &ResourcePath) -> Problem {
    let elements = std::iter::once("system").chain(path.elements());
    Problem::new(
        Code::NOT_FOUND,
        format!("Resource '{}' not found", ResourcePath::from_elements(elements)),
    )
}
