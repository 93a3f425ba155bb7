//! Why an object failed: recorded in the commit that counts it.

use host_resource::Problem;
use host_runtime::{End, LogLine, Outcome, Usage};
use host_store::Collection;
use serde_json::{Value, json};

/// Failures of one run that are kept in full; those beyond are counted only.
pub(crate) const KEPT: u64 = 10_000;

/// Where the failures of a run lie, by the ids of their objects. A collection for each run: they are read and forgotten
/// together.
pub(crate) fn failures(run: &str) -> Collection {
    Collection::new(&format!("taskscanner/failure/{run}"))
}

/// Why an object failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    kind: &'static str,
    message: String,
    detail: Option<Value>,
    log: Vec<LogLine>,
}

impl Failure {
    /// The action ended badly.
    pub(crate) fn of_outcome(outcome: &Outcome) -> Self {
        let detail = match &outcome.end {
            End::SaidNo(problem) => Some(problem.to_json()),
            _ => None,
        };
        Self { kind: outcome.end.kind(), message: outcome.end.to_string(), detail, log: outcome.log.clone() }
    }

    /// The action returned something else than `true`.
    pub(crate) fn not_true(value: &str) -> Self {
        let shown = &value[..value.floor_char_boundary(200)];
        Self { kind: "not-true", message: format!("returned {shown}: only true counts as done"), detail: None, log: Vec::new() }
    }

    /// The host's own work on the object failed.
    pub(crate) fn of_problem(kind: &'static str, problem: &Problem) -> Self {
        Self { kind, message: problem.message.clone(), detail: Some(problem.to_json()), log: Vec::new() }
    }

    /// The object changed under every attempt.
    pub(crate) fn conflict(attempts: usize) -> Self {
        let message = format!("something it touched was changed by others during each of {attempts} attempts");
        Self { kind: "conflict", message, detail: None, log: Vec::new() }
    }

    /// The host lost the object's job.
    pub(crate) fn lost() -> Self {
        Self { kind: "host", message: "the host failed while it worked on the object".to_owned(), detail: None, log: Vec::new() }
    }

    pub(crate) fn to_json(&self, object: &str, at: &str, usage: Usage) -> Value {
        json!({
            "objectId": object,
            "kind": self.kind,
            "message": self.message,
            "detail": self.detail,
            "at": at,
            "fuel": usage.fuel,
            "memory": usage.memory,
            "hostCalls": usage.host_calls,
            "durationMicros": u64::try_from(usage.duration.as_micros()).unwrap_or(u64::MAX),
            "log": self.log.iter().map(|line| json!({"level": line.level.as_str().to_ascii_lowercase(), "message": &*line.message})).collect::<Vec<_>>(),
        })
    }
}
