//! The parameters of actions that have few or none.

use host_resource::{Action, Problem};

/// Refuses parameters that the action does not know, and content: these actions are told everything by parameters.
pub(super) fn only(action: &Action, known: &[&str]) -> Result<(), Problem> {
    let is_known = |name: &str| known.iter().any(|known| known.eq_ignore_ascii_case(name));
    if let Some((name, _)) = action.parameters.iter().find(|(name, _)| !is_known(name)) {
        let message = match known {
            [] => format!("the action '{}' has no parameter '{name}': it has none", action.name),
            known => format!(
                "the action '{}' has no parameter '{name}': it has {}",
                action.name,
                known.join(", ")
            ),
        };
        return Err(Problem::bad_request(message).with_detail("parameter", name.as_str()));
    }
    let is_empty =
        |content: &serde_json::Value| content.is_null() || content.as_object().is_some_and(|it| it.is_empty());
    if action.content.as_ref().is_some_and(|content| !is_empty(content)) {
        return Err(Problem::bad_request(format!(
            "the action '{}' takes no content: leave the body out",
            action.name
        )));
    }
    Ok(())
}
