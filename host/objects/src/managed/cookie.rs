//! Where a page ended, as opaque text for the client. It carries a checksum over the query that it belongs to, so that
//! a cookie of another query, or one that was made up, is told from a good one. The checksum keeps mistakes out, not
//! attackers: whoever forges one gets a page of what they may query anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use host_resource::Problem;
use host_store::{Collection, Cursor};
use serde_json::Value;

use super::order::Rank;

/// The first byte of a cookie. It changes whenever the meaning of the rest does.
const VERSION: u8 = 1;
/// Longer cookies (characters) are refused unread: a rank has at most sixteen short values, a cursor less.
const MAX_COOKIE: usize = 64 * 1024;

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

/// The cookie does not belong to the query, or is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the paged results cookie does not belong to this query: repeat the query without it, or the way it was when it gave the cookie"
)]
pub(super) struct CookieError;

/// What all pages of one query have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueryMark(Fnv);

impl QueryMark {
    /// The mark of a query on a collection, told from others by the canonical texts of what it asks for.
    pub(super) fn new(collection: &Collection, question: &[&str]) -> Self {
        Self(
            question
                .iter()
                .fold(Fnv::START.with(collection.name().as_bytes()), |sum, part| {
                    sum.with(part.as_bytes())
                }),
        )
    }

    /// The cookie for a position in this query.
    pub(super) fn seal(self, position: &Position) -> String {
        let (kind, payload) = match position {
            Position::Own(id) => (b'o', id.as_bytes().to_vec()),
            Position::Stored(cursor) => (b'c', cursor.as_bytes().to_vec()),
            Position::Sorted(rank) => (b's', rank.to_json().to_string().into_bytes()),
        };
        let mut bytes = vec![VERSION];
        bytes.extend(self.checksum(kind, &payload));
        bytes.push(kind);
        bytes.extend(payload);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position in a cookie that this query gave.
    pub(super) fn open(self, cookie: &str) -> Result<Position, CookieError> {
        if cookie.len() > MAX_COOKIE {
            return Err(CookieError);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cookie).map_err(|_| CookieError)?;
        let (&version, rest) = bytes.split_first().ok_or(CookieError)?;
        let (checksum, rest) = rest.split_first_chunk::<8>().ok_or(CookieError)?;
        let (&kind, payload) = rest.split_first().ok_or(CookieError)?;
        if version != VERSION || *checksum != self.checksum(kind, payload) {
            return Err(CookieError);
        }
        match kind {
            b'o' => Ok(Position::Own(
                String::from_utf8(payload.to_vec()).map_err(|_| CookieError)?,
            )),
            b'c' => Ok(Position::Stored(Cursor::from_bytes(payload.to_vec()))),
            b's' => {
                let rank: Value = serde_json::from_slice(payload).map_err(|_| CookieError)?;
                Rank::from_json(rank).map(Position::Sorted).ok_or(CookieError)
            }
            _ => Err(CookieError),
        }
    }

    fn checksum(self, kind: u8, payload: &[u8]) -> [u8; 8] {
        let Fnv(sum) = self.0.with(&[kind]).with(payload);
        sum.to_be_bytes()
    }
}

/// FNV-1a, 64 bits: small, and the same in every build and on every machine, as cookies outlive both.
#[derive(Clone, Copy, Debug)]
struct Fnv(u64);

impl Fnv {
    const START: Self = Self(0xcbf2_9ce4_8422_2325);

    /// With a further part. Its length goes in as well, so that parts do not run into each other.
    fn with(self, part: &[u8]) -> Self {
        let length = (part.len() as u64).to_be_bytes();
        let add = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(length.iter().chain(part).fold(self.0, add))
    }
}

impl From<CookieError> for Problem {
    fn from(error: CookieError) -> Self {
        Self::bad_request(error.to_string())
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
        let mark = mark("managed/user", "true");
        for position in positions() {
            let cookie = mark.seal(&position);
            for at in 0..cookie.len() {
                let mut forged = cookie.clone().into_bytes();
                forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
                let forged = String::from_utf8(forged).unwrap();
                assert_eq!(mark.open(&forged), Err(CookieError), "{forged}");
                assert_eq!(mark.open(&cookie[..at]), Err(CookieError), "{at}");
            }
        }
        for forged in ["", "1", "not a cookie", "%%%", "é", "AQ", &"A".repeat(MAX_COOKIE + 4)] {
            assert_eq!(mark.open(forged), Err(CookieError), "{forged}");
        }
    }
}
