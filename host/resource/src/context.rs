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
    /// The account of the guest that asks, opaque to the language: what is done for it is charged to it. `host_runtime`
    /// puts it there and takes it out.
    account: Option<Arc<dyn Any + Send + Sync>>,
}

impl Context {
    /// A request on its own.
    pub fn new(caller: Arc<Caller>, request_id: impl Into<Arc<str>>) -> Self {
        Self {
            caller,
            request_id: request_id.into(),
            scope: None,
            account: None,
        }
    }

    /// The same request inside a unit of work.
    #[must_use]
    pub fn within<T: Any + Send + Sync>(mut self, scope: Arc<T>) -> Self {
        self.scope = Some(scope);
        self
    }

    /// The same request on the account of a guest.
    #[must_use]
    pub fn charged_to<T: Any + Send + Sync>(mut self, account: Arc<T>) -> Self {
        self.account = Some(account);
        self
    }

    /// The account of the guest that asks, if there is one of this type.
    pub fn account<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.account.clone()?.downcast().ok()
    }

    /// The same request by somebody else: the house, on behalf of who asked.
    #[must_use]
    pub fn by(mut self, caller: Arc<Caller>) -> Self {
        self.caller = caller;
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
