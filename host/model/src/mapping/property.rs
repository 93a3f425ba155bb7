//! One property of a mapping: what is written into the target, and where it comes from. Behaviour 5.2.

use host_resource::Pointer;
use host_resource::pointer::PointerError;
use serde_json::Value;

use crate::invalid::Invalid;
use crate::members::Members;
use crate::policy::{Condition, Scripted};

/// One property of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct PropertySpec {
    /// Where it is written.
    pub target: Pointer,
    /// Where it comes from; the root is the whole source object, none is nothing.
    pub source: Option<Pointer>,
    /// What makes another value of it.
    pub transform: Option<Scripted>,
    /// Only if this holds.
    pub condition: Option<Condition>,
    /// Instead of null.
    pub default: Option<Value>,
}

impl PropertySpec {
    /// Reads the property at a place.
    ///
    /// # Errors
    /// The first member that is unknown, missing, or not what it has to be.
    pub fn parse(value: &Value, pointer: Pointer) -> Result<PropertySpec, Invalid> {
        let members = Members::of(value, pointer)?;
        members.only(&["target", "source", "transform", "condition", "default"])?;
        let at = |name: &str, text: &str| {
            Pointer::parse(text).map_err(|error| members.invalid(name, format!("this is not a pointer: {error}")))
        };
        let target = at(
            "target",
            members.require_text("target", "where the value is written, such as /mail")?,
        )?;
        if target.is_root() {
            return Err(members.invalid("target", "the whole target object cannot be written: name a property"));
        }
        if target.elements().len() == 1 && target.last() == Some("_rev") {
            return Err(members.invalid("target", "the revision is the target's own"));
        }
        Ok(PropertySpec {
            target,
            source: members.text("source")?.map(|text| at("source", text)).transpose()?,
            transform: Scripted::of(&members, "transform")?,
            condition: Condition::of(&members, "condition")?,
            default: members.get("default").cloned(),
        })
    }

    /// The value at its place in the source object; null where there is none.
    pub fn value<'a>(&self, source: &'a Value) -> &'a Value {
        const NOTHING: &Value = &Value::Null;
        let found = self.source.as_ref().and_then(|pointer| pointer.get(source));
        found.unwrap_or(NOTHING)
    }

    /// Writes a value, or the default instead of null, into the target object.
    ///
    /// # Errors
    /// There is no such place in the target object.
    pub fn write(&self, value: Value, target: &mut Value) -> Result<(), PointerError> {
        let value = match (value, &self.default) {
            (Value::Null, Some(default)) => default.clone(),
            (value, _) => value,
        };
        self.target.set(target, value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_carried_over() {
        let source = json!({"name": {"given": "Ann"}, "none": null});
        let check = |property: Value, mut target: Value, expected: Value| {
            let property = PropertySpec::parse(&property, Pointer::root()).unwrap();
            let value = property.value(&source).clone();
            property.write(value, &mut target).unwrap();
            assert_eq!(target, expected);
        };
        check(
            json!({"source": "/name/given", "target": "/a/b"}),
            json!({}),
            json!({"a": {"b": "Ann"}}),
        );
        check(
            json!({"source": "", "target": "all"}),
            json!({}),
            json!({"all": source}),
        );
        check(
            json!({"source": "none", "target": "a"}),
            json!({"a": 1}),
            json!({"a": null}),
        );
        check(
            json!({"source": "none", "target": "a", "default": 7}),
            json!({}),
            json!({"a": 7}),
        );
        check(json!({"target": "a", "default": [1]}), json!({}), json!({"a": [1]}));
        check(
            json!({"source": "missing", "target": "a"}),
            json!({}),
            json!({"a": null}),
        );
    }

    #[test]
    fn a_bad_property_is_refused_with_its_place() {
        let check = |value: Value, words: &str| {
            let message = PropertySpec::parse(&value, Pointer::root()).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        };
        check(json!({"source": "a"}), "/target: 'target' is required");
        check(json!({"target": "/"}), "/target: the whole target");
        check(json!({"target": "_rev"}), "/target: the revision");
        check(json!({"target": "a", "source": "%"}), "/source: this is not a pointer");
        check(json!({"target": "a", "sauce": "b"}), "did you mean 'source'?");
        check(
            json!({"target": "a", "transform": "b"}),
            "/transform: an object is expected",
        );
    }
}
