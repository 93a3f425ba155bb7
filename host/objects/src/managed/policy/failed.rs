//! Policies that were broken, in the platform's words.

use host_resource::Problem;
use serde_json::{Map, Value, json};

use crate::managed::schema::{Kind, Kinds};

/// A property whose value breaks policies.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Failed {
    /// The property; one of a nested object is named by its path.
    pub(in super::super) property: String,
    pub(in super::super) requirements: Vec<Requirement>,
}

/// A requirement that was not met.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Requirement {
    pub(in super::super) name: &'static str,
    pub(in super::super) parameters: Option<Value>,
}

impl Requirement {
    /// A value of the wrong type.
    pub(in super::super) fn kind(value: &Value, kinds: Kinds) -> Self {
        let parameters = json!({"invalidType": Kind::of(value).to_string(), "validTypes": kinds.names()});
        Self {
            name: "VALID_TYPE",
            parameters: Some(parameters),
        }
    }

    /// Another object has the value.
    pub(in super::super) fn unique() -> Self {
        Self {
            name: "UNIQUE",
            parameters: None,
        }
    }

    /// As it is answered.
    pub(in super::super) fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("policyRequirement".to_owned(), self.name.into());
        if let Some(parameters) = &self.parameters {
            members.insert("params".to_owned(), parameters.clone());
        }
        Value::Object(members)
    }
}

/// The answer of the policy service.
pub(in super::super) fn verdict(failed: &[Failed]) -> Value {
    let failed: Vec<Value> = failed
        .iter()
        .map(|failed| {
            let requirements: Vec<Value> = failed.requirements.iter().map(Requirement::to_json).collect();
            json!({"policyRequirements": requirements, "property": failed.property})
        })
        .collect();
    json!({"result": failed.is_empty(), "failedPolicyRequirements": failed})
}

/// The problem of a write that breaks policies. The texts are compatibility: behaviour 8.1.
pub(in super::super) fn refusal(failed: &[Failed], is_patch: bool) -> Problem {
    let message = if is_patch {
        "Failed policy validation"
    } else {
        "Policy validation failed"
    };
    Problem {
        detail: Some(Box::new(verdict(failed))),
        ..Problem::forbidden(message)
    }
}
