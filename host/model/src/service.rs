//! The port to what a job invokes. Services implement it; the scheduler validates and hands over; neither knows the
//! other.

use async_trait::async_trait;
use host_resource::Problem;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::job::{JobId, LogLevel, ServiceName};
use crate::journal::Journal;
use crate::run::RunId;
use crate::tenant::TenantName;

/// What a job invokes.
#[async_trait]
pub trait Service: Send + Sync {
    /// The name that jobs call it by.
    fn name(&self) -> ServiceName;

    /// Checks everything about a context that can be checked before it is needed: nothing is stored that cannot run.
    ///
    /// # Errors
    /// A problem that names the place by a pointer that starts at the job: `/invokeContext/scan/object`.
    async fn validate(&self, tenant: &TenantName, invoke_context: &Value) -> Result<(), Problem>;

    /// Runs to the end and answers what the run's record keeps as its result. What else the record is to keep goes into
    /// the journal, whatever the end is.
    ///
    /// A second call with the same run id must not do anything twice if [`Service::is_resumable`].
    ///
    /// # Errors
    /// A problem that the run's record keeps.
    async fn run(&self, invocation: Invocation, journal: &Journal) -> Result<Value, Problem>;

    /// Ends a run that goes on, as soon as it can. False if this service cannot, or knows of no such run; then the run
    /// goes on.
    async fn cancel(&self, _run: &RunId) -> bool {
        false
    }

    /// True if a run that a crash cut off may be handed over again under its id, and goes on where it was.
    fn is_resumable(&self) -> bool {
        false
    }
}

/// One run of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// Whose job it is.
    pub tenant: TenantName,
    /// Which job.
    pub job: JobId,
    /// True if the job comes from the configuration, where it is called `schedule/NAME`.
    pub is_configured: bool,
    /// Which run of it; the same when a run is handed over again.
    pub run: RunId,
    /// The fire time; for a job that was started by hand, when that was.
    pub scheduled: Timestamp,
    /// When it was really fired.
    pub fired: Timestamp,
    /// The fire time after this one.
    pub next: Option<Timestamp>,
    /// What the job says the service shall do.
    pub invoke_context: Value,
    /// The level at which the run is logged.
    pub log_level: LogLevel,
    /// True if a crash cut off this run before.
    pub recovering: bool,
}
