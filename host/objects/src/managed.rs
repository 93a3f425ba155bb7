//! `managed/<type>` and `managed/<type>/<id>`: JSON objects that a tenant keeps.
//!
//! A verb finds what its path names, says what it wants as a [`Change`] or a query, and shapes the answer. What is to
//! be done is decided over the object as a unit of work sees it: the surrounding one, or one of the verb's own that is
//! committed at once.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use host_model::ids::Ids;
use host_model::sync::ChangeListener;
use host_resource::patch::PatchOperation;
use host_resource::{
    Action, ApiVersion, Content, Context, Create, Delete, Object, Page, Patch, Problem, Query, Read, Resource,
    ResourcePath, Update,
};
use host_store::unit_of_work::{Seen, WriteLimits};
use host_store::{StoreError, TenantStore, UnitOfWork};
use parking_lot::RwLock;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::bulk;

mod body;
mod change;
mod configured;
mod cookie;
mod id;
mod live;
mod matches;
mod order;
mod paged;
mod query;
mod sorted;
#[cfg(test)]
mod tests;
mod types;
mod window;
mod write;

use body::Body;
use change::{Change, ChangeError};
use id::ObjectId;
use types::ManagedType;

pub use body::{MAX_DEPTH, MAX_OBJECT};
pub use configured::ConfiguredTypes;
pub use sorted::MAX_SORTED;
pub use types::{MAX_INDEXES, MAX_NAME, MAX_TYPES, ManagedTypes, TypesError};
pub use window::{MAX_PAGE, PAGE};

/// The managed objects of a tenant, to be mounted at `managed`.
#[derive(Debug)]
pub struct ManagedObjects {
    store: TenantStore,
    /// Replaced as a whole: a request goes on with those that it began with.
    types: RwLock<Arc<ManagedTypes>>,
    /// Held while types are replaced, so that one replacement comes after the other.
    replacing: Mutex<()>,
    /// Held while indexes are declared.
    declaring: Mutex<()>,
    ids: Arc<dyn Ids>,
    /// Held by a change that others were faster than too often.
    turn: Mutex<()>,
    /// Who has to know of changes.
    listener: OnceLock<Arc<dyn ChangeListener>>,
}

/// An object of a type, there or not.
struct Place {
    managed: Arc<ManagedType>,
    id: ObjectId,
}

impl ManagedObjects {
    /// The objects of no type yet: [`Self::replace_types`] says which there are.
    pub fn new(store: TenantStore, ids: Arc<dyn Ids>) -> Self {
        Self {
            store,
            types: RwLock::default(),
            replacing: Mutex::new(()),
            declaring: Mutex::new(()),
            ids,
            turn: Mutex::new(()),
            listener: OnceLock::new(),
        }
    }

    /// Tells somebody of every change, in its unit of work. The first one stays.
    pub fn listen(&self, listener: Arc<dyn ChangeListener>) {
        self.listener.get_or_init(|| listener);
    }

    /// The unit of work that a request reads through: the surrounding one, or one of its own.
    async fn view(&self, context: &Context) -> Result<Arc<UnitOfWork>, StoreError> {
        match UnitOfWork::of(context) {
            Some(unit) => Ok(unit),
            None => Ok(Arc::new(UnitOfWork::new(
                self.store.snapshot().await?,
                WriteLimits::NONE,
            ))),
        }
    }

    fn managed(&self, name: &str) -> Result<Arc<ManagedType>, Problem> {
        let types = Arc::clone(&self.types.read());
        types
            .get(name)
            .cloned()
            .ok_or_else(|| Problem::not_found(ResourcePath::from_elements(["managed", name])))
    }

    /// The type whose objects lie in the container at a path.
    fn container(&self, path: &ResourcePath) -> Result<Arc<ManagedType>, Problem> {
        let mut elements = path.elements();
        match (elements.next(), elements.next(), elements.next()) {
            (Some(name), None, None) => self.managed(name),
            (Some(name), Some(_), None) => {
                self.managed(name)?;
                Err(Problem::bad_request(format!(
                    "'managed/{path}' is an object: this is asked of a type, such as 'managed/{name}'"
                )))
            }
            _ => Err(not_found(path)),
        }
    }

