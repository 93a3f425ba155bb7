//! Scans: which objects are visited, where progress is marked in them, and what is done with each.
//!
//! The filter's own syntax is checked by the task scanner, once its macros are expanded.

use host_resource::Pointer;
use serde_json::{Map, Value};

use crate::duration::CalendarDuration;
use crate::guard::Guard;
use crate::invalid::Invalid;
use crate::members::Members;

/// Threads of a run when nothing is said.
pub const DEFAULT_THREADS: u32 = 10;

/// Most threads of a run. They share as many workers as there are cores, so more would only make others wait.
pub const MAX_THREADS: u32 = 100;

/// Most failures in a row that can be asked for before an object is left alone.
pub const MAX_ATTEMPTS: u32 = 1_000;

/// A scan as a job's `invokeContext` describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanSpec {
    /// True lets `execute` answer only after the run has ended.
    pub wait_for_completion: bool,
    /// How many objects may be in flight, 1 to [`MAX_THREADS`].
    pub threads: u32,
    /// At most so many objects are visited.
    pub max_records: Option<u64>,
    /// The collection, such as `managed/user`.
    pub object: String,
    /// Which of its objects.
    pub query: ScanQuery,
    /// Where the claim's time is written in an object.
    pub started: Pointer,
    /// Where the completion's time is written in an object.
    pub completed: Pointer,
    /// How long a claim without completion is respected.
    pub recovery_timeout: CalendarDuration,
    /// How much the run may change and delete before it is stopped.
    pub guard: Guard,
    /// After so many failures in a row an object is left alone, 1 to [`MAX_ATTEMPTS`]; none is never.
    pub max_attempts: Option<u32>,
    /// The script object that is run for each; [`crate::script::ScriptSpec`] reads it.
    pub script: Value,
}

/// Which objects are visited. The texts may hold macros.
#[derive(Debug, Clone, PartialEq)]
pub enum ScanQuery {
    /// Those that match a filter.
    Filter(String),
    /// Those of a query that is known by name.
    Id {
        /// Its name.
        id: String,
        /// Its parameters; those inside objects have dotted names, such as `condition.before`.
        parameters: Map<String, Value>,
    },
    /// Those of a query in the repository's own language.
    Expression(String),
}

const QUERIES: [&str; 3] = ["_queryFilter", "_queryId", "_queryExpression"];
const SCAN: [&str; 6] = [
    "object",
    "_queryFilter",
    "_queryId",
    "_queryExpression",
    "taskState",
    "recovery",
];

impl ScanSpec {
    /// Reads the `invokeContext` of a job. Pointers in errors start at the context.
    ///
    /// # Errors
    /// The first member that is unknown, missing, or not what it has to be.
    pub fn parse(context: &Value) -> Result<ScanSpec, Invalid> {
        let context = Members::of(context, Pointer::root())?;
        context.only(&[
            "waitForCompletion",
            "numberOfThreads",
            "maxRecords",
            "guard",
            "scan",
            "task",
        ])?;
        let threads = context.natural("numberOfThreads", 1..=MAX_THREADS.into(), "threads")?;
        let max_records = context.natural("maxRecords", 1..=i64::MAX, "objects")?;
        let scan = context.require_object("scan", "which objects are scanned")?;
        let query = query(&scan)?;
        let (started, completed) = task_state(&scan)?;
        let (recovery_timeout, max_attempts) = recovery(&scan)?;
        let task = context.require_object("task", "what is done with each object")?;
        task.only(&["script"])?;
        let script = task.require_object("script", "an object with type and source, file or plugin")?;
        Ok(ScanSpec {
            wait_for_completion: context.bool("waitForCompletion", false)?,
            threads: threads.unwrap_or(DEFAULT_THREADS),
            max_records,
            object: object(&scan)?,
            query,
            started,
            completed,
            recovery_timeout,
            max_attempts,
            guard: Guard::parse(&context)?,
            script: Value::Object(script.others(&[])),
        })
    }
}

fn object(scan: &Members<'_>) -> Result<String, Invalid> {
    let object = scan.require_text("object", "the collection to scan, such as managed/user")?;
    if object.split('/').any(|element| element.is_empty()) {
        let message = format!("'{object}' is not the path of a collection; write for example managed/user");
        return Err(scan.invalid("object", message));
    }
    Ok(object.to_owned())
}

