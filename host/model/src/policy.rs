//! Policies: what a mapping does in a situation. Behaviour 5.4 and 5.5.

use std::fmt;

use host_resource::{Filter, Pointer};
use serde_json::Value;

use crate::invalid::Invalid;
use crate::members::Members;
use crate::script::ScriptSpec;
use crate::situation::Situation;

/// What is done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A target object is made, and linked.
    Create,
    /// The target object is linked, and made what the mapping says.
    Update,
    /// The target object is linked.
    Link,
    /// The target object is deleted, and unlinked.
    Delete,
    /// The link is deleted.
    Unlink,
    /// Nothing; it is an error.
    Exception,
    /// Nothing; it is reported.
    Report,
    /// Nothing; it is not reported.
    NoReport,
    /// Nothing.
    Ignore,
    /// Nothing now: somebody else will say what.
    Async,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 10] = [
        Action::Create,
        Action::Update,
        Action::Link,
        Action::Delete,
        Action::Unlink,
        Action::Exception,
        Action::Report,
        Action::NoReport,
        Action::Ignore,
        Action::Async,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Action::Create => "CREATE",
            Action::Update => "UPDATE",
            Action::Link => "LINK",
            Action::Delete => "DELETE",
            Action::Unlink => "UNLINK",
            Action::Exception => "EXCEPTION",
            Action::Report => "REPORT",
            Action::NoReport => "NOREPORT",
            Action::Ignore => "IGNORE",
            Action::Async => "ASYNC",
        }
    }

    /// The action of a name.
    pub fn of_name(name: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.name() == name)
    }

    /// Whether a policy's `postAction` runs behind it.
    pub fn has_post_action(self) -> bool {
        match self {
            Action::Ignore | Action::Async | Action::Exception => false,
            Action::Create
            | Action::Update
            | Action::Link
            | Action::Delete
            | Action::Unlink
            | Action::Report
            | Action::NoReport => true,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A script and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Scripted {
    /// The script.
    pub spec: ScriptSpec,
    /// Where it stands in the document.
    pub pointer: Pointer,
}

impl Scripted {
    /// The script of the member `name`, if there is one.
    ///
    /// # Errors
    /// What is there is no script.
    pub fn of(members: &Members<'_>, name: &str) -> Result<Option<Scripted>, Invalid> {
        members
            .get(name)
            .map(|value| Scripted::parse(value, members.at(name)))
            .transpose()
    }

    /// The script at a place.
    ///
    /// # Errors
    /// What is there is no script.
    pub fn parse(value: &Value, pointer: Pointer) -> Result<Scripted, Invalid> {
        Ok(Scripted {
            spec: ScriptSpec::parse(value, pointer.clone())?,
            pointer,
        })
    }
}

/// When something holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// When a filter matches.
    Filter(Filter),
    /// When a script says so.
    Script(Scripted),
}

impl Condition {
    /// The condition of the member `name`, if there is one.
    ///
    /// # Errors
    /// What is there is neither a filter nor a script.
    pub fn of(members: &Members<'_>, name: &str) -> Result<Option<Condition>, Invalid> {
        match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => match Filter::parse(text) {
                Ok(filter) => Ok(Some(Condition::Filter(filter))),
                Err(error) => Err(members.invalid(name, format!("this is not a filter: {error}"))),
            },
            Some(value @ Value::Object(_)) => Ok(Some(Condition::Script(Scripted::parse(value, members.at(name))?))),
            Some(_) => Err(members.invalid(name, "a filter (a text) or a script (an object) is expected here")),
        }
    }
}

/// What a policy does.
#[derive(Clone, Debug, PartialEq)]
pub enum PolicyAction {
    /// This.
    Named(Action),
    /// What a script answers.
    Script(Scripted),
}

/// What is done in a situation.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicySpec {
    /// In which situation.
    pub situation: Situation,
    /// What is done.
    pub action: PolicyAction,
    /// Only if this holds.
    pub condition: Option<Condition>,
    /// What runs behind the action.
    pub post_action: Option<Scripted>,
}

impl PolicySpec {
    /// Reads the policy at a place.
    ///
    /// # Errors
    /// The first member that is unknown, missing, or not what it has to be.
    pub fn parse(value: &Value, pointer: Pointer) -> Result<PolicySpec, Invalid> {
        let members = Members::of(value, pointer)?;
        members.only(&["situation", "action", "condition", "postAction"])?;
        let names = |all: Vec<&str>| all.join(", ");
        let situation = members.require_text("situation", "the situation in which the policy counts")?;
        let situation = Situation::of_name(situation).ok_or_else(|| {
            let known = names(Situation::ALL.iter().map(|one| one.name()).collect());
            members.invalid(
                "situation",
                format!("'{situation}' is not a situation: write one of {known}"),
            )
        })?;
        let action = match members.get("action") {
            // Behaviour 5.4: a policy without an action ignores.
            None => PolicyAction::Named(Action::Ignore),
            Some(Value::String(name)) => PolicyAction::Named(Action::of_name(name).ok_or_else(|| {
                let known = names(Action::ALL.iter().map(|one| one.name()).collect());
                members.invalid(
                    "action",
                    format!("'{name}' is not an action: write a script, or one of {known}"),
                )
            })?),
            Some(value @ Value::Object(_)) => PolicyAction::Script(Scripted::parse(value, members.at("action"))?),
            Some(_) => return Err(members.invalid("action", "the name of an action or a script is expected here")),
        };
        Ok(PolicySpec {
            situation,
            action,
            condition: Condition::of(&members, "condition")?,
            post_action: Scripted::of(&members, "postAction")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: Value) -> Result<PolicySpec, String> {
        PolicySpec::parse(&value, Pointer::root()).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn a_policy_is_read() {
        let policy = parse(json!({"situation": "FOUND", "action": "LINK", "condition": "/object/a eq 1"})).unwrap();
        assert_eq!(
            (policy.situation, policy.action),
            (Situation::Found, PolicyAction::Named(Action::Link))
        );
        assert!(matches!(policy.condition, Some(Condition::Filter(_))));
        let bare = parse(json!({"situation": "ABSENT"})).unwrap();
        assert_eq!(bare.action, PolicyAction::Named(Action::Ignore));
        let script = json!({"type": "text/javascript", "source": "'LINK'"});
        let scripted = parse(json!({"situation": "ABSENT", "action": script, "postAction": script})).unwrap();
        assert!(matches!(scripted.action, PolicyAction::Script(_)));
        assert_eq!(scripted.post_action.unwrap().pointer.to_string(), "/postAction");
    }

    #[test]
    fn a_bad_policy_is_refused_with_its_place() {
        let check = |value: Value, words: &str| {
            let message = parse(value).unwrap_err();
            assert!(message.contains(words), "{message}");
        };
        check(json!({"action": "LINK"}), "/situation: 'situation' is required");
        check(json!({"situation": "found"}), "/situation: 'found' is not a situation");
        check(
            json!({"situation": "FOUND", "action": "MERGE"}),
            "/action: 'MERGE' is not an action",
        );
        check(
            json!({"situation": "FOUND", "action": 1}),
            "/action: the name of an action or a script",
        );
        check(
            json!({"situation": "FOUND", "condition": "a eq"}),
            "/condition: this is not a filter",
        );
        check(json!({"situation": "FOUND", "condition": 1}), "/condition: a filter");
        check(
            json!({"situation": "FOUND", "aktion": "LINK"}),
            "did you mean 'action'?",
        );
        check(
            json!({"situation": "FOUND", "postAction": {"type": "text/javascript", "sorce": "1"}}),
            "/postAction/sorce",
        );
    }
}
