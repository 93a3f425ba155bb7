//! The failures of a run, grouped by what makes them the same. One small document for each run, written in the commit that
//! counts the failures.

use std::sync::Arc;

use bytes::Bytes;
use host_resource::{Content, Object, Problem};
use host_store::{Collection, Key};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Groups of one run; failures of further kinds are counted together.
const MOST: usize = 200;

/// Bytes of a group's message.
const MESSAGE_BYTES: usize = 300;

/// The id under which the failures beyond all groups are counted.
const OTHERS: &str = "others";

/// The groups of one run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Groups {
    groups: Vec<Group>,
    others: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    fingerprint: Arc<str>,
    kind: Arc<str>,
    /// Of the first failure.
    message: Arc<str>,
    count: u64,
    first_object: Arc<str>,
    last_at: Arc<str>,
}

/// A failure as far as groups are concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) fingerprint: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) message: &'a str,
    pub(crate) object: &'a Arc<str>,
    pub(crate) at: &'a str,
}

impl Groups {
    /// Where the groups of a run lie.
    pub(crate) fn key(run: &str) -> Key {
        Collection::new("taskscanner/failureGroup").key(run)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(bytes)
            .map_err(|error| Problem::internal(format!("the stored groups of failures are damaged: {error}")))
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("texts and numbers are JSON").into()
    }

    /// Counts a failure.
    pub(crate) fn add(&mut self, member: Member<'_>) {
        if let Some(group) = self
            .groups
            .iter_mut()
            .find(|group| *group.fingerprint == *member.fingerprint)
        {
            group.count += 1;
            if *group.last_at != *member.at {
                group.last_at = member.at.into();
            }
        } else if self.groups.len() < MOST {
            let message = &member.message[..member.message.floor_char_boundary(MESSAGE_BYTES)];
            self.groups.push(Group {
                fingerprint: member.fingerprint.into(),
                kind: member.kind.into(),
                message: message.into(),
                count: 1,
                first_object: Arc::clone(member.object),
                last_at: member.at.into(),
            });
        } else {
            self.others += 1;
        }
    }

    /// The groups, the largest first; what is beyond them comes last.
    pub(crate) fn to_objects(&self) -> Vec<Object> {
        let mut groups: Vec<&Group> = self.groups.iter().collect();
        groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.fingerprint.cmp(&b.fingerprint)));
        let shown = |group: &Group| Object {
            id: group.fingerprint.to_string(),
            rev: None,
            content: Content::Json(json!({
                "fingerprint": &*group.fingerprint,
                "kind": &*group.kind,
                "message": &*group.message,
                "count": group.count,
                "firstObject": &*group.first_object,
                "lastAt": &*group.last_at,
            })),
        };
        let mut objects: Vec<Object> = groups.into_iter().map(shown).collect();
        if self.others > 0 {
            objects.push(Object {
                id: OTHERS.to_owned(),
                rev: None,
                content: Content::Json(json!({
                    "kind": OTHERS,
                    "message": format!("failures that are none of the first {MOST} kinds"),
                    "count": self.others,
                })),
            });
        }
        objects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_bounded_and_nothing_is_lost() {
        let mut groups = Groups::default();
        let long = "é".repeat(1_000);
        for number in 0..1_000_u64 {
            for _ in 0..=number % 3 {
                groups.add(Member {
                    fingerprint: &format!("{number:016}"),
                    kind: "problem",
                    message: &long,
                    object: &number.to_string().into(),
                    at: "now",
                });
            }
        }
        let objects = groups.to_objects();
        assert_eq!(objects.len(), MOST + 1);
        let counts: Vec<u64> = objects
            .into_iter()
            .map(|object| object.into_value().unwrap()["count"].as_u64().unwrap())
            .collect();
        assert_eq!(
            counts.iter().sum::<u64>(),
            (0..1_000).map(|number| number % 3 + 1).sum::<u64>()
        );
        assert!(counts[..MOST].is_sorted_by(|a, b| a >= b));
        let bytes = groups.to_bytes();
        assert!(bytes.len() < 150_000, "{}", bytes.len());
        assert_eq!(Groups::from_bytes(&bytes).unwrap().to_objects().len(), MOST + 1);
    }
}
