//! The resource `sync`: telling of changes by hand, what an object is linked to, and the changes that wait.
//!
//! `sync?_action=…`, `sync/queue`, `sync/queue/ID`.

use std::sync::Arc;

use async_trait::async_trait;
use host_model::difference::is_same;
use host_model::mapping::Qualifiers;
use host_model::members::Members;
use host_model::sync::Change;
use host_resource::{
    Action, ApiVersion, Context, Delete, Object, Page, Pointer, Problem, Query, Read, Resource, ResourcePath,
};
use host_store::{ChangeSet, CommitError, Expectation, UnitOfWork};
use serde_json::{Value, json};

use crate::attempt::{limits, qualifiers};
use crate::documents;
use crate::implicit::{Outcome, Synchronizer, unit_of};
use crate::item::Item;
use crate::mapping::Mapping;
use crate::perform::Perform;
use crate::queue::queue;
use crate::request::known;
use crate::turn::Side;

/// How often a change that others were faster than is carried over again.
const ATTEMPTS: usize = 8;

/// What is done in a unit of work.
#[derive(Clone, Copy)]
enum Asked<'a> {
    Notify(Change<'a>),
    Perform(&'a Perform),
}

/// The resource `sync`.
pub struct SyncResource(pub Arc<Synchronizer>);

impl SyncResource {
    /// Carries over a change that somebody tells of. Answers what each mapping did.
    async fn notify(&self, context: &Context, action: &Action) -> Result<Value, Problem> {
        known(action, &["resourceContainer", "resourceId"])?;
        let container = required(action, "resourceContainer")?;
        let id = required(action, "resourceId")?;
        let body = action.content.clone().unwrap_or_else(|| json!({}));
        let members = Members::of(&body, Pointer::root())?;
        members.only(&["newValue", "oldValue"])?;
        let object = |name: &str| Ok::<_, Problem>(members.object(name)?.and(members.get(name)));
        let (old, new) = (object("oldValue")?, object("newValue")?);
        let is_deleted = action.name == "notifyDelete";
        if new.is_none() && !is_deleted {
            return Err(members
                .invalid("newValue", "'newValue' is required: what the object is now")
                .into());
        }
        if let (Some(old), Some(new)) = (old, new)
            && is_same(old, new)
        {
            return Ok(json!([]));
        }
        let change = Change {
            container,
            id,
            old,
            new: new.filter(|_| !is_deleted),
            is_check: false,
        };
        self.committed(context, Asked::Notify(change)).await
    }

    /// Does something in the unit of work of the context, or in one of its own that is committed, again and again until
    /// nobody was faster.
    async fn committed(&self, context: &Context, asked: Asked<'_>) -> Result<Value, Problem> {
        if context.is_within() {
            return self.done(context, asked).await;
        }
        for _ in 0..ATTEMPTS {
            let unit = Arc::new(UnitOfWork::new(self.0.store.snapshot().await?, limits()));
            let answer = self.done(&context.clone().within(Arc::clone(&unit)), asked).await?;
            let changes = unit.end().unwrap_or_default().own.to_changes();
            match self.0.store.commit(changes).await {
                Ok(_) => return Ok(answer),
                Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(Problem::conflict(
            "the objects are being changed by too many at once: try again later",
        ))
    }

    async fn done(&self, context: &Context, asked: Asked<'_>) -> Result<Value, Problem> {
        match asked {
            Asked::Perform(perform) => self.0.perform(context, perform).await,
            Asked::Notify(change) => {
                let outcomes = self.0.carry_over(context, change).await?;
                Ok(outcomes.iter().map(Outcome::to_json).collect())
            }
        }
    }

    /// The target objects that an object is linked to.
    async fn linked(&self, context: &Context, action: &Action) -> Result<Value, Problem> {
        known(action, &["resourceName"])?;
        let name = required(action, "resourceName")?;
        let path = ResourcePath::parse(name).map_err(|error| Problem::bad_request(error.to_string()))?;
        let id = path.last().unwrap_or_default().to_owned();
        let container = path.parent().to_string();
        let unit = Arc::new(UnitOfWork::new(self.0.store.snapshot().await?, limits()));
        let context = match unit_of(context) {
            Ok(_) => context.clone(),
            Err(_) => context.clone().within(unit),
        };
        let mut found = Vec::new();
        for mapping in &self.0.mappings.set().ready {
            if mapping.spec.source.eq_ignore_ascii_case(&container) {
                self.linked_by(&context, mapping, &id, &mut found).await?;
            }
        }
        Ok(found.into())
    }

    async fn linked_by(
        &self,
        context: &Context,
        mapping: &Arc<Mapping>,
        id: &str,
        found: &mut Vec<Value>,
    ) -> Result<(), Problem> {
        let work = self.0.work(context, mapping, false)?;
        let item = Item::new(Side::Source, id);
        let names = match &mapping.spec.qualifiers {
            Qualifiers::Named(names) => names.clone(),
            Qualifiers::Script(_) => qualifiers(&work, context, None, None, &item).await?,
        };
        let unit = unit_of(context)?;
        for qualifier in names {
            let Some(link) = mapping.links.by_source(&unit, &qualifier, id).await? else {
                continue;
            };
            let target = mapping.links.target_of(&link);
            let (content, error) = match mapping.target.read(&work.router, context, target).await {
                Ok(Some(content)) => (content, None),
                Ok(None) => (Value::Null, Some("the linked object is gone".to_owned())),
                Err(problem) => (Value::Null, Some(problem.message)),
            };
            let mut resource = json!({
                "resourceName": mapping.target.path_of(target),
                "content": content,
                "linkQualifier": qualifier,
                "linkType": &*mapping.links.kind,
                "mappings": [{"name": mapping.spec.name, "type": "source"}],
            });
            if let Some(error) = error {
                resource["error"] = error.into();
            }
            found.push(resource);
        }
        Ok(())
    }
}

#[async_trait]
impl Resource for SyncResource {
    async fn read(&self, _context: &Context, path: &ResourcePath, _read: Read) -> Result<Object, Problem> {
        match path.elements().collect::<Vec<_>>()[..] {
            ["queue", id] => documents::read(&self.0.store, queue(), id, None)
                .await?
                .ok_or_else(|| Problem::not_found(format!("sync/{path}"))),
            _ => Err(Problem::not_found(format!("sync/{path}"))),
        }
    }

    async fn query(&self, _context: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        match path.elements().collect::<Vec<_>>()[..] {
            ["queue"] => documents::query(&self.0.store, queue(), &query, None).await,
            _ => Err(Problem::bad_request("query sync/queue: the changes that wait")),
        }
    }

    /// Gives up on a change that waits.
    async fn delete(&self, context: &Context, path: &ResourcePath, _delete: Delete) -> Result<Object, Problem> {
        let object = self.read(context, path, Read::default()).await?;
        let mut changes = ChangeSet::new();
        changes.delete(queue().key(object.id.as_str()), Expectation::Any);
        self.0.store.commit(changes).await?;
        Ok(object)
    }

    async fn action(
        &self,
        context: &Context,
        path: &ResourcePath,
        action: Action,
        _version: Option<ApiVersion>,
    ) -> Result<Option<Value>, Problem> {
        if !path.is_empty() {
            return Err(Problem::not_found(format!("sync/{path}")));
        }
        match action.name.as_str() {
            "notifyCreate" | "notifyUpdate" | "notifyDelete" => self.notify(context, &action).await.map(Some),
            "performAction" => {
                let perform = Perform::parse(&action)?;
                self.committed(context, Asked::Perform(&perform)).await.map(Some)
            }
            "getLinkedResources" => self.linked(context, &action).await.map(Some),
            name => Err(Problem::bad_request(format!(
                "Unknown action: {name}; known are notifyCreate, notifyUpdate, notifyDelete, performAction and \
                 getLinkedResources"
            ))),
        }
    }
}

fn required<'a>(action: &'a Action, name: &str) -> Result<&'a str, Problem> {
    let given = action.parameter(name).filter(|text| !text.is_empty());
    given.ok_or_else(|| Problem::bad_request(format!("The parameter '{name}' is missing")))
}
