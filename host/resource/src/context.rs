//! What surrounds a request: the caller, the id for the logs, and the unit of work it belongs to.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::caller::Caller;

/// What surrounds a request. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// Who is asking.
    pub caller: Arc<Caller>,
    /// The id that answers and log lines of this request share.
    pub request_id: Arc<str>,
    /// The surrounding unit of work, opaque to the language: a resource that writes joins it instead of committing on
    /// its own. `host_store` puts it there and takes it out.
    scope: Option<Arc<dyn Any + Send + Sync>>,
}

impl Context {
    /// A request on its own.
    pub fn new(caller: Arc<Caller>, request_id: impl Into<Arc<str>>) -> Self {
        Self {
            caller,
            request_id: request_id.into(),
            scope: None,
        }
    }

    /// The same request inside a unit of work.
    #[must_use]
    pub fn within<T: Any + Send + Sync>(mut self, scope: Arc<T>) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Whether there is a surrounding unit of work.
    pub fn is_within(&self) -> bool {
        self.scope.is_some()
    }

    /// The surrounding unit of work, if it is of this type.
    pub fn scope<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.scope.clone()?.downcast().ok()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("caller", &self.caller.name)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}
