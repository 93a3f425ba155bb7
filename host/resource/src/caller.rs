//! Who is asking.

use std::sync::Arc;

use crate::access::Rights;

/// A person, a token, a scheduled job or a guest: the only way to learn who is asking and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant that the caller belongs to, and the only one it can reach.
    pub tenant: Arc<str>,
    /// The name for logs and audit, such as `openidm-admin` or `Scheduled sunsetTask`.
    pub name: Arc<str>,
    /// What it may do.
    pub rights: Arc<Rights>,
    /// Whether the request came from outside the house.
    pub is_external: bool,
}

impl Caller {
    /// The house itself, acting for a tenant: a scheduled job, say.
    pub fn internal(tenant: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self {
            tenant: tenant.into(),
            name: name.into(),
            rights: Arc::new(Rights::all()),
            is_external: false,
        }
    }

    /// The same caller with other rights: a guest that was granted less than its job's owner has.
    #[must_use]
    pub fn with_rights(&self, rights: Arc<Rights>) -> Self {
        Self { rights, ..self.clone() }
    }
}
