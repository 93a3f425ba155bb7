//! Where a document lies: a collection of a tenant, and an id in it.

use std::fmt;
use std::sync::Arc;

/// A named set of documents, such as `managed/user` or `scheduler/job`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Collection(Arc<str>);

impl Collection {
    /// Names a collection. A name holds no NUL: the backends use it as a separator.
    pub fn new(name: &str) -> Self {
        debug_assert!(
            !name.contains('\0'),
            "collection names are made from path elements, which hold no control characters"
        );
        Self(name.into())
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The key of a document in this collection.
    pub fn key(&self, id: impl Into<Arc<str>>) -> Key {
        Key {
            collection: self.clone(),
            id: id.into(),
        }
    }
}

impl fmt::Debug for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A document's place within a tenant. Cheap to clone. Ordered by collection, then id, as the backends order documents.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The collection.
    pub collection: Collection,
    /// The id within it.
    pub id: Arc<str>,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.collection, self.id)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
