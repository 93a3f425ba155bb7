//! What is stored of a relationship: its two ends, and what is said about it.

use host_resource::filter::Operator;
use host_resource::{Filter, Pointer, ResourcePath};
use host_store::unit_of_work::Seen;
use host_store::{Collection, Key, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where relationships are.
pub(in super::super) fn rows() -> Collection {
    Collection::new("relationship")
}

/// The index that finds the relationships of an end.
pub(in super::super) fn ends() -> Pointer {
    Pointer::from_elements(["ends"])
}

/// One end: a property of an object; of no property where the other end alone knows of the relationship.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    #[serde(rename = "type")]
    pub(super) type_name: Box<str>,
    pub(super) id: Box<str>,
    pub(super) property: Box<str>,
}

/// A relationship.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// The digests of both ends, for the index: texts of one length that no letter case makes equal.
    ends: [String; 2],
    first: End,
    second: End,
    pub(super) properties: Map<String, Value>,
}

impl End {
    pub(super) fn new(type_name: &str, id: &str, property: &str) -> Self {
        Self {
            type_name: type_name.into(),
            id: id.into(),
            property: property.into(),
        }
    }

    pub(super) fn digest(&self) -> String {
        // No part has a control character, so the zero ends each.
        let text = format!("{}\0{}\0{}", self.type_name, self.id, self.property);
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }

    /// What selects the relationships of this end.
    pub(super) fn filter(&self) -> Filter {
        Filter::text(ends(), Operator::Eq, &self.digest())
    }

    /// The path of the object.
    pub(super) fn object(&self) -> ResourcePath {
        ResourcePath::from_elements(["managed", &self.type_name, &self.id])
    }
}

impl Row {
    pub(super) fn new(one: End, other: End, properties: Map<String, Value>) -> Self {
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        Self {
            ends: [first.digest(), second.digest()],
            first,
            second,
            properties,
        }
    }

    /// The id of the relationship of two ends: there is at most one.
    pub(super) fn id_of(one: &End, other: &End) -> String {
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        let both = format!("{}{}", first.digest(), second.digest());
        blake3::hash(both.as_bytes()).to_hex()[..32].to_owned()
    }

    pub(super) fn key_of(one: &End, other: &End) -> Key {
        rows().key(Self::id_of(one, other))
    }

    pub(super) fn key(&self) -> Key {
        Self::key_of(&self.first, &self.second)
    }

    pub(super) fn both(&self) -> [&End; 2] {
        [&self.first, &self.second]
    }

    /// The end that is not this one; the same one of a relationship with itself.
    pub(super) fn other_than(&self, end: &End) -> &End {
        if self.first == *end { &self.second } else { &self.first }
    }

    pub(super) fn parse(seen: &Seen) -> Result<Self, StoreError> {
        Self::from_bytes(&seen.id, &seen.body)
    }

    pub(super) fn from_bytes(id: &str, body: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(body).map_err(|error| StoreError::Damaged(format!("relationship '{id}': {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(type_name: &str, id: &str, property: &str) -> End {
        End::new(type_name, id, property)
    }

    #[test]
    fn a_relationship_is_the_same_from_both_ends_and_another_for_other_ends() {
        let (joe, ann) = (end("user", "joe", "manager"), end("user", "ann", "reports"));
        assert_eq!(Row::id_of(&joe, &ann), Row::id_of(&ann, &joe));
        let row = |one: &End, other: &End| Row::new(one.clone(), other.clone(), Map::new());
        assert_eq!(row(&joe, &ann), row(&ann, &joe));
        assert_eq!(
            (row(&joe, &ann).other_than(&joe), row(&joe, &ann).other_than(&ann)),
            (&ann, &joe)
        );
        for other in [
            end("user", "Ann", "reports"),
            end("user", "ann", "friends"),
            end("role", "ann", "reports"),
            end("user", "ann", ""),
        ] {
            assert_ne!(Row::id_of(&joe, &other), Row::id_of(&joe, &ann), "{other:?}");
        }
        // What is cut elsewhere is another end.
        assert_ne!(end("user", "ab", "c").digest(), end("user", "a", "bc").digest());
    }

    #[test]
    fn the_filter_of_an_end_finds_its_relationships_only() {
        let (joe, ann) = (end("user", "joe", "manager"), end("user", "ann", "reports"));
        let row = serde_json::to_value(Row::new(joe.clone(), ann.clone(), Map::new())).unwrap();
        let matches = |end: &End| {
            let filter = end.filter();
            host_resource::filter::Matcher::new(&filter).matches_bytes(row.to_string().as_bytes(), "x", "1")
        };
        assert!(matches(&joe) && matches(&ann));
        assert!(!matches(&end("user", "JOE", "manager")) && !matches(&end("user", "joe", "reports")));
    }
}
