//! The port to who has to know of changes at once: implicit synchronization. Who changes an object says so within the
//! unit of work of the change; what is done because of it becomes part of the same unit.

use std::fmt;

use async_trait::async_trait;
use host_resource::{Context, Problem};
use serde_json::Value;

/// A change of one object.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The container, such as `managed/user`.
    pub container: &'a str,
    /// The object in it.
    pub id: &'a str,
    /// What it was, with `_id`; none when it was made.
    pub old: Option<&'a Value>,
    /// What it is, with `_id`; none when it was deleted.
    pub new: Option<&'a Value>,
    /// Whether nothing has changed and somebody wants the object to be looked at all the same.
    pub is_check: bool,
}

/// What followed from a change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Followed {
    /// What each mapping did, in their order, as the platform shows it.
    pub results: Vec<Value>,
    /// Whether one of them failed.
    pub has_failed: bool,
}

/// Who has to know of changes.
#[async_trait]
pub trait ChangeListener: Send + Sync + fmt::Debug {
    /// Whether changes in a container matter: what nobody wants to know is not gathered.
    fn wants(&self, container: &str) -> bool;

    /// Told of a change in the unit of work of the context, which there has to be. What goes wrong with what follows from
    /// a change does not undo the change: the listener sees to it later.
    ///
    /// # Errors
    /// The unit of work itself failed.
    async fn changed(&self, context: &Context, change: Change<'_>) -> Result<Followed, Problem>;
}
