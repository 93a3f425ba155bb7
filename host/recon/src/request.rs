//! What a request for a run says: its parameters and its body. What is not understood is refused by its name.

use std::sync::Arc;

use host_resource::{Action, Context, Problem};
use serde_json::Value;

use crate::reconciler::Ask;
use crate::record::Kind;

/// At most so many objects are reconciled by their ids in one run.
const MAX_IDS: usize = 10_000;

const KNOWN: [&str; 6] = [
    "mapping",
    "ids",
    "waitForCompletion",
    "analyze",
    "persistAssociations",
    "ignoreDeletionGuard",
];

/// A run that is asked for.
pub(crate) struct RunRequest {
    pub(crate) ask: Ask,
    pub(crate) waits: bool,
}

/// Reads a request for `recon` or `reconById`.
pub(crate) fn parse(context: &Context, action: &Action, by_id: bool) -> Result<RunRequest, Problem> {
    known(action, &KNOWN)?;
    let mapping = action
        .parameter("mapping")
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Problem::bad_request("The parameter 'mapping' is missing: it names the mapping to reconcile"))?;
    let overrides = action.content.clone().filter(|body| match body {
        Value::Null => false,
        Value::Object(members) => !members.is_empty(),
        _ => true,
    });
    let listed = ids(action)?;
    let kind = match (by_id, listed.is_empty()) {
        // The text is compatibility: behaviour 5.8.
        (true, true) => {
            let message = "Action reconById requires a parameter 'ids' with the identifier(s) to reconcile";
            return Err(Problem::bad_request(message));
        }
        (true, false) => Kind::ById(listed),
        (false, true) => Kind::All,
        (false, false) => {
            return Err(Problem::bad_request("'ids' is a parameter of the action reconById"));
        }
    };
    Ok(RunRequest {
        ask: Ask {
            id: None,
            mapping: mapping.to_owned(),
            kind,
            overrides,
            is_analysis: flag(action, "analyze")?,
            keeps_entries: flag(action, "persistAssociations")?,
            ignores_guard: flag(action, "ignoreDeletionGuard")?,
            by: Arc::clone(&context.caller),
        },
        waits: flag(action, "waitForCompletion")?,
    })
}

/// Refuses parameters beyond these.
pub(crate) fn known(action: &Action, known: &[&str]) -> Result<(), Problem> {
    let is_known = |name: &str| name.starts_with('_') || known.iter().any(|one| one.eq_ignore_ascii_case(name));
    match action.parameters.iter().find(|(name, _)| !is_known(name)) {
        None => Ok(()),
        Some((name, _)) => Err(Problem::bad_request(format!(
            "unknown parameter '{name}': known are {}",
            known.join(", ")
        ))),
    }
}

/// A parameter that is true or false, and false when it is not there.
pub(crate) fn flag(action: &Action, name: &str) -> Result<bool, Problem> {
    match action.parameter(name) {
        None | Some("") => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(text) => Err(Problem::bad_request(format!(
            "the parameter '{name}' is true or false, not '{text}'"
        ))),
    }
}

/// The ids of a request: in parameters, several with commas between them, or as an array in the body.
fn ids(action: &Action) -> Result<Vec<Arc<str>>, Problem> {
    let given = action
        .parameters
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("ids"));
    let mut ids: Vec<Arc<str>> = given
        .flat_map(|(_, list)| list.split(','))
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(Arc::from)
        .collect();
    match action.content.as_ref().and_then(|body| body.get("ids")) {
        None | Some(Value::Null) => {}
        Some(Value::Array(list)) => {
            for (position, id) in list.iter().enumerate() {
                let Some(id) = id.as_str().filter(|id| !id.is_empty()) else {
                    return Err(Problem::invalid(
                        format!("/ids/{position}"),
                        "an id (a text) is expected here",
                    ));
                };
                ids.push(id.into());
            }
        }
        Some(_) => return Err(Problem::invalid("/ids", "an array of ids is expected here")),
    }
    if ids.len() > MAX_IDS {
        return Err(Problem::bad_request(format!(
            "at most {MAX_IDS} ids can be reconciled in one run"
        )));
    }
    ids.sort();
    ids.dedup();
    Ok(ids)
}
