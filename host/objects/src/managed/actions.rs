//! Actions: `import`; `patch` for clients that cannot send the verb, on an object or on what a query finds; `reencrypt` and
//! `rotateKeys`; and those that a type's configuration brings.

use std::pin::Pin;
use std::sync::Arc;

use host_resource::patch::PatchOperation;
use host_resource::project::Fields;
use host_resource::{Action, Context, Filter, Problem, Query, QuerySource, ResourcePath};
use host_store::unit_of_work::WriteLimits;
use host_store::{Scan, UnitOfWork};
use serde_json::{Map, Value, json};

use super::change::{Change, ChangeError};
use super::hooks::Occasion;
use super::live::LiveType;
use super::relationship::refuse_filters;
use super::secret::Protection;
use super::shape::{named, refuse_probing};
use super::synced::asked;
use super::unique::parse;
use super::write::limits_of_hooks;
use super::{ManagedObjects, ObjectId, Place, query};
use crate::bulk;

/// The actions that every type has.
pub(super) const BUILT_IN: [&str; 5] = ["patch", "import", "triggerSyncCheck", "rotateKeys", "reencrypt"];

/// A patch on what a query finds changes all of it at once; more objects than this are refused.
pub const MAX_PATCHED: usize = 1000;
/// Objects that are encrypted anew in one commit.
const PAGE: usize = 500;

type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

impl ManagedObjects {
    /// Does what an action says.
    pub(super) async fn act(
        &self,
        context: &Context,
        path: &ResourcePath,
        action: Action,
    ) -> Result<Option<Value>, Problem> {
        let (live, place) = match self.container(path) {
            Ok(live) => (live, None),
            Err(_) => {
                let place = self.place(path)?;
                (Arc::clone(&place.managed), Some(place))
            }
        };
        match (action.name.as_str(), place) {
            ("import", None) => bulk::import(&self.store, self, context, path, action).await.map(Some),
            ("patch", Some(place)) => self.patch_one(context, &place, action).await.map(Some),
            ("patch", None) => self.patch_found(context, &live, action).await.map(Some),
            ("triggerSyncCheck", place) => self.trigger_sync_check(context, &live, place, &action).await.map(Some),
            ("rotateKeys", None) => self.rotate_keys(&live).map(Some),
            ("reencrypt", None) if !context.is_within() => self.reencrypt(&live).await.map(Some),
            ("reencrypt", None) => Err(Problem::forbidden(
                "'reencrypt' commits as it goes, so it cannot take part in a unit of work",
            )),
            (name, place) if live.actions.iter().any(|(known, _)| known == name) => {
                self.scripted(context, &live, place, action).await.map(Some)
            }
            (name, _) => {
                let own = live.actions.iter().map(|(name, _)| name.as_str());
                let known: Vec<&str> = BUILT_IN.into_iter().chain(own).collect();
                Err(Problem::unsupported(format!(
                    "the action '{name}' is not supported by 'managed/{path}': there are {}",
                    known.join(", ")
                )))
            }
        }
    }

    async fn patch_one(&self, context: &Context, place: &Place, action: Action) -> Result<Value, Problem> {
        let operations = operations(&action, &place.path())?;
        let change = Change::Patch { rev: None, operations };
        let patched = self.write(context, place, &change, &action.fields).await?;
        patched
            .project(&action.fields)
            .map_err(|error| Problem::internal(error.to_string()))
    }

