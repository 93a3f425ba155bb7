//! The headers that change what is asked: conditions and versions.

use host_resource::{ApiVersion, Code, Problem};
use http::header::{
    ACCEPT, CONTENT_ENCODING, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE,
};
use http::{HeaderMap, HeaderValue};

/// What must be true of the resource, by `If-Match` or `If-None-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Nothing.
    Free,
    /// It exists; with a revision, it has this one.
    Match(Option<String>),
    /// It does not exist (`If-None-Match: *`).
    Absent,
    /// It has none of these revisions.
    NoneOf(Vec<String>),
}

impl Condition {
    /// Reads the four conditional headers. Dates are refused: resources have revisions, not times.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        for name in [IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE] {
            if headers.contains_key(&name) {
                return Err(Problem::conflict(format!(
                    "the header {name} is not supported: use if-match or if-none-match"
                )));
            }
        }
        match (single(headers, &IF_MATCH)?, single(headers, &IF_NONE_MATCH)?) {
            (None, None) => Ok(Self::Free),
            (Some(_), Some(_)) => Err(Problem::precondition_failed(
                "the headers if-match and if-none-match exclude each other",
            )),
            (Some("*"), None) => Ok(Self::Match(None)),
            (Some(tag), None) => Ok(Self::Match(Some(strong_tag(tag)?))),
            (None, Some("*")) => Ok(Self::Absent),
            (None, Some(tags)) => Ok(Self::NoneOf(tags.split(',').map(weak_tag).collect())),
        }
    }
}

/// `If-Match` compares strongly: a weak tag matches nothing.
fn strong_tag(tag: &str) -> Result<String, Problem> {
    if tag.starts_with("W/") {
        return Err(Problem::precondition_failed(
            "the header if-match has a weak tag, which matches nothing",
        ));
    }
    Ok(tag.trim_matches('"').to_owned())
}

fn weak_tag(tag: &str) -> String {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').to_owned()
}

/// Refuses a body that is encoded in a way that is not understood. One in gzip has been decoded, and its header taken
/// off, before anybody looks.
pub(crate) fn refuse_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    match single(headers, &CONTENT_ENCODING)? {
        None => Ok(()),
        Some(encoding) if encoding.eq_ignore_ascii_case("identity") => Ok(()),
        Some(encoding) => {
            let message =
                format!("the header content-encoding is '{encoding}': use gzip, in lower case, or leave it out");
            Err(Problem::new(Code::new(415), message).with_detail("header", "Content-Encoding"))
        }
    }
}

/// Whether a read is to go on as a stream of events: by `Accept: text/event-stream`.
pub(crate) fn wants_events(headers: &HeaderMap) -> bool {
    let types = headers.get_all(ACCEPT).iter().filter_map(visible);
    types.flat_map(|list| list.split(',')).any(|kind| {
        let mut parts = kind.split(';').map(str::trim);
        let is_events = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("text/event-stream"));
        is_events && !parts.any(|part| matches!(part, "q=0" | "q=0.0"))
    })
}

/// Which version of the protocol and of the resource's interface is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Versions {
    pub(crate) protocol: ApiVersion,
    /// None means the newest.
    pub(crate) resource: Option<ApiVersion>,
}

/// The newest protocol, and what a request without the header gets.
pub(crate) const PROTOCOL: ApiVersion = ApiVersion { major: 2, minor: 1 };

const ACCEPT_API_VERSION: HeaderName = HeaderName::from_static("accept-api-version");

impl Versions {
    /// Reads `Accept-API-Version: protocol=2.1,resource=1.0`.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        match single(headers, &ACCEPT_API_VERSION)? {
            None => Ok(Self {
                protocol: PROTOCOL,
                resource: None,
            }),
            Some(text) => Self::parse(text).ok_or_else(|| {
                let message = format!(
                    "the header accept-api-version is '{text}': write resource=1.0, protocol=2.1 or both with a comma \
                     between; the protocol is at most {}.{}",
                    PROTOCOL.major, PROTOCOL.minor
                );
                Problem::bad_request(message).with_detail("header", "Accept-API-Version")
            }),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (mut protocol, mut resource) = (None, None);
        for part in text.split(',') {
            let (name, version) = part.split_once('=')?;
            let slot = match name.trim() {
                "protocol" => &mut protocol,
                "resource" => &mut resource,
                _ => return None,
            };
            if slot.replace(parse_version(version.trim())?).is_some() {
                return None;
            }
        }
        let protocol = protocol.unwrap_or(PROTOCOL);
        let is_served = (1..=PROTOCOL.major).contains(&protocol.major) && protocol.minor <= PROTOCOL.minor;
        is_served.then_some(Self { protocol, resource })
    }
}

