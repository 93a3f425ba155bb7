//! The port to the audit: who did what, when, and how it ended. Whoever does something says so; how it is kept is
//! known behind the port only.

use std::sync::Arc;

use async_trait::async_trait;
use host_resource::{Context, Pointer, Problem};
use serde_json::{Map, Value};

/// What entries are about; each topic is a collection of its own at `audit/TOPIC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Requests, and runs of schedules.
    Access,
    /// Changes of managed objects.
    Activity,
    /// Who did not get in.
    Authentication,
    /// Changes of the configuration.
    Config,
    /// Reconciliations.
    Recon,
    /// Synchronizations.
    Sync,
}

impl Topic {
    /// Every topic, in the order in which they are listed.
    pub const ALL: [Topic; 6] = [
        Topic::Access,
        Topic::Activity,
        Topic::Authentication,
        Topic::Config,
        Topic::Recon,
        Topic::Sync,
    ];

    /// The name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Topic::Access => "access",
            Topic::Activity => "activity",
            Topic::Authentication => "authentication",
            Topic::Config => "config",
            Topic::Recon => "recon",
            Topic::Sync => "sync",
        }
    }

    /// The topic of a name.
    pub fn of_name(name: &str) -> Option<Topic> {
        Topic::ALL
            .into_iter()
            .find(|topic| topic.name().eq_ignore_ascii_case(name))
    }
}

/// Something that happened. The time and an id are added where it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What it is about.
    pub topic: Topic,
    /// The member `eventName`.
    pub name: &'static str,
    /// What all entries of one request, or of one run, share.
    pub transaction: Arc<str>,
    /// Who did it.
    pub user: Option<Arc<str>>,
    /// What the topic has besides, in this order.
    pub members: Map<String, Value>,
}

/// A change of a managed object.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Its path, such as `managed/user/joe`.
    pub object: &'a str,
    /// `CREATE`, `UPDATE`, `PATCH` or `DELETE`.
    pub operation: &'static str,
    /// The JSON text of the object before.
    pub before: Option<&'a [u8]>,
    /// The JSON text of the object after.
    pub after: Option<&'a [u8]>,
    /// Its revision before, if it had one.
    pub revision: Option<&'a str>,
}

/// An entry that is to be stored in the same commit as what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The collection.
    pub collection: &'static str,
    /// The id in it.
    pub id: String,
    /// The text of a JSON object.
    pub body: Vec<u8>,
}

/// The members at the top of two objects that are not the same, as pointers. An object that is not there has none.
pub fn changed_fields(before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    fn names(value: Option<&Value>) -> impl Iterator<Item = &String> {
        value.and_then(Value::as_object).into_iter().flat_map(Map::keys)
    }
    fn member<'a>(value: Option<&'a Value>, name: &str) -> Option<&'a Value> {
        value.and_then(|value| value.get(name))
    }
    let is_new = |name: &&String| member(before, name).is_none();
    names(before)
        .chain(names(after).filter(is_new))
        .filter(|name| member(before, name) != member(after, name))
        .map(|name| Pointer::root().child(name).to_string())
        .collect()
}

/// Where it is said what happened.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Takes a note that is kept soon. Never waits: what comes too fast is counted, and left out.
    fn note(&self, event: Event);

    /// Keeps an entry; it is durable when this returns.
    ///
    /// # Errors
    /// The store failed.
    async fn keep(&self, event: Event) -> Result<(), Problem>;

    /// Whether requests are kept; those that write, or the others.
    fn wants_access(&self, is_write: bool) -> bool;

    /// Whether changes of the objects in a container, such as `managed/user`, are kept when this request makes them.
    fn wants_change(&self, context: &Context, container: &str) -> bool;

    /// The entry of a change, for the commit that makes it.
    fn change(&self, context: &Context, change: Change<'_>) -> Entry;

    /// Whether it is kept what reconciliations and synchronizations do with objects: with those that they change or fail
    /// with, or with the others.
    fn wants_recon(&self, is_change: bool) -> bool;

    /// The entry of an event, for the commit of what it is about.
    fn entry(&self, event: Event) -> Entry;
}

/// Nothing is kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAudit;

#[async_trait]
impl Audit for NoAudit {
    fn note(&self, _event: Event) {}

    async fn keep(&self, _event: Event) -> Result<(), Problem> {
        Ok(())
    }

    fn wants_access(&self, _is_write: bool) -> bool {
        false
    }

    fn wants_change(&self, _context: &Context, _container: &str) -> bool {
        false
    }

    fn change(&self, _context: &Context, _change: Change<'_>) -> Entry {
        nothing("audit/activity")
    }

    fn wants_recon(&self, _is_change: bool) -> bool {
        false
    }

    fn entry(&self, _event: Event) -> Entry {
        nothing("audit/recon")
    }
}

/// The entry of somebody who asks for one although nothing is wanted.
fn nothing(collection: &'static str) -> Entry {
    Entry {
        collection,
        id: String::new(),
        body: b"{}".to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changed_fields_are_named_by_pointers() {
        let check = |before: Option<Value>, after: Option<Value>, expected: &[&str]| {
            assert_eq!(changed_fields(before.as_ref(), after.as_ref()), expected);
        };
        check(None, Some(json!({"a": 1, "b/c": null})), &["/a", "/b%2Fc"]);
        check(Some(json!({"a": 1})), None, &["/a"]);
        check(
            Some(json!({"a": 1, "b": {"c": 1}, "d": 2})),
            Some(json!({"d": 2, "b": {"c": 2}, "e": 0})),
            &["/a", "/b", "/e"],
        );
        check(Some(json!({"a": [1]})), Some(json!({"a": [1]})), &[]);
    }
}
