//! `managed/<type>` and `managed/<type>/<id>`: JSON objects that a tenant keeps.
//!
//! A verb finds what its path names, says what it wants as a [`Change`] or a query, and shapes the answer. What is to
//! be done is decided over the object as a unit of work sees it: the surrounding one, or one of the verb's own that is
//! committed at once.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use host_model::audit::{Audit, NoAudit};
use host_model::evaluate::Scripting;
use host_model::ids::Ids;
use host_model::sync::ChangeListener;
use host_resource::{
    Action, ApiVersion, Content, Context, Create, Delete, Object, Page, Patch, Pointer, Problem, Query, QuerySource,
    Read, Resource, ResourcePath, Update,
};
use host_secrets::Keystore;
use host_store::unit_of_work::{Seen, WriteLimits};
use host_store::{StoreError, TenantStore, UnitOfWork};
use parking_lot::RwLock;
use serde_json::Value;
use tokio::sync::Mutex;

mod actions;
mod body;
mod change;
mod configured;
mod cookie;
mod crypto;
mod govern;
mod hooks;
mod id;
mod live;
mod marks;
mod matches;
mod order;
mod paged;
mod policies;
mod policy;
mod query;
mod relationship;
mod schema;
mod secret;
mod shape;
mod sorted;
mod synced;
#[cfg(test)]
mod tests;
mod touched;
mod transform;
mod types;
mod unique;
mod window;
mod write;

use body::Body;
use change::{Change, ChangeError};
use id::ObjectId;
use live::{LiveType, LiveTypes};
use relationship::refuse_filters;
use secret::Vault;
use shape::refuse_probing;

pub use actions::MAX_PATCHED;
pub use body::{MAX_DEPTH, MAX_OBJECT};
pub use configured::ConfiguredTypes;
pub use crypto::CryptoResource;
pub use policies::PolicyResource;
pub use relationship::{MAX_GIVEN, MAX_RELATIONSHIPS, MAX_SHOWN};
pub use schema::MAX_PROPERTIES;
pub use sorted::MAX_SORTED;
pub use types::{MAX_INDEXES, MAX_NAME, MAX_TYPES, ManagedTypes, TypesError};
pub use window::{MAX_PAGE, PAGE};

/// The managed objects of a tenant, to be mounted at `managed`.
pub struct ManagedObjects {
    store: TenantStore,
    /// Replaced as a whole: a request goes on with those that it began with.
    types: RwLock<Arc<LiveTypes>>,
    /// Held while types are replaced, so that one replacement comes after the other.
    replacing: Mutex<()>,
    /// Held while indexes are declared.
    declaring: Mutex<()>,
    ids: Arc<dyn Ids>,
    scripting: Arc<dyn Scripting>,
    vault: Vault,
    enforces_policies: bool,
    audit: Arc<dyn Audit>,
    /// Held by a change that others were faster than too often.
    turn: Mutex<()>,
    /// Who has to know of changes.
    listener: OnceLock<Arc<dyn ChangeListener>>,
}

/// What managed objects stand on.
#[derive(Debug)]
pub struct Ports {
    /// The tenant's documents.
    pub store: TenantStore,
    /// Where ids come from.
    pub ids: Arc<dyn Ids>,
    /// Who evaluates hooks.
    pub scripting: Arc<dyn Scripting>,
    /// The keys of encrypted properties.
    pub keystore: Arc<Keystore>,
    /// Whether an object that breaks policies is refused: `openidm.policy.enforcement.enabled`.
    pub enforces_policies: bool,
}

/// An object of a type, there or not.
struct Place {
    managed: Arc<LiveType>,
    id: ObjectId,
}

impl std::fmt::Debug for ManagedObjects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ManagedObjects")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl ManagedObjects {
    /// The objects of no type yet: [`Self::replace_types`] says which there are.
    pub fn new(ports: Ports) -> Self {
        let Ports {
            store,
            ids,
            scripting,
            keystore,
            enforces_policies,
        } = ports;
        Self {
            store,
            types: RwLock::default(),
            replacing: Mutex::new(()),
            declaring: Mutex::new(()),
            vault: Vault::new(keystore, Arc::clone(&ids)),
            ids,
            scripting,
            enforces_policies,
            audit: Arc::new(NoAudit),
            turn: Mutex::new(()),
            listener: OnceLock::new(),
        }
    }

    /// Tells somebody of every change, in its unit of work. The first one stays.
    pub fn listen(&self, listener: Arc<dyn ChangeListener>) {
        self.listener.get_or_init(|| listener);
    }

    /// The same, with an entry in the audit in the commit of each change.
    #[must_use]
    pub fn with_audit(self, audit: Arc<dyn Audit>) -> Self {
        Self { audit, ..self }
    }

    /// The unit of work that a request reads through: the surrounding one, or one of its own, in which nothing can be
    /// written: nobody would commit it.
    async fn view(&self, context: &Context) -> Result<Arc<UnitOfWork>, StoreError> {
        match UnitOfWork::of(context) {
            Some(unit) => Ok(unit),
            None => Ok(Arc::new(UnitOfWork::new(
                self.store.snapshot().await?,
                WriteLimits {
                    rows: 0,
                    ..WriteLimits::NONE
                },
            ))),
        }
    }

    fn managed(&self, name: &str) -> Result<Arc<LiveType>, Problem> {
        let types = Arc::clone(&self.types.read());
        types
            .get(name)
            .cloned()
            .ok_or_else(|| Problem::not_found(ResourcePath::from_elements(["managed", name])))
    }

    /// The type whose objects lie in the container at a path.
    fn container(&self, path: &ResourcePath) -> Result<Arc<LiveType>, Problem> {
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

    fn fresh_id(&self) -> Result<ObjectId, Problem> {
        Ok(ObjectId::parse(&self.ids.uuid())?)
    }
}

