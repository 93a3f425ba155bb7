//! Resources with every verb, and some that misbehave.

use std::collections::BTreeMap;

use async_trait::async_trait;
use host_resource::{
    Action, ApiVersion, Content, Context, Create, Delete, Object, Page, Patch, Problem, Query, Read, Resource,
    ResourcePath, Update, patch,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

/// Objects in memory, with revisions that count from zero.
#[derive(Default)]
pub(super) struct Things {
    things: Mutex<BTreeMap<String, (u64, Value)>>,
}

impl Things {
    pub(super) fn with(count: usize) -> Self {
        let things = (0..count)
            .map(|number| (format!("{number:05}"), (0, json!({"number": number}))))
            .collect();
        Self {
            things: Mutex::new(things),
        }
    }
}

fn object(id: &str, rev: u64, content: &Value) -> Object {
    Object {
        id: id.to_owned(),
        rev: Some(rev.to_string()),
        content: Content::Json(content.clone()),
    }
}

fn id(path: &ResourcePath) -> Result<&str, Problem> {
    path.last().ok_or_else(|| Problem::bad_request("a collection"))
}

fn check(wanted: Option<&str>, rev: u64) -> Result<(), Problem> {
    match wanted {
        Some(wanted) if wanted != rev.to_string() => Err(Problem::precondition_failed("another revision")),
        _ => Ok(()),
    }
}

#[async_trait]
impl Resource for Things {
    async fn create(&self, _: &Context, _: &ResourcePath, create: Create) -> Result<Object, Problem> {
        let mut things = self.things.lock();
        let id = create.id.unwrap_or_else(|| format!("made-{}", things.len()));
        if things.contains_key(&id) {
            return Err(Problem::precondition_failed("exists"));
        }
        things.insert(id.clone(), (0, create.content.clone()));
        Ok(object(&id, 0, &create.content))
    }

    async fn read(&self, _: &Context, path: &ResourcePath, _: Read) -> Result<Object, Problem> {
        let things = self.things.lock();
        let (rev, content) = things.get(id(path)?).ok_or_else(|| Problem::not_found(path))?;
        Ok(object(id(path)?, *rev, content))
    }

    async fn update(&self, _: &Context, path: &ResourcePath, update: Update) -> Result<Object, Problem> {
        let mut things = self.things.lock();
        let thing = things.get_mut(id(path)?).ok_or_else(|| Problem::not_found(path))?;
        check(update.rev.as_deref(), thing.0)?;
        *thing = (thing.0 + 1, update.content);
        Ok(object(id(path)?, thing.0, &thing.1))
    }

    async fn patch(&self, _: &Context, path: &ResourcePath, patch: Patch) -> Result<Object, Problem> {
        let mut things = self.things.lock();
        let thing = things.get_mut(id(path)?).ok_or_else(|| Problem::not_found(path))?;
        check(patch.rev.as_deref(), thing.0)?;
        patch::apply(&patch.operations, &mut thing.1).map_err(|error| Problem::bad_request(error.to_string()))?;
        thing.0 += 1;
        Ok(object(id(path)?, thing.0, &thing.1))
    }

    async fn delete(&self, _: &Context, path: &ResourcePath, delete: Delete) -> Result<Object, Problem> {
        let mut things = self.things.lock();
        let (rev, content) = things.get(id(path)?).cloned().ok_or_else(|| Problem::not_found(path))?;
        check(delete.rev.as_deref(), rev)?;
        things.remove(id(path)?);
        Ok(object(id(path)?, rev, &content))
    }

    async fn query(&self, _: &Context, _: &ResourcePath, query: Query) -> Result<Page, Problem> {
        let things = self.things.lock();
        let start: usize = query.cookie.map_or(Ok(query.offset), |cookie| cookie.parse()).unwrap();
        let end = query
            .page_size
            .map_or(things.len(), |size| things.len().min(start + size));
        let result = things
            .iter()
            .take(end)
            .skip(start)
            .map(|(id, (rev, content))| object(id, *rev, content))
            .collect();
        let cookie = (end < things.len()).then(|| end.to_string());
        Ok(Page {
            result,
            cookie,
            policy: query.total,
            total: None,
        })
    }
}

/// Answers actions by their name.
pub(super) struct Actor {
    /// What `wait` waits for.
    pub(super) gate: Semaphore,
    /// How many wait.
    pub(super) waiting: watch::Sender<usize>,
}

impl Default for Actor {
    fn default() -> Self {
        Self {
            gate: Semaphore::new(0),
            waiting: watch::Sender::new(0),
        }
    }
}

#[async_trait]
impl Resource for Actor {
    async fn action(
        &self,
        context: &Context,
        _: &ResourcePath,
        action: Action,
        version: Option<ApiVersion>,
    ) -> Result<Option<Value>, Problem> {
        match action.name.as_str() {
            "echo" => {
                let version = version.map(|version| format!("{}.{}", version.major, version.minor));
                Ok(Some(json!({
                    "parameters": action.parameters,
                    "content": action.content,
                    "version": version,
                    "caller": &*context.caller.name,
                    "request": &*context.request_id,
                })))
            }
            "nothing" => Ok(None),
            "panic" => panic!("on purpose"),
            "wait" => {
                self.waiting.send_modify(|waiting| *waiting += 1);
                self.gate.acquire().await.unwrap().forget();
                Ok(Some(json!({"waited": true})))
            }
            _ => Err(Problem::bad_request("unknown action")),
        }
    }
}

/// Lists pages that never become an answer: after the first, `fail` reports an error, `repeat` the same cookie again.
pub(super) struct Endless;

#[async_trait]
impl Resource for Endless {
    async fn query(&self, _: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        if query.cookie.is_some() && path.last() == Some("fail") {
            return Err(Problem::internal("the store failed"));
        }
        let result = vec![object("one", 1, &json!({}))];
        Ok(Page {
            result,
            cookie: Some("again".to_owned()),
            ..Page::default()
        })
    }
}

/// Something that others create and delete all the time: it exists for every create and for the last few updates only.
pub(super) struct Fleeting {
    /// How many updates find nothing.
    pub(super) misses: Mutex<usize>,
}

#[async_trait]
impl Resource for Fleeting {
    async fn create(&self, _: &Context, _: &ResourcePath, _: Create) -> Result<Object, Problem> {
        Err(Problem::precondition_failed("exists"))
    }

    async fn update(&self, _: &Context, path: &ResourcePath, update: Update) -> Result<Object, Problem> {
        let mut misses = self.misses.lock();
        if let Some(left) = misses.checked_sub(1) {
            *misses = left;
            return Err(Problem::not_found(path));
        }
        Ok(object(id(path)?, 1, &update.content))
    }
}
