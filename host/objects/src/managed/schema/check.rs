//! Judging an object by a schema: what no schema knows is refused, what breaks a policy is listed.

use host_model::Invalid;
use host_resource::Pointer;
use serde_json::Value;

use super::{Kind, Property, Schema};
use crate::managed::policy::{Failed, Requirement};
use crate::managed::secret::is_protected;

/// So many properties that break policies are listed; an object with more has other troubles.
const MAX_FAILED: usize = 100;

/// What is to be said about an object.
#[derive(Debug, Default, PartialEq)]
pub(in super::super) struct Checked {
    /// The first property that no schema knows.
    pub(in super::super) unknown: Option<Invalid>,
    /// The properties whose values break policies.
    pub(in super::super) failed: Vec<Failed>,
}

/// Judges an object.
pub(in super::super) fn check(schema: &Schema, object: &Value) -> Checked {
    let mut judge = Judge {
        object,
        checked: Checked::default(),
    };
    judge.object(schema, object, &Pointer::root());
    judge.checked
}

/// Judges one property as it is in an object.
pub(in super::super) fn check_property(property: &Property, object: &Value) -> Vec<Failed> {
    let mut judge = Judge {
        object,
        checked: Checked::default(),
    };
    judge.property(property, property.pointer.get(object), &property.pointer);
    judge.checked.failed
}

struct Judge<'a> {
    object: &'a Value,
    checked: Checked,
}

impl Judge<'_> {
    fn object(&mut self, schema: &Schema, value: &Value, at: &Pointer) {
        let Some(members) = value.as_object() else { return };
        if !schema.is_open && self.checked.unknown.is_none() {
            let is_unknown = |name: &&String| {
                let is_identity = at.is_root() && matches!(name.as_str(), "_id" | "_rev");
                !is_identity && schema.get(name).is_none()
            };
            self.checked.unknown = members.keys().find(is_unknown).map(|name| unknown(schema, at, name));
        }
        for property in &schema.properties {
            self.property(property, members.get(&*property.name), &at.child(&property.name));
        }
    }

    fn property(&mut self, property: &Property, value: Option<&Value>, at: &Pointer) {
        if property.relationship.is_some() || property.traits.is_virtual || self.checked.failed.len() >= MAX_FAILED {
            return;
        }
        if property.protection.is_some() && value.is_some_and(is_protected) {
            // It was judged before it was encrypted.
            return;
        }
        let mut requirements = Vec::new();
        if let Some(value) = value.filter(|value| !property.kinds.has(Kind::of(value))) {
            requirements.push(Requirement::kind(value, property.kinds));
        }
        let broken = |policy: &crate::managed::policy::Policy| policy.judge(value, self.object);
        requirements.extend(property.policies.iter().filter_map(broken));
        if !requirements.is_empty() {
            self.checked.failed.push(Failed {
                property: at.to_string().trim_start_matches('/').to_owned(),
                requirements,
            });
        }
        match value {
            Some(value @ Value::Object(_)) => {
                if let Some(inner) = &property.inner {
                    self.object(inner, value, at);
                }
            }
            Some(Value::Array(items)) => {
                for (number, item) in items.iter().enumerate() {
                    if let Some(property) = &property.items {
                        self.property(property, Some(item), &at.child(&number.to_string()));
                    }
                }
            }
            _ => {}
        }
    }
}

fn unknown(schema: &Schema, at: &Pointer, name: &str) -> Invalid {
    const NAMED: usize = 30;
    let mut known: Vec<&str> = schema.properties.iter().map(|property| &*property.name).collect();
    let more = if known.len() > NAMED { ", …" } else { "" };
    known.truncate(NAMED);
    Invalid::new(
        at.child(name),
        format!(
            "the schema does not know the property '{name}'; it knows {}{more}",
            known.join(", ")
        ),
    )
}
