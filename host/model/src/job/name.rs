//! The names that a job consists of: its own, that of its service, that of its log level.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest id of a job, in bytes: it becomes part of keys, file names and log lines.
pub const MAX_JOB_ID_LENGTH: usize = 200;

/// A job's name: at least one character, no slash, no control character. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(Arc<str>);

impl JobId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a job's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobIdError {
    /// No character at all.
    #[error("a job id has at least one character")]
    Empty,
    /// A character that would make two path elements of it, or none.
    #[error("a job id has no slash and no control character, as {text:?} does at position {position}")]
    Character {
        /// The whole text.
        text: String,
        /// Where it is, in characters from 0.
        position: usize,
    },
    /// More than [`MAX_JOB_ID_LENGTH`] bytes.
    #[error("a job id has at most {MAX_JOB_ID_LENGTH} bytes, not {length}")]
    TooLong {
        /// How many it has.
        length: usize,
    },
}

impl FromStr for JobId {
    type Err = JobIdError;

    fn from_str(text: &str) -> Result<JobId, JobIdError> {
        if text.is_empty() {
            return Err(JobIdError::Empty);
        }
        if text.len() > MAX_JOB_ID_LENGTH {
            return Err(JobIdError::TooLong { length: text.len() });
        }
        match text.chars().position(|c| c == '/' || c.is_control()) {
            Some(position) => Err(JobIdError::Character {
                text: text.to_owned(),
                position,
            }),
            None => Ok(JobId(text.into())),
        }
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a job may invoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceName {
    /// Reconciliation.
    Sync,
    /// LiveSync.
    Provisioner,
    /// A script.
    Script,
    /// A scan of a set of objects.
    TaskScanner,
}

/// The prefix of a service's full name, which may be left out on input.
pub const SERVICE_PREFIX: &str = "org.forgerock.openidm.";

impl ServiceName {
    /// Every service, in the order in which they are listed to people.
    pub const ALL: [ServiceName; 4] = [
        ServiceName::Sync,
        ServiceName::Provisioner,
        ServiceName::Script,
        ServiceName::TaskScanner,
    ];

    /// The name without prefix, as people write it.
    pub fn short(self) -> &'static str {
        match self {
            ServiceName::Sync => "sync",
            ServiceName::Provisioner => "provisioner",
            ServiceName::Script => "script",
            ServiceName::TaskScanner => "taskscanner",
        }
    }

    /// The name with prefix, as answers show it.
    pub fn full(self) -> String {
        format!("{SERVICE_PREFIX}{}", self.short())
    }
}

/// A text that names no service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown service '{0}': write one of sync, provisioner, script, taskscanner, with or without {SERVICE_PREFIX}")]
pub struct UnknownService(pub String);

impl FromStr for ServiceName {
    type Err = UnknownService;

    /// Capitals do not matter, nor does the prefix.
    fn from_str(text: &str) -> Result<ServiceName, UnknownService> {
        let lower = text.to_ascii_lowercase();
        let short = lower.strip_prefix(SERVICE_PREFIX).unwrap_or(&lower);
        let found = ServiceName::ALL.into_iter().find(|service| service.short() == short);
        found.ok_or_else(|| UnknownService(text.to_owned()))
    }
}

/// How loud a job's runs are in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogLevel {
    /// `trace`
    Trace,
    /// `debug`
    Debug,
    /// `info`
    #[default]
    Info,
    /// `warn`
    Warn,
    /// `error`
    Error,
    /// `fatal`
    Fatal,
}

const LEVELS: [(LogLevel, &str); 6] = [
    (LogLevel::Trace, "trace"),
    (LogLevel::Debug, "debug"),
    (LogLevel::Info, "info"),
    (LogLevel::Warn, "warn"),
    (LogLevel::Error, "error"),
    (LogLevel::Fatal, "fatal"),
];

/// A text that names no log level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown log level '{0}': write one of trace, debug, info, warn, error, fatal")]
pub struct UnknownLevel(pub String);

impl FromStr for LogLevel {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<LogLevel, UnknownLevel> {
        let found = LEVELS.iter().find(|(_, name)| *name == text).map(|(level, _)| *level);
        found.ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = LEVELS.iter().find(|(level, _)| level == self).map(|(_, name)| *name);
        f.write_str(name.expect("every level has a name"))
    }
}
