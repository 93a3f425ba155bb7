//! What a patch may change, as it was: the members that its operations name, not the whole object.

use serde_json::Value;

use super::PatchOperation;

pub(super) enum Backup {
    /// An operation is about the whole object, or there is no object yet.
    Whole(Value),
    /// By position, so that what is put back comes to stand where it stood.
    Members(Vec<Member>),
}

pub(super) struct Member {
    name: String,
    /// None when it did not exist.
    was: Option<(usize, Value)>,
}

impl Backup {
    pub(super) fn of(operations: &[PatchOperation], target: &Value) -> Self {
        let names = operations
            .iter()
            .flat_map(PatchOperation::changes)
            .map(|field| field.elements().first().map(AsRef::as_ref));
        let (Value::Object(members), Some(mut names)) = (target, names.collect::<Option<Vec<&str>>>()) else {
            return Self::Whole(target.clone());
        };
        names.sort();
        names.dedup();
        let member = |name: &str| {
            let value = members.get(name);
            let was = value.and_then(|value| Some((members.keys().position(|key| key == name)?, value.clone())));
            Member {
                name: name.to_owned(),
                was,
            }
        };
        let mut members: Vec<_> = names.into_iter().map(member).collect();
        members.sort_by_key(|member| member.was.as_ref().map(|(position, _)| *position));
        Self::Members(members)
    }

    pub(super) fn restore(self, target: &mut Value) {
        match (self, target) {
            (Self::Whole(value), target) => *target = value,
            (Self::Members(saved), Value::Object(members)) => {
                for member in &saved {
                    members.shift_remove(&member.name);
                }
                for Member { name, was } in saved {
                    if let Some((position, value)) = was {
                        members.shift_insert(position, name, value);
                    }
                }
            }
            // Only operations on the whole object make something else of it.
            (
                Self::Members(_),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_),
            ) => {}
        }
    }

    pub(super) fn differs(&self, target: &Value) -> bool {
        match self {
            Self::Whole(value) => value != target,
            Self::Members(saved) => saved
                .iter()
                .any(|member| target.get(&member.name) != member.was.as_ref().map(|(_, value)| value)),
        }
    }
}
