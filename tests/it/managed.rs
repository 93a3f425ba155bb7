//! Managed objects over the port: the verbs, conditions, patches, queries, and clients that change the same object; then
//! what a type's configuration says: schema, policies, unique and protected properties, hooks and actions.

mod actions;
mod bulk;
mod components;
mod concurrency;
mod conditions;
mod hooks;
mod nesting;
mod patching;
mod policies;
mod protected;
mod queries;
mod relationships;
mod schema;
mod unique;
mod verbs;

use serde_json::{Value, json};

use crate::harness::Server;

/// A server with the types of a `managed.json`, and `role`.
fn server(types: &[Value]) -> Server {
    let mut types = types.to_vec();
    types.push(json!({"name": "role"}));
    let types = json!({"objects": types}).to_string();
    Server::with_files(&[("managed.json", types.as_bytes())])
}

/// A type `user` with these properties, and more.
fn user(properties: Value, more: Value) -> Value {
    let mut user = json!({"name": "user", "schema": {"properties": properties}});
    merge(&mut user, more);
    user
}

fn merge(value: &mut Value, more: Value) {
    match (value, more) {
        (Value::Object(members), Value::Object(more)) => {
            for (name, more) in more {
                merge(members.entry(name).or_insert(Value::Null), more);
            }
        }
        (value, more) => *value = more,
    }
}

fn script(source: &str) -> Value {
    json!({"type": "text/javascript", "source": source})
}

/// The properties that broke policies, each with its requirements.
#[track_caller]
fn failed(problem: &Value) -> Vec<(String, Vec<String>)> {
    let failed = problem["detail"]["failedPolicyRequirements"].as_array();
    let failed = failed.unwrap_or_else(|| panic!("{problem}"));
    let name = |value: &Value| value.as_str().unwrap().to_owned();
    failed
        .iter()
        .map(|failed| {
            let requirements = failed["policyRequirements"].as_array().unwrap();
            let requirements = requirements.iter().map(|one| name(&one["policyRequirement"])).collect();
            (name(&failed["property"]), requirements)
        })
        .collect()
}
