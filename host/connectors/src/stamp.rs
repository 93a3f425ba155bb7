//! The token of a system that says of each object when it last changed: the last stamp and, as several objects may have
//! the same one, the digests of the objects with it that were handed over. An object that changes again under the same
//! stamp has another digest, so it is not lost.

use serde_json::{Value, json};

use crate::error::Error;

/// So many objects with one stamp are remembered; more are handed over once more.
pub(crate) const MAX_SEEN: usize = 10_000;

/// A place in the changes of a system. Stamps are compared as texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The last stamp; empty before the first change.
    pub(crate) stamp: String,
    /// Digests of what was handed over with it.
    pub(crate) seen: Vec<String>,
}

impl Stamp {
    /// Reads what [`Stamp::value`] wrote.
    pub(crate) fn parse(value: &Value) -> Result<Self, Error> {
        Self::read(value).ok_or_else(|| {
            Error::Position("the token is none of this connector: delete it, and run a reconciliation".to_owned())
        })
    }

    fn read(value: &Value) -> Option<Self> {
        let seen = value["seen"].as_array()?.iter();
        Some(Self {
            stamp: value["stamp"].as_str()?.to_owned(),
            seen: seen.filter_map(|digest| digest.as_str().map(str::to_owned)).collect(),
        })
    }

    /// The token.
    pub(crate) fn value(&self) -> Value {
        json!({"stamp": self.stamp, "seen": self.seen})
    }

    /// Whether an object with this stamp and digest was handed over.
    pub(crate) fn is_behind(&self, stamp: &str, digest: &str) -> bool {
        stamp < self.stamp.as_str() || stamp == self.stamp && self.seen.iter().any(|seen| seen == digest)
    }

    /// Moves on behind an object.
    pub(crate) fn behind(&mut self, stamp: &str, digest: String) {
        if self.stamp != stamp {
            self.stamp = stamp.to_owned();
            self.seen.clear();
        }
        if self.seen.len() < MAX_SEEN {
            self.seen.push(digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_over_the_wire_and_moves_on() {
        let mut token = Stamp::default();
        token.behind("1", "a".to_owned());
        token.behind("1", "b".to_owned());
        assert_eq!(token.value(), json!({"stamp": "1", "seen": ["a", "b"]}));
        assert!(token.is_behind("0", "c") && token.is_behind("1", "a") && !token.is_behind("1", "c"));
        token.behind("2", "c".to_owned());
        assert_eq!(Stamp::parse(&token.value()), Ok(token));
        assert!(Stamp::parse(&json!("1")).is_err());
    }
}
