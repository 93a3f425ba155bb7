//! `repo/synchronisation/…`: how far the changes of each source were handed over (`pooledSyncStage`), and the changes that
//! were given up (`deadLetterQueue`). Deleting a stage makes the next run begin anew; deleting a letter says that somebody
//! has seen to it.

use async_trait::async_trait;
use host_model::clock::{Timestamp, wire_time};
use host_resource::listing;
use host_resource::{Content, Context, Delete, Object, Page, Problem, Query, Read, Resource, ResourcePath};
use host_store::change_set::Durability;
use host_store::{ChangeSet, Collection, Document, Expectation, Key, Scan, TenantStore};
use serde_json::{Value, json};

/// Longer lists are refused: they are sorted and filtered in memory.
const MAX_LISTED: usize = 10_000;

fn stages() -> Collection {
    Collection::new("repo/synchronisation/pooledSyncStage")
}

fn letters() -> Collection {
    Collection::new("repo/synchronisation/deadLetterQueue")
}

/// How far the changes of a source were handed over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stage {
    source: String,
    pub(crate) token: Value,
    /// The change that could not be handed over the last time.
    pub(crate) trouble: Option<Trouble>,
}

/// A change that could not be handed over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trouble {
    pub(crate) token: Value,
    pub(crate) tried: u32,
    pub(crate) cause: String,
    pub(crate) delta: Value,
}

/// A change that was given up.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) system: String,
    pub(crate) object_type: String,
    pub(crate) uid: String,
    pub(crate) token: Value,
    pub(crate) record: Value,
    pub(crate) cause: String,
    pub(crate) time: Timestamp,
}

impl Stage {
    /// The stage of a source that is read for the first time.
    pub(crate) fn new(source: &str, token: Value) -> Self {
        Self {
            source: source.to_owned(),
            token,
            trouble: None,
        }
    }

    pub(crate) async fn load(store: &TenantStore, source: &str) -> Result<Option<Self>, Problem> {
        let Some(document) = store.get(&stages().key(id_of(source))).await? else {
            return Ok(None);
        };
        let body = value(&document)?;
        if body["source"] != source {
            return Err(Problem::conflict(format!(
                "'{source}' and '{}' have the same place for their tokens: rename one of them",
                body["source"].as_str().unwrap_or_default()
            )));
        }
        let last = &body["lastException"];
        let trouble = last.is_object().then(|| Trouble {
            token: last["token"].clone(),
            tried: last["tried"]
                .as_u64()
                .and_then(|tried| u32::try_from(tried).ok())
                .unwrap_or(0),
            cause: last["throwable"].as_str().unwrap_or_default().to_owned(),
            delta: last["syncDelta"].clone(),
        });
        Ok(Some(Self {
            source: source.to_owned(),
            token: body["connectorData"]["syncToken"].clone(),
            trouble,
        }))
    }

    /// How often the change with this token was tried in vain.
    pub(crate) fn tried(&self, token: &Value) -> u32 {
        let same = self.trouble.as_ref().filter(|trouble| trouble.token == *token);
        same.map_or(0, |trouble| trouble.tried)
    }

    /// A change was handed over, or given up.
    pub(crate) fn move_to(&mut self, token: Value) {
        self.token = token;
        self.trouble = None;
    }

    /// Keeps the stage, and a change that was given up with it.
    pub(crate) async fn store(
        &self,
        store: &TenantStore,
        letter: Option<Letter>,
        is_durable: bool,
    ) -> Result<(), Problem> {
        let mut changes = ChangeSet::new();
        changes.put(
            stages().key(id_of(&self.source)),
            Expectation::Any,
            self.body().to_string(),
        );
        if let Some(letter) = letter {
            changes.put(letters().key(letter.id()), Expectation::Any, letter.body().to_string());
        }
        if !is_durable {
            changes.durability = Durability::Visible;
        }
        store.commit(changes).await?;
        Ok(())
    }

    fn body(&self) -> Value {
        let native = match &self.token {
            Value::String(_) => "string",
            Value::Number(_) => "integer",
            _ => "object",
        };
        let mut body = json!({
            "source": self.source,
            "connectorData": {"nativeType": native, "syncToken": self.token},
        });
        if let Some(trouble) = &self.trouble {
            body["lastException"] = json!({
                "throwable": trouble.cause, "syncDelta": trouble.delta, "token": trouble.token, "tried": trouble.tried
            });
        }
        body
    }

