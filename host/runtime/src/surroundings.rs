//! What surrounds the calls of a run.

use std::sync::Arc;

use host_model::tenant::TenantName;
use host_resource::Router;

use crate::properties::Properties;

/// What stays the same for all calls of a run.
#[derive(Clone)]
pub struct Surroundings {
    /// Whose run it is.
    pub tenant: TenantName,
    /// The job that caused it, if one did.
    pub job: Option<Arc<str>>,
    /// The id of the run.
    pub run: Arc<str>,
    /// Nothing that the guest writes will be kept.
    pub is_dry_run: bool,
    /// Log lines of this level and above are kept.
    pub log_level: tracing::Level,
    /// What guests may read of the configuration.
    pub properties: Properties,
    /// Where guests' requests go.
    pub router: Arc<Router>,
}
