//! The configuration of a tenant: what is in force under which name, and the one order in which it changes.

mod changing;
mod watching;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use host_model::audit::{Audit, Event, Topic, changed_fields};
use host_model::clock::Clock;
use host_model::configured::{ConfigName, Configured};
use host_model::ids::Ids;
use host_model::secrets;
use host_resource::Problem;
use parking_lot::RwLock;
use serde_json::{Map, Value, json};

use crate::folder::{Folder, FolderError};
use crate::object::{Held, Known};
use crate::placeholders::Placeholders;

pub(crate) use changing::Write;

/// What a configuration is given.
pub struct Parts {
    /// Where the files are.
    pub folder: Folder,
    /// What `&{name}` stands for.
    pub placeholders: Placeholders,
    /// What the objects are for; those of the first one are put in force first.
    pub consumers: Vec<Arc<dyn Configured>>,
    /// Whether requests may not change anything: only who edits the files can.
    pub is_read_only: bool,
    /// Where changes are told.
    pub audit: Arc<dyn Audit>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn Ids>,
}

/// The configuration of a tenant.
pub struct Configuration {
    parts: Parts,
    known: RwLock<BTreeMap<ConfigName, Known>>,
    /// Files whose names say nothing, and what is wrong with each.
    strangers: RwLock<BTreeMap<String, String>>,
    /// Held by whoever changes something: checking, writing and putting in force are one step.
    turn: tokio::sync::Mutex<()>,
}

/// A file that is not in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub file: PathBuf,
    /// Of which object; none if the file's name says nothing.
    pub name: Option<ConfigName>,
    /// Place, what is wrong, what would be right.
    pub message: String,
}

impl Configuration {
    /// A configuration that knows nothing yet: see [`Configuration::load`].
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            known: RwLock::default(),
            strangers: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// What is not in force.
    pub fn refusals(&self) -> Vec<Refusal> {
        let mut refusals: Vec<Refusal> = self
            .strangers
            .read()
            .iter()
            .map(|(file, message)| Refusal {
                file: self.parts.folder.path().join(file),
                name: None,
                message: message.clone(),
            })
            .collect();
        refusals.extend(self.known.read().iter().filter_map(|(name, known)| {
            let refused = known.refused.as_ref()?;
            Some(Refusal {
                file: refused.file.clone(),
                name: Some(name.clone()),
                message: refused.message.clone(),
            })
        }));
        refusals
    }

    /// What is in force under a name.
    pub(crate) fn held(&self, name: &ConfigName) -> Option<Held> {
        self.known.read().get(name)?.held.clone()
    }

    /// Everything that is in force, by name; only of one type if one is given.
    pub(crate) fn all(&self, kind: Option<&str>) -> Vec<(ConfigName, Held)> {
        let known = self.known.read();
        let of_kind = known
            .iter()
            .filter(|(name, _)| kind.is_none_or(|kind| name.kind() == kind));
        of_kind
            .filter_map(|(name, known)| Some((name.clone(), known.held.clone()?)))
            .collect()
    }

    /// The list of all objects, also of those that are not in force.
    pub(crate) fn listed(&self) -> Vec<Value> {
        let mut items: Vec<Value> = self
            .known
            .read()
            .iter()
            .map(|(name, known)| item(name, known))
            .collect();
        items.extend(self.strangers.read().iter().map(|(file, message)| {
            json!({
                "_id": null,
                "pid": null,
                "factoryPid": null,
                "problem": {"file": file, "message": message, "lastGoodInForce": false},
            })
        }));
        items
    }

    /// The object of a request's path: its name as its type spells it, and what it is for.
    pub(crate) fn find(&self, kind: &str, instance: Option<&str>) -> Result<(ConfigName, &dyn Configured), Problem> {
        let consumer = self
            .consumer(kind)
            .ok_or_else(|| Problem::bad_request(self.unknown(kind)))?;
        check_instance(consumer, instance).map_err(Problem::bad_request)?;
        let name =
            ConfigName::new(consumer.kind(), instance).map_err(|error| Problem::bad_request(error.to_string()))?;
        Ok((name, consumer))
    }