fn query(scan: &Members<'_>) -> Result<ScanQuery, Invalid> {
    let given: Vec<&str> = QUERIES.into_iter().filter(|name| scan.has(name)).collect();
    let kind = match given.as_slice() {
        [kind] => *kind,
        [] => {
            let message = format!("exactly one of {} is required", QUERIES.join(", "));
            return Err(Invalid::new(scan.pointer().clone(), message));
        }
        [first, second, ..] => {
            return Err(scan.invalid(second, format!("{second} cannot be given together with {first}")));
        }
    };
    let text = scan.require_text(kind, "a query")?.to_owned();
    if kind == "_queryId" {
        let mut parameters = Map::new();
        flatten("", scan.others(&SCAN), &mut parameters);
        return Ok(ScanQuery::Id { id: text, parameters });
    }
    scan.only(&SCAN)?;
    Ok(if kind == "_queryFilter" {
        ScanQuery::Filter(text)
    } else {
        ScanQuery::Expression(text)
    })
}

fn flatten(prefix: &str, members: Map<String, Value>, parameters: &mut Map<String, Value>) {
    for (name, value) in members {
        let name = format!("{prefix}{name}");
        match value {
            Value::Object(inner) => flatten(&format!("{name}."), inner, parameters),
            value => {
                parameters.insert(name, value);
            }
        }
    }
}

fn task_state(scan: &Members<'_>) -> Result<(Pointer, Pointer), Invalid> {
    let state = scan.require_object("taskState", "where progress is marked, with started and completed")?;
    state.only(&["started", "completed"])?;
    let started = mark(&state, "started")?;
    let completed = mark(&state, "completed")?;
    if started.starts_with(&completed) || completed.starts_with(&started) {
        let message =
            format!("'{completed}' and the started '{started}' have to be two places, neither inside the other");
        return Err(state.invalid("completed", message));
    }
    Ok((started, completed))
}

fn mark(state: &Members<'_>, name: &str) -> Result<Pointer, Invalid> {
    let text = state.require_text(name, "a pointer into the object, such as /sunset/task-started")?;
    let pointer = Pointer::parse(text).map_err(|error| state.invalid(name, error.to_string()))?;
    let is_taken = |reserved: &str| pointer.starts_with(&Pointer::root().child(reserved));
    if pointer.is_root() {
        return Err(state.invalid(
            name,
            "a mark cannot replace the whole object; write for example /sunset/task-started",
        ));
    }
    if is_taken("_id") || is_taken("_rev") {
        return Err(state.invalid(
            name,
            format!("'{pointer}' belongs to the host; choose a place of your own"),
        ));
    }
    Ok(pointer)
}