    /// The stage as an answer has it.
    pub(crate) fn shown(&self) -> Value {
        let mut shown = json!({"_id": id_of(&self.source)});
        if let (Value::Object(shown), Value::Object(body)) = (&mut shown, self.body()) {
            shown.extend(body);
        }
        shown
    }
}

impl Letter {
    /// Its system, and its token where that is a short text, else the token's digest.
    fn id(&self) -> String {
        let token = match &self.token {
            Value::String(text) if text.len() <= 100 && text.chars().all(|c| c.is_ascii_alphanumeric()) => text.clone(),
            other => blake3::hash(format!("{other}/{}", self.uid).as_bytes()).to_hex()[..32].to_owned(),
        };
        format!("{}/{token}", self.system)
    }

    fn body(&self) -> Value {
        json!({
            "systemIdentifier": self.system,
            "objectType": self.object_type,
            "uid": self.uid,
            "token": self.token,
            "failedRecord": self.record,
            "failureCause": self.cause,
            "timestamp": wire_time(self.time),
        })
    }
}

/// The platform's name for the place of a token: the path without slashes, in capitals.
fn id_of(source: &str) -> String {
    source.replace('/', "").to_uppercase()
}

fn value(document: &Document) -> Result<Value, Problem> {
    serde_json::from_slice(&document.body).map_err(|error| Problem::internal(error.to_string()))
}

/// Tokens and dead letters as a resource.
#[derive(Debug)]
pub struct SynchronisationResource(pub TenantStore);

impl SynchronisationResource {
    fn key(path: &ResourcePath) -> Result<Key, Problem> {
        let elements: Vec<&str> = path.elements().collect();
        match elements.as_slice() {
            ["pooledSyncStage", id] => Ok(stages().key(*id)),
            ["deadLetterQueue", system, token] => Ok(letters().key(format!("{system}/{token}"))),
            _ => Err(not_found(path)),
        }
    }

    async fn require(&self, path: &ResourcePath) -> Result<(Key, Document), Problem> {
        let key = Self::key(path)?;
        let document = self.0.get(&key).await?;
        document.map(|document| (key, document)).ok_or_else(|| not_found(path))
    }
}

#[async_trait]
impl Resource for SynchronisationResource {
    async fn read(&self, _context: &Context, path: &ResourcePath, _read: Read) -> Result<Object, Problem> {
        let (_, document) = self.require(path).await?;
        Ok(object(document))
    }

    async fn delete(&self, _context: &Context, path: &ResourcePath, delete: Delete) -> Result<Object, Problem> {
        let (key, document) = self.require(path).await?;
        if delete.rev.is_some_and(|rev| rev != document.revision.to_string()) {
            return Err(Problem::precondition_failed("the resource was changed meanwhile"));
        }
        let mut changes = ChangeSet::new();
        changes.delete(key, Expectation::Revision(document.revision));
        self.0.commit(changes).await?;
        Ok(object(document))
    }

    async fn query(&self, _context: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        let elements: Vec<&str> = path.elements().collect();
        let (collection, prefix) = match elements.as_slice() {
            ["pooledSyncStage"] => (stages(), String::new()),
            ["deadLetterQueue"] => (letters(), String::new()),
            ["deadLetterQueue", system] => (letters(), format!("{system}/")),
            _ => return Err(not_found(path)),
        };
        let mut scan = Scan::all(collection, 500);
        let mut objects = Vec::new();
        loop {
            let page = self.0.scan(&scan).await?;
            for document in page
                .documents
                .into_iter()
                .filter(|document| document.id.starts_with(&prefix))
            {
                if objects.len() >= MAX_LISTED {
                    return Err(Problem::new(
                        host_resource::Code::TOO_LARGE,
                        format!(
                            "more than {MAX_LISTED} objects lie here: ask for those of one system, and delete some"
                        ),
                    ));
                }
                objects.push(object(document));
            }
            match page.cursor {
                Some(cursor) => scan = scan.after(Some(cursor)),
                None => return listing::page(&format!("repo/synchronisation/{path}"), &query, objects),
            }
        }
    }
}

fn object(document: Document) -> Object {
    Object {
        id: document.id.to_string(),
        rev: Some(document.revision.to_string()),
        content: Content::Raw(document.body),
    }
}

fn not_found(path: &ResourcePath) -> Problem {
    let elements = ["repo", "synchronisation"].into_iter().chain(path.elements());
    Problem::not_found(ResourcePath::from_elements(elements))
}
