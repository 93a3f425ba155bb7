//! The cookies of paged results: opaque texts that carry a position and a checksum over the query that gave them, so that
//! a cookie of another query, or one that was made up, is told from a good one. The checksum keeps mistakes out, not
//! attackers: whoever forges one gets a page of what they may query anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::problem::Problem;

/// The first byte of a cookie. It changes whenever the meaning of the rest does.
const VERSION: u8 = 1;
/// Longer cookies (characters) are refused unread: a rank has at most sixteen short values, a cursor less.
pub const MAX_COOKIE: usize = 64 * 1024;

/// The cookie does not belong to the query, or is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the paged results cookie does not belong to this query: repeat the query without it, or the way it was when it gave the cookie"
)]
pub struct CookieError;

impl From<CookieError> for Problem {
    fn from(error: CookieError) -> Self {
        Self::bad_request(error.to_string()).with_detail("parameter", "_pagedResultsCookie")
    }
}

/// What all pages of one query have in common.
#[derive(Clone, Copy, Debug)]
pub struct QueryMark(Fnv);

impl QueryMark {
    /// The mark of a query, told from others by the canonical texts of what it asks, the name of its collection first.
    pub fn new<'a>(question: impl IntoIterator<Item = &'a str>) -> Self {
        Self(
            question
                .into_iter()
                .fold(Fnv::START, |sum, part| sum.with(part.as_bytes())),
        )
    }

    /// The cookie for a position in this query. The kind tells positions of different meaning apart.
    pub fn seal(self, kind: u8, position: &[u8]) -> String {
        let mut bytes = Vec::with_capacity(10 + position.len());
        bytes.push(VERSION);
        bytes.extend(self.checksum(kind, position));
        bytes.push(kind);
        bytes.extend(position);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The kind and the position in a cookie that this query gave.
    pub fn open(self, cookie: &str) -> Result<(u8, Vec<u8>), CookieError> {
        if cookie.len() > MAX_COOKIE {
            return Err(CookieError);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cookie).map_err(|_| CookieError)?;
        let (&version, rest) = bytes.split_first().ok_or(CookieError)?;
        let (checksum, rest) = rest.split_first_chunk::<8>().ok_or(CookieError)?;
        let (&kind, position) = rest.split_first().ok_or(CookieError)?;
        if version != VERSION || *checksum != self.checksum(kind, position) {
            return Err(CookieError);
        }
        Ok((kind, position.to_vec()))
    }

    fn checksum(self, kind: u8, position: &[u8]) -> [u8; 8] {
        let Fnv(sum) = self.0.with(&[kind]).with(position);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_gives_back_its_position_to_its_query_only() {
        let mark = QueryMark::new(["managed/user", "true", ""]);
        let cookie = mark.seal(b'o', b"joe");
        assert_eq!(mark.open(&cookie), Ok((b'o', b"joe".to_vec())));
        for other in [
            QueryMark::new(["managed/role", "true", ""]),
            QueryMark::new(["managed/user", "false", ""]),
            QueryMark::new(["managed/usert", "rue", ""]),
        ] {
            assert_eq!(other.open(&cookie), Err(CookieError));
        }
    }

    #[test]
    fn a_cookie_is_the_same_text_in_every_build() {
        let cookie = QueryMark::new(["managed/user", "true", "+/name"]).seal(b'o', b"a");
        assert_eq!(cookie, "AVTZa_kNXIq9b2E");
    }

    #[test]
    fn what_was_changed_or_made_up_is_refused() {
        let mark = QueryMark::new(["managed/user", "true", ""]);
        let cookie = mark.seal(b'n', b"12");
        for at in 0..cookie.len() {
            let mut forged = cookie.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(mark.open(&String::from_utf8(forged).unwrap()), Err(CookieError), "{at}");
            assert_eq!(mark.open(&cookie[..at]), Err(CookieError), "{at}");
        }
        for forged in ["", "1", "not a cookie", "%%%", "é", "AQ", &"A".repeat(MAX_COOKIE + 4)] {
            assert_eq!(mark.open(forged), Err(CookieError), "{forged}");
        }
    }
}
