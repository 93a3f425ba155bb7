//! The resource `repo/link`: links as documents, for those who look after them. A link is made and deleted, not changed.

use std::sync::Arc;

use async_trait::async_trait;
use host_model::members::Members;
use host_resource::{
    Code, Content, Context, Create, Delete, Object, Page, Pointer, Problem, Query, Read, Resource, ResourcePath,
};
use host_store::unit_of_work::WriteLimits;
use host_store::{CommitError, TenantStore, UnitOfWork};

use crate::documents;
use crate::links::{Link, LinkTable, links, shown};
use crate::mappings::Mappings;

/// The resource `repo/link`.
pub struct LinkResource {
    store: TenantStore,
    mappings: Arc<Mappings>,
}

impl LinkResource {
    /// The links of a tenant.
    pub fn new(store: TenantStore, mappings: Arc<Mappings>) -> Self {
        Self { store, mappings }
    }

    async fn commit(&self, unit: UnitOfWork) -> Result<(), Problem> {
        let changes = unit.end().unwrap_or_default().own.to_changes();
        match self.store.commit(changes).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict(_)) => Err(Problem::conflict("the link was changed meanwhile: try again")),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    async fn unit(&self) -> Result<UnitOfWork, Problem> {
        Ok(UnitOfWork::new(self.store.snapshot().await?, WriteLimits::NONE))
    }
}

#[async_trait]
impl Resource for LinkResource {
    async fn create(&self, _context: &Context, path: &ResourcePath, create: Create) -> Result<Object, Problem> {
        if !path.is_empty() {
            return Err(Problem::not_found(format!("repo/link/{path}")));
        }
        let members = Members::of(&create.content, Pointer::root())?;
        members.only(&["_id", "_rev", "linkType", "linkQualifier", "firstId", "secondId"])?;
        let kind = members.require_text("linkType", "the mapping that owns the links")?;
        let first = members.require_text("firstId", "the id of the mapping's source object")?;
        let second = members.require_text("secondId", "the id of the mapping's target object")?;
        let qualifier = members
            .text("linkQualifier")?
            .unwrap_or(host_model::mapping::DEFAULT_QUALIFIER);
        let set = self.mappings.set();
        let table = set
            .require(kind)
            .map_or_else(|_| LinkTable::bare(kind), |mapping| mapping.links.clone());
        let link = table.forward().link(qualifier, first, second);
        if create.id.as_deref().is_some_and(|id| id != link.id()) {
            return Err(Problem::bad_request(
                "a link has an id of its own: create it without one",
            ));
        }
        let unit = self.unit().await?;
        link.put(&unit).await?;
        self.commit(unit).await?;
        let read = documents::read(&self.store, links(), &link.id(), None).await?;
        read.ok_or_else(|| missing(&link.id()))
    }

    async fn read(&self, _context: &Context, path: &ResourcePath, _read: Read) -> Result<Object, Problem> {
        let id = path.to_string();
        documents::read(&self.store, links(), &id, None)
            .await?
            .ok_or_else(|| missing(&id))
    }

    async fn delete(&self, _context: &Context, path: &ResourcePath, delete: Delete) -> Result<Object, Problem> {
        let id = path.to_string();
        let unit = self.unit().await?;
        let seen = unit.get(&links().key(id.as_str())).await?.ok_or_else(|| missing(&id))?;
        if delete.rev.is_some_and(|rev| rev != seen.rev.to_string()) {
            return Err(Problem::precondition_failed(format!(
                "'repo/link/{id}' is not at this revision any more"
            )));
        }
        let link: Link = serde_json::from_slice(&seen.body)
            .map_err(|error| Problem::internal(format!("a stored link is damaged: {error}")))?;
        link.delete(&unit).await?;
        self.commit(unit).await?;
        Ok(Object {
            id,
            rev: Some(seen.rev.to_string()),
            content: Content::Json(shown(&link)),
        })
    }

    async fn query(&self, _context: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        if !path.is_empty() {
            return Err(Problem::bad_request("query repo/link"));
        }
        documents::query(&self.store, links(), &query, None).await
    }
}

fn missing(id: &str) -> Problem {
    Problem::new(Code::NOT_FOUND, format!("Resource 'repo/link/{id}' not found"))
}
