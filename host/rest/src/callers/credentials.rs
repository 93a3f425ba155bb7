//! Who a request says it is from.
//!
//! Credentials are always headers that a foreign page cannot make a browser send without asking first: there is no
//! cookie, and a 401 never challenges for Basic, so no browser keeps one. The guard of behaviour 8.3 against forged
//! requests follows: a request without such a header has no caller.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_resource::Problem;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue};

use super::secret::Secret;

const USERNAME: HeaderName = HeaderName::from_static("x-openidm-username");
const PASSWORD: HeaderName = HeaderName::from_static("x-openidm-password");

/// What a request shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// A user name and a password.
    Password { user: String, password: Secret },
    /// A token.
    Token(Secret),
}

impl Credentials {
    /// Reads the headers. Nothing or nothing readable is 401; more than one credential is ambiguous, and 400: whoever
    /// guessed between them might act as somebody whom the client did not mean.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let user = single(headers, &USERNAME)?;
        let password = single(headers, &PASSWORD)?;
        let authorization = single(headers, &AUTHORIZATION)?;
        let found = match (user, password, authorization) {
            (Some(user), Some(password), None) => {
                text(user).zip(text(password)).map(|(user, password)| Self::Password {
                    user: user.to_owned(),
                    password: Secret::new(password),
                })
            }
            (None, None, Some(authorization)) => text(authorization).and_then(Self::of_authorization),
            (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => return Err(ambiguous()),
            (Some(_), None, None) | (None, Some(_), None) | (None, None, None) => None,
        };
        found.ok_or_else(Problem::unauthorized)
    }

    fn of_authorization(value: &str) -> Option<Self> {
        let (scheme, rest) = value.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self::Token(Secret::new(rest)));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        Some(Self::Password {
            user: user.to_owned(),
            password: Secret::new(password),
        })
    }
}

/// Header values are bytes; names and passwords beyond ASCII are UTF-8.
fn text(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok()
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Problem> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        Err(ambiguous())
    } else {
        Ok(value)
    }
}

fn ambiguous() -> Problem {
    Problem::bad_request(
        "the request has more than one credential: send X-OpenIDM-Username with X-OpenIDM-Password, or Authorization",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[(&'static str, &str)], expected: Result<Credentials, u16>) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let found = Credentials::of(&headers).map_err(|problem| problem.code.number());
        assert_eq!(found, expected, "{lines:?}");
    }

    fn password(user: &str, password: &str) -> Result<Credentials, u16> {
        Ok(Credentials::Password {
            user: user.to_owned(),
            password: Secret::new(password),
        })
    }

    #[test]
    fn each_way_to_say_who_one_is() {
        check(
            &[("x-openidm-username", "joe"), ("x-openidm-password", "a:b c")],
            password("joe", "a:b c"),
        );
        check(
            &[("x-openidm-username", "zoë"), ("x-openidm-password", "ünlü")],
            password("zoë", "ünlü"),
        );
        check(&[("authorization", "Basic am9lOmE6Yg==")], password("joe", "a:b"));
        check(&[("authorization", "basic am9lOg==")], password("joe", ""));
        check(
            &[("authorization", "Bearer tw_1_2")],
            Ok(Credentials::Token(Secret::new("tw_1_2"))),
        );
        check(
            &[("authorization", "BEARER  tw_1_2")],
            Ok(Credentials::Token(Secret::new("tw_1_2"))),
        );
    }

    #[test]
    fn nothing_or_half_of_it_is_unauthorized() {
        check(&[], Err(401));
        check(&[("x-openidm-username", "joe")], Err(401));
        check(&[("x-openidm-password", "secret")], Err(401));
        check(&[("authorization", "Bearer")], Err(401));
        check(&[("authorization", "Digest x")], Err(401));
        check(&[("authorization", "Basic !")], Err(401));
        check(&[("authorization", "Basic am9l")], Err(401));
        check(&[("authorization", "Basic /////w==")], Err(401));
    }

    #[test]
    fn more_than_one_credential_is_ambiguous() {
        let user = ("x-openidm-username", "joe");
        let secret = ("x-openidm-password", "secret");
        let bearer = ("authorization", "Bearer tw_1_2");
        check(&[user, secret, bearer], Err(400));
        check(&[user, bearer], Err(400));
        check(&[secret, bearer], Err(400));
        check(&[bearer, bearer], Err(400));
        check(&[user, user, secret], Err(400));
    }
}
