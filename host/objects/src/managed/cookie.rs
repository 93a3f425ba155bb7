//! Where a page of managed objects ended, as a cookie of [`host_resource::mark`].

use host_resource::mark;
use host_store::{Collection, Cursor};
use serde_json::Value;

use super::order::Rank;

pub(super) use host_resource::mark::CookieError;

/// Where a page ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Position {
    /// Among what the unit of work itself wrote: behind the object of this id.
    Own(String),
    /// Behind a position of the store's scan.
    Stored(Cursor),
    /// In a sorted result: behind the object of this rank.
    Sorted(Rank),
}

/// What all pages of one query have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueryMark(mark::QueryMark);

impl QueryMark {
    /// The mark of a query on a collection, told from others by the canonical texts of what it asks for.
    pub(super) fn new(collection: &Collection, question: &[&str]) -> Self {
        let parts = std::iter::once(collection.name()).chain(question.iter().copied());
        Self(mark::QueryMark::new(parts))
    }

    /// The cookie for a position in this query.
    pub(super) fn seal(self, position: &Position) -> String {
        match position {
            Position::Own(id) => self.0.seal(b'o', id.as_bytes()),
            Position::Stored(cursor) => self.0.seal(b'c', cursor.as_bytes()),
            Position::Sorted(rank) => self.0.seal(b's', rank.to_json().to_string().as_bytes()),
        }
    }

    /// The position in a cookie that this query gave.
    pub(super) fn open(self, cookie: &str) -> Result<Position, CookieError> {
        let (kind, payload) = self.0.open(cookie)?;
        match kind {
            b'o' => Ok(Position::Own(String::from_utf8(payload).map_err(|_| CookieError)?)),
            b'c' => Ok(Position::Stored(Cursor::from_bytes(payload))),
            b's' => {
                let rank: Value = serde_json::from_slice(&payload).map_err(|_| CookieError)?;
                Rank::from_json(rank).map(Position::Sorted).ok_or(CookieError)
            }
            _ => Err(CookieError),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mark(collection: &str, filter: &str) -> QueryMark {
        QueryMark::new(&Collection::new(collection), &[filter, "+/name"])
    }

    fn positions() -> Vec<Position> {
        vec![
            Position::Own("bjensen/é".to_owned()),
            Position::Stored(Cursor::from_bytes(vec![0, 1, 254, 255])),
            Position::Stored(Cursor::from_bytes(Vec::new())),
            Position::Sorted(Rank::from_json(json!([["Ann", null, 4.5, true, [], {}], "bjensen"])).unwrap()),
        ]
    }

    #[test]
    fn a_cookie_gives_back_its_position() {
        let mark = mark("managed/user", "true");
        for position in positions() {
            assert_eq!(mark.open(&mark.seal(&position)), Ok(position));
        }
    }

    #[test]
    fn a_cookie_is_the_same_text_in_every_build() {
        let cookie = mark("managed/user", "true").seal(&Position::Own("a".to_owned()));
        assert_eq!(cookie, "AVTZa_kNXIq9b2E");
    }

    #[test]
    fn a_cookie_of_another_query_is_refused() {
        let given = mark("managed/user", "true");
        for other in [
            mark("managed/role", "true"),
            mark("managed/user", "false"),
            mark("managed/usert", "rue"),
        ] {
            for position in positions() {
                assert_eq!(other.open(&given.seal(&position)), Err(CookieError));
            }
        }
    }

    #[test]
    fn what_was_changed_or_made_up_is_refused() {
        let given = mark("managed/user", "true");
        for position in positions() {
            let cookie = given.seal(&position);
            for at in 0..cookie.len() {
                let mut forged = cookie.clone().into_bytes();
                forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
                let forged = String::from_utf8(forged).unwrap();
                assert_eq!(given.open(&forged), Err(CookieError), "{forged}");
                assert_eq!(given.open(&cookie[..at]), Err(CookieError), "{at}");
            }
        }
        for forged in [
            "",
            "1",
            "not a cookie",
            "%%%",
            "é",
            "AQ",
            &"A".repeat(host_resource::mark::MAX_COOKIE + 4),
        ] {
            assert_eq!(given.open(forged), Err(CookieError), "{forged}");
        }
    }
}
