//! What becomes of a change of a system that cannot be handed over (behaviour 6.1).

use host_model::Invalid;
use host_model::members::Members;

/// How often a change is tried again, and what happens then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FailureHandler {
    /// On so many further calls; none tries for ever.
    pub(crate) retries: Option<u32>,
    /// When none is left.
    pub(crate) afterwards: Afterwards,
}

/// What becomes of a change that was tried often enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Afterwards {
    /// It is left out, and the log says so.
    #[default]
    Log,
    /// It is set aside in the dead letter queue.
    SetAside,
}

impl FailureHandler {
    pub(super) fn parse(members: &Members<'_>) -> Result<Self, Invalid> {
        let Some(handler) = members.object("syncFailureHandler")? else {
            return Ok(Self::default());
        };
        handler.only(&["maxRetries", "postRetryAction"])?;
        let retries = handler.integer("maxRetries", -1..=1_000_000, "retries; -1 is for ever")?;
        let afterwards = match handler.get("postRetryAction") {
            None => Afterwards::Log,
            Some(action) => match action.as_str() {
                Some("logged-ignore") => Afterwards::Log,
                Some("dead-letter-queue") => Afterwards::SetAside,
                _ => {
                    return Err(handler.invalid(
                        "postRetryAction",
                        "write logged-ignore or dead-letter-queue: scripts are not supported here",
                    ));
                }
            },
        };
        Ok(Self {
            retries: retries.and_then(|retries| u32::try_from(retries).ok()),
            afterwards,
        })
    }
}

#[cfg(test)]
mod tests {
    use host_resource::Pointer;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_table_of_retries() {
        let check = |handler: Value, retries: Option<u32>, afterwards: Afterwards| {
            let object = json!({"syncFailureHandler": handler});
            let members = Members::of(&object, Pointer::root()).unwrap();
            assert_eq!(
                FailureHandler::parse(&members),
                Ok(FailureHandler { retries, afterwards })
            );
        };
        check(Value::Null, None, Afterwards::Log);
        check(json!({}), None, Afterwards::Log);
        check(json!({"maxRetries": -1}), None, Afterwards::Log);
        check(
            json!({"maxRetries": 0, "postRetryAction": "dead-letter-queue"}),
            Some(0),
            Afterwards::SetAside,
        );
        check(
            json!({"maxRetries": 5, "postRetryAction": "logged-ignore"}),
            Some(5),
            Afterwards::Log,
        );
    }
}