fn recovery(scan: &Members<'_>) -> Result<(CalendarDuration, Option<u32>), Invalid> {
    let Some(recovery) = scan.object("recovery")? else {
        return Ok((CalendarDuration::ZERO, None));
    };
    recovery.only(&["timeout", "maxAttempts"])?;
    let timeout = match recovery.text("timeout")? {
        None => CalendarDuration::ZERO,
        Some(text) => text
            .parse()
            .map_err(|error| recovery.invalid("timeout", format!("{error}")))?,
    };
    let attempts = recovery.natural("maxAttempts", 1..=MAX_ATTEMPTS.into(), "failures in a row")?;
    Ok((timeout, attempts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn context() -> Value {
        json!({
            "scan": {
                "object": "managed/user",
                "_queryFilter": "true",
                "taskState": {"started": "/task/started", "completed": "task/completed"}
            },
            "task": {"script": {"type": "text/javascript", "source": "true;"}}
        })
    }

    /// The valid context with one place replaced, or taken out by null.
    fn with(pointer: &str, value: Value) -> Value {
        let mut context = context();
        Pointer::parse(pointer).unwrap().set(&mut context, value).unwrap();
        context
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let expected = ScanSpec {
            wait_for_completion: false,
            threads: DEFAULT_THREADS,
            max_records: None,
            object: "managed/user".to_owned(),
            query: ScanQuery::Filter("true".to_owned()),
            started: Pointer::parse("/task/started").unwrap(),
            completed: Pointer::parse("/task/completed").unwrap(),
            recovery_timeout: CalendarDuration::ZERO,
            guard: Guard::default(),
            max_attempts: None,
            script: json!({"type": "text/javascript", "source": "true;"}),
        };
        assert_eq!(ScanSpec::parse(&context()), Ok(expected));
    }

    #[test]
    fn every_property_is_understood() {
        let mut context = with("/numberOfThreads", json!(5));
        context["waitForCompletion"] = json!(true);
        context["maxRecords"] = json!(100);
        context["scan"]["recovery"] = json!({"timeout": "10m", "maxAttempts": 3});
        let spec = ScanSpec::parse(&context).unwrap();
        assert_eq!(spec.max_attempts, Some(3));
        assert!(spec.wait_for_completion);
        assert_eq!((spec.threads, spec.max_records), (5, Some(100)));
        assert_eq!(spec.recovery_timeout.to_string(), "10m");
    }

    #[test]
    fn a_query_by_name_has_flat_parameters() {
        let mut context = with("/scan/_queryFilter", Value::Null);
        context["scan"]["_queryId"] = json!("scan-tasks");
        context["scan"]["property"] = json!("sunset/date");
        context["scan"]["condition"] = json!({"before": "${Time.now}"});
        let ScanQuery::Id { id, parameters } = ScanSpec::parse(&context).unwrap().query else {
            panic!("by name")
        };
        assert_eq!(id, "scan-tasks");
        let expected = json!({"property": "sunset/date", "condition.before": "${Time.now}"});
        // `_queryFilter` was only set to null, which counts as absent.
        assert_eq!(Value::Object(parameters), expected);
    }

    #[test]
    fn a_mistake_is_named_with_its_pointer() {
        let check = |place: &str, value: Value, pointer: &str, message: &str| {
            let invalid = ScanSpec::parse(&with(place, value.clone())).expect_err(place);
            assert_eq!(invalid.pointer.to_string(), pointer, "{place} {value}");
            assert!(
                invalid.message.contains(message),
                "{place} {value}: {}",
                invalid.message
            );
        };
        check(
            "/numberOfThreads",
            json!(0),
            "/numberOfThreads",
            "from 1 to 100 (threads)",
        );
        check(
            "/numberOfThreads",
            json!(101),
            "/numberOfThreads",
            "from 1 to 100 (threads)",
        );
        check("/numberOfThreads", json!("5"), "/numberOfThreads", "a whole number");
        check(
            "/numberOfThread",
            json!(5),
            "/numberOfThread",
            "did you mean 'numberOfThreads'?",
        );
        check("/maxRecords", json!(0), "/maxRecords", "of at least 1 (objects)");
        check(
            "/waitForCompletion",
            json!("yes"),
            "/waitForCompletion",
            "true or false",
        );
        check("/scan", Value::Null, "/scan", "'scan' is required");
        check("/scan/object", Value::Null, "/scan/object", "'object' is required");
        check(
            "/scan/object",
            json!("managed//user"),
            "/scan/object",
            "not the path of a collection",
        );
        check(
            "/scan/object",
            json!("/managed/user"),
            "/scan/object",
            "not the path of a collection",
        );
        check(
            "/scan/_queryFilter",
            Value::Null,
            "/scan",
            "exactly one of _queryFilter, _queryId, _queryExpression",
        );
        check(
            "/scan/_queryFilter",
            json!(true),
            "/scan/_queryFilter",
            "a string is expected",
        );
        check(
            "/scan/_queryId",
            json!("x"),
            "/scan/_queryId",
            "cannot be given together with _queryFilter",
        );
        check(
            "/scan/_queryFiltr",
            json!("true"),
            "/scan/_queryFiltr",
            "did you mean '_queryFilter'?",
        );
        check(
            "/scan/taskState",
            Value::Null,
            "/scan/taskState",
            "'taskState' is required",
        );
        let (started, completed) = ("/scan/taskState/started", "/scan/taskState/completed");
        check(started, Value::Null, started, "'started' is required");
        check(started, json!("/"), started, "whole object");
        check(started, json!("/_id"), started, "belongs to the host");
        check(started, json!("/_rev/x"), started, "belongs to the host");
        check(started, json!("/%zz"), started, "%");
        check(started, json!("/task/completed"), completed, "two places");
        check(started, json!("/task"), completed, "two places");
        check(completed, json!("/task/started/at"), completed, "two places");
        check(
            "/scan/taskState/stopped",
            json!("/x"),
            "/scan/taskState/stopped",
            "known here are started, completed",
        );
        check(
            "/scan/recovery",
            json!({"timeout": "10"}),
            "/scan/recovery/timeout",
            "'10' is not a duration",
        );
        check(
            "/scan/recovery",
            json!({"timeout": 600}),
            "/scan/recovery/timeout",
            "a string is expected",
        );
        check(
            "/scan/recovery",
            json!({"after": "10m"}),
            "/scan/recovery/after",
            "known here are timeout, maxAttempts",
        );
        for attempts in [json!(0), json!(1001), json!("3"), json!(1.5)] {
            check(
                "/scan/recovery",
                json!({"maxAttempts": attempts}),
                "/scan/recovery/maxAttempts",
                "whole number",
            );
        }
        check("/task", Value::Null, "/task", "'task' is required");
        check("/task/script", Value::Null, "/task/script", "'script' is required");
        check("/task/script", json!("true"), "/task/script", "an object is expected");
        check("/task/action", json!("x"), "/task/action", "known here are script");
    }
}
