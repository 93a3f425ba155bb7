//! Which HTTP method a request means.

use host_resource::{Code, Problem};
use http::{HeaderMap, HeaderName};

use super::headers::single;

/// The methods that the language knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Put,
    Post,
    Patch,
    Delete,
    Options,
}

/// What `OPTIONS` answers. Which of them a resource supports only the resource knows; it answers 501 to the others.
pub(crate) const ALLOW: &str = "GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS";

const OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

const METHODS: [(&str, Method); 7] = [
    ("GET", Method::Get),
    ("HEAD", Method::Head),
    ("PUT", Method::Put),
    ("POST", Method::Post),
    ("PATCH", Method::Patch),
    ("DELETE", Method::Delete),
    ("OPTIONS", Method::Options),
];

impl Method {
    /// The method of the request line, or the one that `X-HTTP-Method-Override` puts in the place of a `POST`.
    pub(crate) fn of(method: &http::Method, headers: &HeaderMap) -> Result<Self, Problem> {
        let written = Self::named(method.as_str())?;
        match single(headers, &OVERRIDE)? {
            Some(replacement) if written == Self::Post => {
                match Self::named(&replacement.to_ascii_uppercase())? {
                    // On the wire it stays a POST, whose answer has a body.
                    Self::Head => Ok(Self::Get),
                    other => Ok(other),
                }
            }
            _ => Ok(written),
        }
    }

    fn named(name: &str) -> Result<Self, Problem> {
        let found = METHODS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, method)| *method);
        found.ok_or_else(|| {
            Problem::new(Code::UNSUPPORTED, "this method is not implemented").with_detail("allowed", ALLOW)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_post_can_be_overridden_and_unknown_methods_are_not_implemented() {
        let check = |method: &str, replacement: Option<&str>, expected: Result<Method, u16>| {
            let mut headers = HeaderMap::new();
            if let Some(replacement) = replacement {
                headers.insert(OVERRIDE, replacement.parse().unwrap());
            }
            let method = http::Method::from_bytes(method.as_bytes()).unwrap();
            let found = Method::of(&method, &headers).map_err(|problem| problem.code.number());
            assert_eq!(found, expected, "{method} {replacement:?}");
        };
        check("GET", None, Ok(Method::Get));
        check("HEAD", None, Ok(Method::Head));
        check("OPTIONS", None, Ok(Method::Options));
        check("POST", Some("PATCH"), Ok(Method::Patch));
        check("POST", Some("put"), Ok(Method::Put));
        check("POST", Some("HEAD"), Ok(Method::Get));
        check("POST", Some("TRACE"), Err(501));
        check("POST", Some(""), Err(501));
        check("GET", Some("DELETE"), Ok(Method::Get));
        check("TRACE", None, Err(501));
        let mut twice = HeaderMap::new();
        twice.append(OVERRIDE, "PUT".parse().unwrap());
        twice.append(OVERRIDE, "DELETE".parse().unwrap());
        assert_eq!(Method::of(&http::Method::POST, &twice).unwrap_err().code.number(), 400);
        check("PROPFIND", None, Err(501));
    }
}
