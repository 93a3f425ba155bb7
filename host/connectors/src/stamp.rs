//! The token of a system that says of each object when it last changed: the last stamp and, as several objects may have
//! the same one, the digests of the objects with it that were handed over. An object that changes again under the same
//! stamp has another digest, so it is not lost.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::connector::{Delta, DeltaKind, Entry, SyncPage};
use crate::error::Error;

/// So many objects with one stamp are remembered. Of more, the last digest is: those before it count as handed over, also
/// one that changes under the same stamp once more.
const MAX_SEEN: usize = 10_000;

/// A place in the changes of a system. Stamps are compared as texts, and changes are handed over in the order of stamp and
/// digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The last stamp; empty before the first change.
    pub(crate) stamp: String,
    /// Digests of what was handed over with it.
    seen: BTreeSet<String>,
    /// Up to which digest everything was, where there are too many.
    through: Option<String>,
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
            through: value["through"].as_str().map(str::to_owned),
        })
    }

    /// The token.
    pub(crate) fn value(&self) -> Value {
        let mut value = json!({"stamp": self.stamp, "seen": self.seen});
        if let Some(through) = &self.through {
            value["through"] = through.as_str().into();
        }
        value
    }

    /// Whether an object with this stamp and digest was handed over.
    pub(crate) fn is_behind(&self, stamp: &str, digest: &str) -> bool {
        let is_through = self.through.as_deref().is_some_and(|through| digest <= through);
        stamp < self.stamp.as_str() || stamp == self.stamp && (is_through || self.seen.contains(digest))
    }

    /// Moves on behind an object.
    pub(crate) fn behind(&mut self, stamp: &str, digest: String) {
        if self.stamp != stamp {
            self.stamp = stamp.to_owned();
            self.seen.clear();
            self.through = None;
        }
        if self.seen.len() < MAX_SEEN {
            self.seen.insert(digest);
        } else if self.through.as_ref().is_none_or(|through| *through < digest) {
            self.through = Some(digest);
        }
    }
}

/// The oldest changes behind a token, of those that a system tells in an order of its own: as many as are handed over at
/// once, and one more.
pub(crate) struct Oldest<T> {
    token: Stamp,
    limit: usize,
    found: BTreeMap<(String, String), T>,
}

impl<T> Oldest<T> {
    /// At most so many behind this token.
    pub(crate) fn behind(token: Stamp, limit: usize) -> Self {
        Self {
            token,
            limit,
            found: BTreeMap::new(),
        }
    }

    /// Takes up a change, unless it was handed over before.
    pub(crate) fn offer(&mut self, stamp: String, digest: String, object: T) {
        if self.token.is_behind(&stamp, &digest) {
            return;
        }
        self.found.insert((stamp, digest), object);
        if self.found.len() > self.limit.saturating_add(1) {
            self.found.pop_last();
        }
    }

    /// What is handed over, each object as its entry.
    pub(crate) fn page(self, mut entry: impl FnMut(T) -> Result<Entry, Error>) -> Result<SyncPage, Error> {
        let Self {
            mut token,
            limit,
            found,
        } = self;
        let has_more = found.len() > limit;
        let mut deltas = Vec::with_capacity(found.len().min(limit));
        for ((stamp, digest), object) in found.into_iter().take(limit) {
            token.behind(&stamp, digest);
            let entry = entry(object)?;
            deltas.push(Delta {
                kind: DeltaKind::Update,
                uid: entry.uid.clone(),
                entry: Some(entry),
                token: token.value(),
            });
        }
        Ok(SyncPage {
            deltas,
            token: token.value(),
            has_more,
        })
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

    #[test]
    fn however_many_objects_have_one_stamp_each_is_handed_over_once() {
        let digests: Vec<String> = (0..MAX_SEEN * 2 + 500).map(|number| format!("{number:08}")).collect();
        let mut token = Stamp::default();
        let mut handed = Vec::new();
        loop {
            let page: Vec<_> = digests
                .iter()
                .filter(|digest| !token.is_behind("1", digest))
                .take(4_000)
                .collect();
            if page.is_empty() {
                break;
            }
            for digest in page {
                token.behind("1", digest.clone());
                handed.push(digest);
            }
            token = Stamp::parse(&token.value()).unwrap();
        }
        assert!(handed.into_iter().eq(&digests));
        assert!(!token.is_behind("2", "0"));
        token.behind("2", "0".to_owned());
        assert_eq!(token.value(), json!({"stamp": "2", "seen": ["0"]}));
    }
}