    /// Patches everything that a query finds, all or nothing.
    async fn patch_found(&self, context: &Context, live: &Arc<LiveType>, action: Action) -> Result<Value, Problem> {
        let name = format!("managed/{}", live.definition.name);
        let operations = operations(&action, &name)?;
        let source = asked(&action)?
            .ok_or_else(|| Problem::bad_request("a patch on a type needs exactly one of _queryFilter and _queryId"))?;
        if let QuerySource::Filter(filter) = &source {
            refuse_probing(context, live, Some(filter), &[])?;
            refuse_filters(live, Some(filter), &[])?;
        }
        let change = Change::Patch { rev: None, operations };
        let (source, change, fields) = (&source, &change, &action.fields);
        let work = |unit: Arc<UnitOfWork>| -> Pending<'_, Vec<Value>> {
            Box::pin(async move { self.patch_all(context, &unit, live, source, change, fields).await })
        };
        let patched = match UnitOfWork::of(context) {
            Some(unit) => unit.all_or_nothing(work(Arc::clone(&unit))).await?,
            None => self.commit_when_done(&name, WriteLimits::NONE, &work).await?.0,
        };
        Ok(json!({"resultCount": patched.len(), "result": patched}))
    }

    async fn patch_all(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        live: &Arc<LiveType>,
        source: &QuerySource,
        change: &Change,
        fields: &Fields,
    ) -> Result<Vec<Value>, Problem> {
        let query = Query {
            source: source.clone(),
            page_size: Some(MAX_PATCHED + 1),
            ..Query::filter(Arc::new(Filter::Literal(true)))
        };
        let page = query::answer(unit, &live.definition.collection, query).await?;
        if page.result.len() > MAX_PATCHED || page.cookie.is_some() {
            return Err(Problem::bad_request(format!(
                "the query finds more than {MAX_PATCHED} objects: patch them in parts"
            )));
        }
        let mut patched = Vec::with_capacity(page.result.len());
        for found in page.result {
            let place = Place {
                managed: Arc::clone(live),
                id: ObjectId::parse(&found.id)?,
            };
            let staged = self.stage(context, unit, &place, change, fields).await?;
            // The commit will give them a revision; this one would be another.
            let shown = host_resource::Object {
                rev: None,
                ..staged.into_object()
            };
            patched.push(
                shown
                    .project(fields)
                    .map_err(|error| Problem::internal(error.to_string()))?,
            );
        }
        Ok(patched)
    }

    /// Runs a scripted action; what it writes is one commit.
    async fn scripted(
        &self,
        context: &Context,
        live: &Arc<LiveType>,
        place: Option<Place>,
        action: Action,
    ) -> Result<Value, Problem> {
        let path = place
            .as_ref()
            .map_or_else(|| format!("managed/{}", live.definition.name), Place::path);
        let (place, action, path) = (&place, &action, &path);
        let work = |unit: Arc<UnitOfWork>| -> Pending<'_, Value> {
            Box::pin(async move { run(context, &unit, live, place.as_ref(), path, action).await })
        };
        match UnitOfWork::of(context) {
            Some(unit) => unit.all_or_nothing(work(Arc::clone(&unit))).await,
            None => Ok(self.commit_when_done(path, limits_of_hooks(), &work).await?.0),
        }
    }

    /// Makes a new key for each alias that the type uses. What is written from now on is encrypted with it.
    fn rotate_keys(&self, live: &LiveType) -> Result<Value, Problem> {
        let mut rotated = Map::new();
        for (_, protection) in &live.protected {
            if let Protection::Encrypted { alias } = protection
                && !rotated.contains_key(alias)
            {
                let version = self.vault.keystore().rotate(alias).map_err(|error| {
                    tracing::error!(%error, "a key cannot be made");
                    Problem::internal("a key cannot be made: the log of the server says why")
                })?;
                rotated.insert(alias.clone(), version.into());
            }
        }
        Ok(json!({ "keys": rotated }))
    }

    /// Encrypts with the newest keys what was encrypted with older ones, or not at all, a page at a time. Hooks do not
    /// run: the objects stay what they are.
    async fn reencrypt(&self, live: &LiveType) -> Result<Value, Problem> {
        let name = format!("managed/{}", live.definition.name);
        let mut scan = Scan::all(live.definition.collection.clone(), PAGE);
        let (mut examined, mut count) = (0, 0);
        loop {
            let page_of = &scan;
            let work = |unit: Arc<UnitOfWork>| -> Pending<'_, _> {
                Box::pin(async move { self.reencrypt_page(&unit, live, page_of).await })
            };
            let ((looked_at, changed, cursor), _) = self.commit_when_done(&name, WriteLimits::NONE, &work).await?;
            examined += looked_at;
            count += changed;
            match cursor {
                Some(cursor) => scan.after = Some(cursor),
                None => return Ok(json!({"examined": examined, "reencrypted": count})),
            }
        }
    }

    async fn reencrypt_page(
        &self,
        unit: &UnitOfWork,
        live: &LiveType,
        scan: &Scan,
    ) -> Result<(u64, u64, Option<host_store::Cursor>), Problem> {
        let page = unit.scan(scan).await?;
        let (mut examined, mut count) = (0, 0);
        for seen in page.documents {
            examined += 1;
            let mut value = parse(&seen.body)?;
            let mut is_changed = false;
            for (pointer, how) in &live.protected {
                let Some(stored) = pointer.get(&value).filter(|stored| !stored.is_null()) else {
                    continue;
                };
                let renewed = if super::secret::is_protected(stored) {
                    self.vault.renewed(how, stored)?
                } else {
                    Some(self.vault.protect(how, stored, pointer).await?)
                };
                if let Some(renewed) = renewed {
                    pointer
                        .set(&mut value, renewed)
                        .map_err(|error| Problem::internal(error.to_string()))?;
                    is_changed = true;
                }
            }
            if is_changed {
                count += 1;
                let key = scan.collection.key(seen.id);
                unit.get(&key).await?;
                unit.put(key, value.to_string().into()).await?;
            }
        }
        Ok((examined, count, page.cursor))
    }
}

async fn run(
    context: &Context,
    unit: &Arc<UnitOfWork>,
    live: &Arc<LiveType>,
    place: Option<&Place>,
    path: &str,
    action: &Action,
) -> Result<Value, Problem> {
    let object = match place {
        None => Value::Null,
        Some(place) => {
            let seen = unit.get(&place.key()).await?;
            let seen = seen.ok_or_else(|| ChangeError::Missing.problem(path))?;
            named(parse(&seen.body)?, &place.id, Some(&seen.rev.to_string()))
        }
    };
    let occasion = Occasion::new(context, unit, live, path.to_owned(), "action");
    let script = live.actions.iter().find(|(name, _)| *name == action.name);
    let (_, script) = script.ok_or_else(|| Problem::unsupported("there is no such action"))?;
    let content = action.content.clone().unwrap_or(Value::Null);
    let own = |(name, _): &&(String, String)| !name.starts_with('_');
    let parameters: Map<String, Value> = action
        .parameters
        .iter()
        .filter(own)
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let request = json!({
        "method": "action",
        "action": action.name,
        "resourcePath": path,
        "content": content,
        "additionalParameters": parameters,
    });
    let what = format!("action {}", action.name);
    let mut evaluation = occasion.evaluation(what);
    evaluation.bindings.retain(|(name, _)| name != "request");
    let evaluation = evaluation.bind("request", &request).bind("object", &object);
    Ok(script.evaluate(occasion.context(), evaluation).await?.into_value())
}

fn operations(action: &Action, path: &str) -> Result<Vec<PatchOperation>, Problem> {
    let content = action.content.as_ref().unwrap_or(&Value::Null);
    PatchOperation::parse_all(content).map_err(|error| ChangeError::from(error).problem(path))
}
