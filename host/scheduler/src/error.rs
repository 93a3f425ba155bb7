//! What can go wrong with schedules.

use host_model::Invalid;
use host_model::clock::{Timestamp, wire_time};
use host_model::job::{JobId, JobIdError, ServiceName};
use host_model::run::RunId;
use host_resource::{Code, Pointer, Problem};
use host_store::{CommitError, StoreError};

use crate::scheduler::MAX_INSTANTS;

/// Why the scheduler refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration of a job is not understood.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The id of a job is none.
    #[error(transparent)]
    JobId(#[from] JobIdError),
    /// The service that would run the job does not accept what it says.
    #[error("the service refused the job")]
    Refused(#[source] Problem),
    /// The service exists, but not in this host.
    #[error("the service '{}' is not available in this host", .0.short())]
    ServiceUnavailable(ServiceName),
    /// The trigger of the job has no fire time.
    #[error("based on this configuration the schedule will never fire")]
    NeverFires(Pointer),
    /// There is no such job or trigger.
    #[error("there is no schedule '{0}'")]
    Missing(String),
    /// There is such a job.
    #[error("there is a schedule '{0}'")]
    Exists(JobId),
    /// A revision was named, but jobs have none.
    #[error("schedules have no revision")]
    Revision,
    /// The job sleeps.
    #[error("the schedule '{job}' is disabled, so it cannot be {action}")]
    Disabled {
        /// Which one.
        job: JobId,
        /// What cannot be done: `triggered`, `paused`, `resumed`.
        action: &'static str,
    },
    /// Too many runs that were asked for by hand wait for their turn.
    #[error("{0} runs wait for their turn already")]
    TooManyWaiting(usize),
    /// There is no such run.
    #[error("there is no run '{0}'")]
    MissingRun(String),
    /// There is no such record.
    #[error("there is no {collection} '{id}'")]
    MissingRecord {
        /// What is looked for.
        collection: String,
        /// Which.
        id: String,
    },
    /// What has ended cannot be ended.
    #[error("the run {0} has ended already")]
    RunEnded(RunId),
    /// The service could not end the run, or it ended by itself at that moment.
    #[error("the run {0} could not be ended: it has just ended by itself, or its service cannot be interrupted")]
    NotCancelled(RunId),
    /// A stretch of time reaches beyond the present.
    #[error("'{}' has not come yet: only instants of the past can be made up for", wire_time(*.0))]
    Future(Timestamp),
    /// A stretch of time has too many instants for one request.
    #[error("{0} instants are too many for one request, which has at most {MAX_INSTANTS}: ask for a shorter time")]
    TooManyInstants(u64),
    /// A parameter of an action is not understood.
    #[error("{name}: {reason}")]
    Parameter {
        /// Which.
        name: &'static str,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A cookie that no page of this query ended with.
    #[error("the cookie is not one of this query: begin without one")]
    Cookie,
    /// A sorted query has too many results.
    #[error("more than {0} results cannot be sorted: narrow the filter, or leave out _sortKeys")]
    TooManyToSort(usize),
    /// A query by name that is not known.
    #[error("the query '{0}' is not known")]
    UnknownQuery(String),
    /// The job is kept by the configuration.
    #[error("the schedule '{0}' comes from the configuration: change or delete config/schedule/{0} instead")]
    Configured(JobId),
    /// The job was made over REST, so the configuration does not take it over.
    #[error(
        "there is a schedule '{0}' that was made through scheduler/job: delete it there first, or choose another name"
    )]
    NotConfigured(JobId),
    /// Others change the same job all the time.
    #[error("the schedule '{0}' is being changed by others")]
    Contended(JobId),
    /// What is stored cannot be read.
    #[error("the stored document {key} cannot be read: {reason}")]
    Damaged {
        /// Where it is.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A commit failed for another reason than a conflict.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let text = error.to_string();
        match error {
            Error::Invalid(invalid) => invalid.into(),
            Error::JobId(JobIdError::Empty) => Problem::bad_request("Empty resourceId"),
            Error::JobId(_) => Problem::bad_request(text),
            Error::Refused(problem) => problem,
            Error::ServiceUnavailable(service) => Problem::invalid(
                "/invokeService",
                format!(
                    "the service '{}' is known, but not available in this host",
                    service.short()
                ),
            ),
            Error::NeverFires(pointer) => Problem::invalid(pointer, text),
            Error::Missing(_) => Problem::new(Code::new(404), "Schedule does not exist"),
            Error::Exists(_) => Problem::precondition_failed("Schedule already exists"),
            Error::Revision => {
                Problem::precondition_failed("schedules have no revision; leave If-Match out, or write *")
            }
            Error::Disabled { .. } => Problem::bad_request(text),
            Error::MissingRun(_) | Error::MissingRecord { .. } => Problem::new(Code::new(404), text),
            Error::RunEnded(_) | Error::NotCancelled(_) => Problem::conflict(text),
            Error::Future(_)
            | Error::TooManyInstants(_)
            | Error::Parameter { .. }
            | Error::Cookie
            | Error::TooManyToSort(_) => Problem::bad_request(text),
            Error::TooManyWaiting(_) => Problem::new(Code::TOO_MANY, text),
            // The text is compatibility: behaviour 2.3.
            Error::UnknownQuery(_) => Problem::bad_request("only query-id of 'query-all-ids' is supported."),
            Error::Configured(_) => Problem::forbidden(text),
            Error::NotConfigured(_) | Error::Contended(_) => Problem::conflict(text),
            Error::Damaged { .. } => {
                tracing::error!(%text, "a stored schedule is damaged");
                Problem::internal(text)
            }
            Error::Store(error) => error.into(),
            Error::Commit(error) => error.into(),
        }
    }
}
