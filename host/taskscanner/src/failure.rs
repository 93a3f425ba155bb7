//! Why an object failed: recorded in the commit that counts it.

pub(crate) mod call;
mod fingerprint;
pub(crate) mod groups;
pub(crate) mod origin;

use host_resource::Problem;
use host_runtime::end::not_true;
use host_runtime::{End, LogLine, Outcome, Usage};
use host_store::Collection;
use serde_json::{Value, json};

/// Failures of one run that are kept; those beyond are counted only.
pub(crate) const KEPT: u64 = 10_000;

/// Most bytes of a message, of a detail and of all log lines that are kept of one failure: a guest that fails on purpose,
/// on every object, must fill neither the memory nor the database with what it says.
const MESSAGE_BYTES: usize = 4 << 10;
const DETAIL_BYTES: usize = 16 << 10;
const LOG_BYTES: usize = 32 << 10;

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
    /// The call that failed, if it was one.
    call: Option<Box<Value>>,
}

impl Failure {
    /// The action ended badly.
    pub(crate) fn of_outcome(outcome: &Outcome) -> Self {
        let detail = match &outcome.end {
            End::SaidNo(problem) => Some(bounded(problem).to_json()),
            _ => None,
        };
        let mut bytes = 0;
        let is_kept = |line: &&LogLine| {
            bytes += line.message.len();
            bytes <= LOG_BYTES
        };
        let log = outcome.log.iter().take_while(is_kept).cloned().collect();
        Self {
            kind: outcome.end.kind(),
            message: cut(outcome.end.to_string()),
            detail,
            log,
            call: None,
        }
    }

    /// The action returned something else than `true`.
    pub(crate) fn not_true(value: &str) -> Self {
        Self {
            kind: "not-true",
            message: not_true(value),
            detail: None,
            log: Vec::new(),
            call: None,
        }
    }

    /// The host's own work on the object failed.
    pub(crate) fn of_problem(kind: &'static str, problem: &Problem) -> Self {
        let problem = bounded(problem);
        Self {
            kind,
            detail: Some(problem.to_json()),
            message: problem.message,
            log: Vec::new(),
            call: None,
        }
    }

    /// With what is kept of the call.
    pub(crate) fn of_call(self, call: Value) -> Self {
        Self {
            call: Some(Box::new(call)),
            ..self
        }
    }

    /// The kind and the message.
    pub(crate) fn said(&self) -> (&'static str, &str) {
        (self.kind, &self.message)
    }

    /// What it shares with failures of the same kind.
    pub(crate) fn fingerprint(&self, object: &str, script: &str) -> String {
        fingerprint::fingerprint(self.kind, &self.message, object, script)
    }

    /// The object changed under every attempt.
    pub(crate) fn conflict(attempts: usize) -> Self {
        let message = format!("something it touched was changed by others during each of {attempts} attempts");
        Self {
            kind: "conflict",
            message,
            detail: None,
            log: Vec::new(),
            call: None,
        }
    }

    /// The host lost the object's job.
    pub(crate) fn lost() -> Self {
        Self {
            kind: "host",
            message: "the host failed while it worked on the object".to_owned(),
            detail: None,
            log: Vec::new(),
            call: None,
        }
    }

    /// What the plan was made for has changed since.
    pub(crate) fn moved(what: &str) -> Self {
        Self {
            kind: "moved",
            message: format!("changed since it was analysed: {what}"),
            detail: None,
            log: Vec::new(),
            call: None,
        }
    }

    /// As it is stored, with the digest of the script.
    pub(crate) fn to_json(&self, object: &str, at: &str, usage: Usage, fingerprint: &str, script: &str) -> Value {
        let mut shown = json!({
            "objectId": object,
            "fingerprint": fingerprint,
            "kind": self.kind,
            "message": self.message,
            "detail": self.detail,
            "at": at,
            "fuel": usage.fuel,
            "memory": usage.memory,
            "hostCalls": usage.host_calls,
            "durationMicros": u64::try_from(usage.duration.as_micros()).unwrap_or(u64::MAX),
            "log": self.log.iter().map(|line| json!({"level": line.level.as_str().to_ascii_lowercase(), "message": &*line.message})).collect::<Vec<_>>(),
        });
        if let Some(call) = &self.call {
            let mut call = Value::clone(call);
            call["script"] = script.into();
            shown["call"] = call;
        }
        shown
    }
}

/// A problem as it is kept.
fn bounded(problem: &Problem) -> Problem {
    let Problem { code, message, detail } = problem.clone();
    let detail = detail.filter(|detail| detail.to_string().len() <= DETAIL_BYTES);
    Problem {
        code,
        message: cut(message),
        detail,
    }
}

fn cut(mut message: String) -> String {
    message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
    message
}
