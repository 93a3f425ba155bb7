//! What a type says about its objects: which properties there are, what their values have to be, who sees them.
//!
//! The rules are few and each is a few lines of plain code, so no JSON Schema library is used: such a library knows
//! nothing of policies, scopes and hooks, would judge a document twice, and its patterns may backtrack without end.

use host_model::evaluate::Evaluate;
use host_model::script::ScriptSpec;
use host_resource::Pointer;
use serde_json::Value;

mod check;
mod kinds;
mod parse;
mod relationship;

pub(super) use check::{Checked, check, check_property};
pub(super) use kinds::{Kind, Kinds};
pub(super) use relationship::{Relationship, check_ends};

use super::policy::Policy;
use super::secret::Protection;

/// More properties in one type than this are refused, those of nested objects counted.
pub const MAX_PROPERTIES: usize = 1000;

/// The properties of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Schema {
    pub(super) properties: Vec<Property>,
    /// Whether an object may have other properties as well.
    pub(super) is_open: bool,
}

/// One property.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Property {
    pub(super) name: Box<str>,
    /// Where it is in an object; the items of arrays are at `-`.
    pub(super) pointer: Pointer,
    pub(super) kinds: Kinds,
    /// What its value has to be inside, when that is an object.
    pub(super) inner: Option<Schema>,
    /// What the items have to be, when its value is an array.
    pub(super) items: Option<Box<Property>>,
    pub(super) policies: Vec<Policy>,
    pub(super) default: Option<Value>,
    pub(super) traits: Traits,
    pub(super) protection: Option<Protection>,
    /// When its values are other objects.
    pub(super) relationship: Option<Box<Relationship>>,
    pub(super) on_retrieve: Option<Hook>,
    pub(super) on_store: Option<Hook>,
    pub(super) on_validate: Option<Hook>,
}

/// What is special about a property.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traits {
    /// Never shown to callers from outside.
    pub(super) is_private: bool,
    /// Not to be changed by callers from outside.
    pub(super) is_read_only: bool,
    /// Computed when the object is read, and not stored.
    pub(super) is_virtual: bool,
    /// Shown only when it is asked for.
    pub(super) is_on_demand: bool,
    /// No two objects of the type have the same value.
    pub(super) is_unique: bool,
}

/// A script of the configuration, and where it stands there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hook {
    pub(super) spec: ScriptSpec,
    pub(super) pointer: Pointer,
}

/// A property's script that is ready.
#[derive(Clone, Debug)]
pub(super) struct PropertyScript {
    pub(super) pointer: Pointer,
    pub(super) script: std::sync::Arc<dyn Evaluate>,
}

impl Schema {
    /// The property of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| &*property.name == name)
    }

    /// All properties, those of nested objects behind the one they are in. What is inside of arrays is left out: nothing
    /// in there has traits of its own.
    pub(super) fn all(&self) -> Vec<&Property> {
        let mut all = Vec::new();
        for property in &self.properties {
            all.push(property);
            if let Some(inner) = &property.inner {
                all.extend(inner.all());
            }
        }
        all
    }
}

impl Property {
    /// Whether callers from outside never see the value.
    pub(super) fn is_hidden(&self) -> bool {
        self.traits.is_private || self.protection.is_some()
    }
}