    /// What objects of a type are for.
    pub(crate) fn consumer(&self, kind: &str) -> Option<&dyn Configured> {
        let mut consumers = self.parts.consumers.iter();
        consumers
            .find(|consumer| consumer.kind().eq_ignore_ascii_case(kind))
            .map(AsRef::as_ref)
    }

    fn unknown(&self, kind: &str) -> String {
        let known = self.parts.consumers.iter().map(|consumer| {
            let instance = if consumer.has_instances() { "/NAME" } else { "" };
            format!("{}{instance}", consumer.kind())
        });
        let known: Vec<String> = known.collect();
        format!(
            "there is no configuration of the type '{kind}' here: known are {}",
            known.join(", ")
        )
    }

    /// Tells the audit of a change that is in force.
    async fn tell(&self, told: Told<'_>) {
        let (before, after) = (
            told.before.map(|held| &*held.object),
            told.after.map(|held| &*held.object),
        );
        let shown = |value: Option<&Value>| value.map_or(Value::Null, secrets::masked);
        let mut members = Map::new();
        members.insert("objectId".to_owned(), json!(format!("config/{}", told.name)));
        members.insert("operation".to_owned(), json!(told.operation));
        members.insert("before".to_owned(), shown(before));
        members.insert("after".to_owned(), shown(after));
        members.insert("changedFields".to_owned(), json!(changed_fields(before, after)));
        members.insert(
            "revision".to_owned(),
            json!(told.after.map(|held| held.rev.to_string())),
        );
        let event = Event {
            topic: Topic::Config,
            name: "CONFIG",
            transaction: told.transaction,
            user: Some(told.user),
            members,
        };
        if let Err(problem) = self.parts.audit.keep(event).await {
            tracing::error!(%problem, name = %told.name, "a change of the configuration is not in the audit");
        }
    }
}

/// A change that is in force.
struct Told<'a> {
    name: &'a ConfigName,
    operation: &'static str,
    before: Option<&'a Held>,
    after: Option<&'a Held>,
    transaction: Arc<str>,
    user: Arc<str>,
}

fn check_instance(consumer: &dyn Configured, instance: Option<&str>) -> Result<(), String> {
    let kind = consumer.kind();
    match (consumer.has_instances(), instance) {
        (true, None) => Err(format!(
            "there are several objects of the type {kind}: name one, as in config/{kind}/NAME ({kind}-NAME.json)"
        )),
        (false, Some(instance)) => Err(format!(
            "there is one object of the type {kind}: config/{kind} ({kind}.json), not config/{kind}/{instance}"
        )),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}

fn item(name: &ConfigName, known: &Known) -> Value {
    let (pid, factory) = match name.instance() {
        None => (name.kind().to_owned(), Value::Null),
        Some(instance) => (format!("{}.{instance}", name.kind()), json!(name.kind())),
    };
    let mut item = json!({"_id": name.to_string(), "pid": pid, "factoryPid": factory});
    if let (Some(refused), Value::Object(members)) = (&known.refused, &mut item) {
        members.insert("problem".to_owned(), refused.shown(known.held.is_some()));
    }
    item
}

/// Work on files, off the threads that answer requests.
async fn blocking<T: Send + 'static>(
    folder: &Folder,
    work: impl FnOnce(Folder) -> Result<T, FolderError> + Send + 'static,
) -> Result<T, FolderError> {
    let path = folder.path().to_owned();
    let folder = folder.clone();
    let done = tokio::task::spawn_blocking(move || work(folder)).await;
    done.unwrap_or_else(|_| {
        Err(FolderError::Io {
            verb: "use",
            path,
            source: std::io::Error::other("the host is stopping"),
        })
    })
}
