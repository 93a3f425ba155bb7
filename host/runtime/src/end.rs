//! How a call of a guest ends, and what it used.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use host_model::job::LogLevel;
use host_model::tenant::TenantName;
use host_resource::Problem;
use tracing::Level;
use wasmtime::Trap;

use crate::meter::Stop;
use crate::transcript::Transcript;

/// How a call ended. Only the first one is good; after any other nothing that the guest wrote is kept.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// It returned a value, as JSON text.
    Done(String),
    /// It returned a problem.
    SaidNo(Problem),
    /// It did what no program may do: `unreachable`, out of bounds, stack overflow, …
    Trapped(String),
    /// It used up its fuel.
    OutOfFuel {
        /// How much it had.
        limit: u64,
    },
    /// It did not come back in time.
    OutOfTime {
        /// How long it had.
        limit: Duration,
    },
    /// It asked for more memory than it may have.
    OutOfMemory {
        /// How much it may have, in bytes.
        limit: u64,
    },
    /// It was stopped at a limit of another kind, or ended because a grant was missing.
    Refused(Refusal),
}

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It asked for what it has no grant for.
    #[error("no grant for {0}")]
    Grant(String),
    /// It called the host too often.
    #[error("more than {0} host calls")]
    HostCalls(u64),
    /// It wanted a larger table.
    #[error("more than {0} table elements")]
    Table(u64),
    /// It answered too much.
    #[error("an answer of more than {0} bytes")]
    Output(u64),
}

impl End {
    /// The kind, for records and grouping.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::SaidNo(_) => "problem",
            Self::Trapped(_) => "trap",
            Self::OutOfFuel { .. } => "out-of-fuel",
            Self::OutOfTime { .. } => "out-of-time",
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::Refused(_) => "refused",
        }
    }

    /// How the error that ended a call reads.
    pub(crate) fn of_error(error: &wasmtime::Error, limits: &host_model::limits::Limits) -> Self {
        if let Some(stop) = error.downcast_ref::<Stop>() {
            return match stop {
                Stop::Memory(limit) => Self::OutOfMemory { limit: *limit },
                Stop::Refused(refusal) => Self::Refused(refusal.clone()),
                Stop::Replay => Self::Trapped(stop.to_string()),
            };
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => Self::OutOfFuel { limit: limits.fuel },
            Some(Trap::Interrupt) => Self::OutOfTime { limit: limits.deadline },
            Some(trap) => Self::Trapped(trap.to_string()),
            None => Self::Trapped(error.root_cause().to_string()),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(_) => f.write_str("done"),
            Self::SaidNo(problem) => f.write_str(&problem.message),
            Self::Trapped(what) => f.write_str(what),
            Self::OutOfFuel { limit } => write!(f, "used up its {limit} units of fuel"),
            Self::OutOfTime { limit } => write!(f, "did not end within {} ms", limit.as_millis()),
            Self::OutOfMemory { limit } => write!(f, "asked for more than {limit} bytes of memory"),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

/// Why an object is not done whose action returned this.
pub fn not_true(value: &str) -> String {
    let shown = &value[..value.floor_char_boundary(200)];
    format!("returned {shown}: only true counts as done")
}

/// What a call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Units of fuel: roughly one per instruction.
    pub fuel: u64,
    /// The most linear memory in use, in bytes.
    pub memory: u64,
    /// Calls of host functions.
    pub host_calls: u64,
    /// From the first instruction to the last.
    pub duration: Duration,
}

/// A line that a guest wrote to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// Its text, cut at the limit.
    pub message: Arc<str>,
}

/// A call that has ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How.
    pub end: End,
    /// What it used.
    pub usage: Usage,
    /// What it logged at the run's level and above.
    pub log: Vec<LogLine>,
    /// How many lines were dropped over the limit.
    pub log_dropped: u64,
    /// What it asked of the host.
    pub transcript: Transcript,
}

/// Hands a guest's line on to the host's own log, with whose it is.
pub fn trace(tenant: &TenantName, run: &str, subject: &str, line: &LogLine) {
    let text = &*line.message;
    match line.level {
        Level::ERROR => tracing::error!(target: "guest", %tenant, run, subject, "{text}"),
        Level::WARN => tracing::warn!(target: "guest", %tenant, run, subject, "{text}"),
        Level::INFO => tracing::info!(target: "guest", %tenant, run, subject, "{text}"),
        Level::DEBUG => tracing::debug!(target: "guest", %tenant, run, subject, "{text}"),
        Level::TRACE => tracing::trace!(target: "guest", %tenant, run, subject, "{text}"),
    }
}

/// The log level of a job as `tracing` has it.
pub fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Trace => Level::TRACE,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Info => Level::INFO,
        LogLevel::Warn => Level::WARN,
        LogLevel::Error | LogLevel::Fatal => Level::ERROR,
    }
}

/// A guest's level as a job has it.
pub(crate) fn log_level(level: Level) -> LogLevel {
    match level {
        Level::TRACE => LogLevel::Trace,
        Level::DEBUG => LogLevel::Debug,
        Level::INFO => LogLevel::Info,
        Level::WARN => LogLevel::Warn,
        Level::ERROR => LogLevel::Error,
    }
}