fn parse_version(text: &str) -> Option<ApiVersion> {
    let number = |digits: &str| {
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())
            .flatten()
    };
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    Some(ApiVersion {
        major: number(major)?,
        minor: number(minor)?,
    })
}

/// The value of a header that may be given once.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::bad_request(format!(
            "the header {name} is given more than once"
        )));
    }
    visible(value).map(Some).ok_or_else(|| {
        Problem::new(
            Code::BAD_REQUEST,
            format!("the header {name} holds what is no printable text"),
        )
    })
}

fn visible(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn events_are_wanted_by_name_only() {
        let check = |accept: &str, expected: bool| {
            assert_eq!(wants_events(&headers(&[("accept", accept)])), expected, "{accept}");
        };
        check("text/event-stream", true);
        check("application/json, Text/Event-Stream;q=0.5", true);
        check("text/event-stream;q=0", false);
        check("text/*", false);
        check("*/*", false);
        check("text/event-stream2", false);
        assert!(!wants_events(&HeaderMap::new()));
    }

    #[test]
    fn a_condition_is_one_header_with_or_without_quotes() {
        let check = |lines: &[(&'static str, &str)], expected: Result<Condition, u16>| {
            let found = Condition::of(&headers(lines)).map_err(|problem| problem.code.number());
            assert_eq!(found, expected, "{lines:?}");
        };
        check(&[], Ok(Condition::Free));
        check(&[("if-match", "*")], Ok(Condition::Match(None)));
        check(&[("if-match", "\"7\"")], Ok(Condition::Match(Some("7".to_owned()))));
        check(&[("if-match", "7")], Ok(Condition::Match(Some("7".to_owned()))));
        check(&[("if-match", "W/\"7\"")], Err(412));
        check(&[("if-match", "7"), ("if-match", "8")], Err(400));
        check(&[("if-none-match", "*")], Ok(Condition::Absent));
        check(
            &[("if-none-match", "\"7\"")],
            Ok(Condition::NoneOf(vec!["7".to_owned()])),
        );
        check(
            &[("if-none-match", "\"7\", W/\"8\"")],
            Ok(Condition::NoneOf(vec!["7".to_owned(), "8".to_owned()])),
        );
        check(&[("if-match", "7"), ("if-none-match", "*")], Err(412));
        check(&[("if-modified-since", "Wed, 21 Oct 2015 07:28:00 GMT")], Err(409));
        check(&[("if-unmodified-since", "Wed, 21 Oct 2015 07:28:00 GMT")], Err(409));
    }

    #[test]
    fn a_version_names_protocol_and_resource_in_any_order() {
        let version = |major, minor| ApiVersion { major, minor };
        let check = |text: &str, expected: Option<(ApiVersion, Option<ApiVersion>)>| {
            let found = Versions::of(&headers(&[("accept-api-version", text)]));
            let found = found.map(|versions| (versions.protocol, versions.resource));
            assert_eq!(
                found.map_err(|problem| problem.code),
                expected.ok_or(Code::BAD_REQUEST),
                "{text}"
            );
        };
        check("resource=2.0", Some((PROTOCOL, Some(version(2, 0)))));
        check("resource=1", Some((PROTOCOL, Some(version(1, 0)))));
        check("protocol=2.1,resource=1.0", Some((version(2, 1), Some(version(1, 0)))));
        check(
            "resource=1.1 , protocol=1.0",
            Some((version(1, 0), Some(version(1, 1)))),
        );
        check("protocol=2", Some((version(2, 0), None)));
        check("", None);
        check("2.0", None);
        check("resource=", None);
        check("resource=2.0.1", None);
        check("resource=+2", None);
        check("resource=two", None);
        check("Resource=2.0", None);
        check("resource=1.0,resource=2.0", None);
        check("resource=1.0,", None);
        check("protocol=3.0", None);
        check("protocol=2.2", None);
        check("protocol=0.1", None);
        check("resource=99999999999", None);
    }

    #[test]
    fn without_the_header_the_newest_is_meant() {
        assert_eq!(
            Versions::of(&HeaderMap::new()),
            Ok(Versions {
                protocol: PROTOCOL,
                resource: None
            })
        );
    }
}