#[async_trait]
impl Resource for ManagedObjects {
    async fn create(&self, context: &Context, path: &ResourcePath, create: Create) -> Result<Object, Problem> {
        if let Some(spot) = self.spot(context, path) {
            return self.create_relationship(context, &spot, create).await;
        }
        let managed = self.container(path)?;
        let chosen = create.id.as_deref().map(ObjectId::parse).transpose()?;
        let id = match (chosen, body::named_id(&create.content)?) {
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => self.fresh_id()?,
        };
        let body = Body::new(&id, create.content)?;
        let place = Place { managed, id };
        self.write(context, &place, &Change::Create(body), &create.fields).await
    }

    async fn read(&self, context: &Context, path: &ResourcePath, read: Read) -> Result<Object, Problem> {
        if let Some(spot) = self.spot(context, path) {
            return self.read_relationship(context, &spot, &read.fields).await;
        }
        let place = self.place(path)?;
        let unit = self.view(context).await?;
        let seen = unit.get(&place.key()).await?;
        let found = object(seen.ok_or_else(|| ChangeError::Missing.problem(&place.path()))?);
        self.show(context, &unit, &place.managed, found, &read.fields, true)
            .await
    }

    async fn update(&self, context: &Context, path: &ResourcePath, update: Update) -> Result<Object, Problem> {
        if let Some(spot) = self.spot(context, path) {
            return self.update_relationship(context, &spot, update).await;
        }
        let place = self.place(path)?;
        let body = Body::new(&place.id, update.content)?;
        let change = Change::Update { rev: update.rev, body };
        self.write(context, &place, &change, &update.fields).await
    }

    async fn patch(&self, context: &Context, path: &ResourcePath, patch: Patch) -> Result<Object, Problem> {
        if self.spot(context, path).is_some() {
            return Err(Problem::unsupported(format!(
                "'managed/{path}' is a relationship: it is not patched but replaced, by a PUT of it"
            )));
        }
        let Patch {
            rev,
            operations,
            fields,
        } = patch;
        self.write(context, &self.place(path)?, &Change::Patch { rev, operations }, &fields)
            .await
    }

    async fn delete(&self, context: &Context, path: &ResourcePath, delete: Delete) -> Result<Object, Problem> {
        if let Some(spot) = self.spot(context, path) {
            return self.delete_relationship(context, &spot, delete).await;
        }
        let change = Change::Delete { rev: delete.rev };
        self.write(context, &self.place(path)?, &change, &delete.fields).await
    }

    async fn query(&self, context: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        if let Some(spot) = self.spot(context, path) {
            return self.query_relationships(context, &spot, query).await;
        }
        let managed = self.container(path)?;
        let filter = match &query.source {
            QuerySource::Filter(filter) => Some(&**filter),
            QuerySource::Id(_) => None,
        };
        refuse_probing(context, &managed, filter, &query.sort)?;
        refuse_filters(&managed, filter, &query.sort)?;
        let unit = self.view(context).await?;
        let (fields, is_ids) = (query.fields.clone(), query::is_ids(&query.source));
        let page = query::answer(&unit, &managed.definition.collection, query).await?;
        if is_ids {
            return Ok(page);
        }
        self.show_page(context, &unit, &managed, page, &fields).await
    }

    async fn action(
        &self,
        context: &Context,
        path: &ResourcePath,
        action: Action,
        _version: Option<ApiVersion>,
    ) -> Result<Option<Value>, Problem> {
        self.act(context, path, action).await
    }

    fn joins_unit_of_work(&self) -> bool {
        true
    }

    fn collection(&self, path: &ResourcePath) -> Option<String> {
        Some(self.container(path).ok()?.definition.collection.name().to_owned())
    }

    fn check_mark(&self, path: &ResourcePath, place: &Pointer) -> Result<(), String> {
        let container = self.container(path).map_err(|problem| problem.message)?;
        marks::check(container.definition.schema.as_ref(), place)
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