    /// The object at a path.
    fn place(&self, path: &ResourcePath) -> Result<Place, Problem> {
        let mut elements = path.elements();
        match (elements.next(), elements.next(), elements.next()) {
            (Some(name), Some(id), None) => Ok(Place {
                managed: self.managed(name)?,
                id: ObjectId::parse(id)?,
            }),
            (Some(name), None, None) => {
                self.managed(name)?;
                Err(Problem::bad_request(format!(
                    "'managed/{path}' is a type: this is asked of an object, such as 'managed/{name}/id'"
                )))
            }
            _ => Err(not_found(path)),
        }
    }

    fn unknown_action(&self, path: &ResourcePath, name: &str) -> Problem {
        if self.container(path).is_err() && self.place(path).is_err() {
            return not_found(path);
        }
        Problem::unsupported(format!(
            "the action '{name}' is not supported by 'managed/{path}': an object has the action 'patch'"
        ))
    }

    fn fresh_id(&self) -> Result<ObjectId, Problem> {
        Ok(ObjectId::parse(&self.ids.uuid())?)
    }
}

#[async_trait]
impl Resource for ManagedObjects {
    async fn create(&self, context: &Context, path: &ResourcePath, create: Create) -> Result<Object, Problem> {
        let managed = self.container(path)?;
        let chosen = create.id.as_deref().map(ObjectId::parse).transpose()?;
        let id = match (chosen, body::named_id(&create.content)?) {
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => self.fresh_id()?,
        };
        let body = Body::new(&id, create.content)?;
        self.write(context, &Place { managed, id }, &Change::Create(body)).await
    }

    async fn read(&self, context: &Context, path: &ResourcePath, _read: Read) -> Result<Object, Problem> {
        let place = self.place(path)?;
        let seen = self.view(context).await?.get(&place.key()).await?;
        Ok(object(seen.ok_or_else(|| ChangeError::Missing.problem(&place.path()))?))
    }

    async fn update(&self, context: &Context, path: &ResourcePath, update: Update) -> Result<Object, Problem> {
        let place = self.place(path)?;
        let body = Body::new(&place.id, update.content)?;
        self.write(context, &place, &Change::Update { rev: update.rev, body })
            .await
    }

    async fn patch(&self, context: &Context, path: &ResourcePath, patch: Patch) -> Result<Object, Problem> {
        let Patch { rev, operations, .. } = patch;
        self.write(context, &self.place(path)?, &Change::Patch { rev, operations })
            .await
    }

    async fn delete(&self, context: &Context, path: &ResourcePath, delete: Delete) -> Result<Object, Problem> {
        self.write(context, &self.place(path)?, &Change::Delete { rev: delete.rev })
            .await
    }

    async fn query(&self, context: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        let managed = self.container(path)?;
        let unit = self.view(context).await?;
        query::answer(&unit, &managed.collection, query).await
    }

    /// `patch` on an object is the patch verb for clients that cannot send it.
    async fn action(
        &self,
        context: &Context,
        path: &ResourcePath,
        action: Action,
        _version: Option<ApiVersion>,
    ) -> Result<Option<Value>, Problem> {
        if action.name == "import" {
            self.container(path)?;
            return bulk::import(&self.store, self, context, path, action).await.map(Some);
        }
        if action.name != "patch" {
            return Err(self.unknown_action(path, &action.name));
        }
        let place = self.place(path)?;
        let operations = PatchOperation::parse_all(&action.content.unwrap_or_default());
        let operations = operations.map_err(|error| ChangeError::from(error).problem(&place.path()))?;
        let patched = self
            .write(context, &place, &Change::Patch { rev: None, operations })
            .await?;
        patched
            .project(&action.fields)
            .map(Some)
            .map_err(|error| Problem::internal(error.to_string()))
    }

    fn joins_unit_of_work(&self) -> bool {
        true
    }

    fn collection(&self, path: &ResourcePath) -> Option<String> {
        Some(self.container(path).ok()?.collection.name().to_owned())
    }
}

/// An object as a unit of work sees it.
fn object(seen: Seen) -> Object {
    Object {
        id: seen.id.to_string(),
        rev: Some(seen.rev.to_string()),
        content: Content::Raw(seen.body),
    }
}

fn not_found(path: &ResourcePath) -> Problem {
    let elements = std::iter::once("managed").chain(path.elements());
    Problem::not_found(ResourcePath::from_elements(elements))
}
