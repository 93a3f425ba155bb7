//! What a connector can do with a system: the trait, and the native form of objects and changes. A connector knows
//! nothing of JSON properties, filters that are finished elsewhere, deadlines or retries.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use host_resource::{Filter, Object};
use serde_json::{Map, Value};

use crate::definition::ObjectType;
use crate::error::Error;

/// The native name of the name that people give an object: a distinguished name, a user name.
pub(crate) const NAME: &str = "__NAME__";
/// The native name of the id that the system gives an object.
pub(crate) const UID: &str = "__UID__";
/// The native name of the password.
pub(crate) const PASSWORD: &str = "__PASSWORD__";

/// One kind of system. A call may be dropped at any moment: then a write has happened as a whole, or not at all, or the
/// system alone knows.
#[async_trait]
pub(crate) trait Connector: Send + Sync + 'static {
    /// Whether the system answers, and knows us.
    async fn test(&self) -> Result<(), Error>;

    /// The object types that the system itself describes, as `objectTypes` of a configuration has them.
    async fn schema(&self) -> Result<Map<String, Value>, Error> {
        Err(Error::Unsupported(
            "this connector does not describe its objects".to_owned(),
        ))
    }

    /// One object; none if there is no such object.
    async fn get(&self, kind: &ObjectType, uid: &str) -> Result<Option<Entry>, Error>;

    /// Objects in an order that stays the same while nothing changes, from a position.
    async fn search(&self, kind: &ObjectType, search: Search) -> Result<Found, Error>;

    /// Makes an object, and answers the id that the system gave it.
    async fn create(&self, kind: &ObjectType, entry: NewEntry) -> Result<String, Error>;

    /// Changes an object, and answers its id, which may be another one now. With a revision, only if it still has it.
    async fn update(
        &self,
        kind: &ObjectType,
        uid: &str,
        changes: Vec<Change>,
        rev: Option<&str>,
    ) -> Result<String, Error>;

    /// Removes an object. With a revision, only if it still has it.
    async fn delete(&self, kind: &ObjectType, uid: &str, rev: Option<&str>) -> Result<(), Error>;

    /// The id of the object that this name and password belong to.
    async fn authenticate(&self, kind: &ObjectType, name: &str, password: &str) -> Result<String, Error>;

    /// The token behind which there is no change now.
    async fn latest_token(&self, kind: &ObjectType) -> Result<Value, Error>;

    /// Changes behind a token, the oldest first, at most `limit`.
    async fn sync(&self, kind: &ObjectType, token: &Value, limit: usize) -> Result<SyncPage, Error>;

    /// The native name of the attribute that is the id, where a client may choose it. Otherwise the system does.
    fn id_attribute(&self) -> Option<&str>;

    /// Whether it can compare the revision of an object ([`crate::mapping::revision`]) and change the object in one go.
    /// Only then is it given revisions.
    fn has_revisions(&self) -> bool {
        false
    }
}

/// An object as the system has it: native names to values, a single value being a list of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Entry {
    /// What the system calls it for ever, or as long as nobody renames it.
    pub(crate) uid: String,
    /// What people call it.
    pub(crate) name: String,
    /// Texts, numbers, booleans, objects; bytes are Base64.
    pub(crate) attributes: BTreeMap<String, Vec<Value>>,
}

impl Entry {
    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let values = self.attributes.values().flatten();
        128 + self.uid.len() + self.name.len() + values.map(size).sum::<usize>()
    }
}

fn size(value: &Value) -> usize {
    32 + match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| 32 + name.len() + size(value)).sum(),
    }
}

/// An object that is to be.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct NewEntry {
    /// The id that the client chose, where there is a [`Connector::id_attribute`].
    pub(crate) uid: Option<String>,
    /// Attributes by native name.
    pub(crate) attributes: BTreeMap<String, Vec<Value>>,
}

impl fmt::Debug for NewEntry {
    /// Without values: one of them may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEntry")
            .field("uid", &self.uid)
            .finish_non_exhaustive()
    }
}

/// What becomes of one attribute.
#[derive(Clone, PartialEq)]
pub(crate) struct Change {
    /// Its native name.
    pub(crate) attribute: String,
    /// What it was, as far as that is known: a password is not.
    pub(crate) before: Option<Vec<Value>>,
    /// What it is to be; nothing removes it.
    pub(crate) after: Vec<Value>,
}

impl fmt::Debug for Change {
    /// Without values: one of them may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("attribute", &self.attribute)
            .finish_non_exhaustive()
    }
}

/// Maps an entry to the object that the answer shows; none leaves it out.
pub(crate) type Accept = Arc<dyn Fn(&Entry) -> Option<Object> + Send + Sync>;

/// Which objects are wanted.
#[derive(Clone)]
pub(crate) struct Search {
    /// On the mapped object. A connector may leave out what cannot match, and must not leave out anything else.
    pub(crate) filter: Arc<Filter>,
    /// What has the last word.
    pub(crate) accept: Accept,
    /// The native names of the attributes that it looks at.
    pub(crate) attributes: Arc<[String]>,
    /// At most so many accepted objects.
    pub(crate) limit: usize,
    /// Behind which position, as an earlier answer said.
    pub(crate) after: Option<Vec<u8>>,
}

/// What a search found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Accepted objects.
    pub(crate) objects: Vec<Object>,
    /// Where to go on; none when nothing is left.
    pub(crate) position: Option<Vec<u8>>,
}

/// A change in the system.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Delta {
    /// What happened.
    pub(crate) kind: DeltaKind,
    /// To which object.
    pub(crate) uid: String,
    /// The object now; none if it is gone.
    pub(crate) entry: Option<Entry>,
    /// The token behind this change.
    pub(crate) token: Value,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeltaKind {
    /// It is new.
    Create,
    /// It is another one, or new: not every system can tell.
    Update,
    /// It is gone.
    Delete,
}

/// Some changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SyncPage {
    /// The oldest first.
    pub(crate) deltas: Vec<Delta>,
    /// The token behind all of them.
    pub(crate) token: Value,
    /// Whether there are more.
    pub(crate) has_more: bool,
}
