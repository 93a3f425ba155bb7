//! Calls to a service: let in, sent to its own address and nowhere else, and what its answers mean (RFC 7644, 3.12).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use host_model::clock::Clock;
use host_model::secrets::MASK;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use super::access::Keyring;
use super::settings::Settings;
use crate::error::Error;
use crate::http::{Answer, Call, HttpClient, origin};

/// A longer answer (bytes) is refused.
const MAX_ANSWER: usize = 16 << 20;
/// So many redirects within the service are followed.
const MAX_REDIRECTS: usize = 3;
/// What a service says of an error is cut here (bytes).
const MAX_DETAIL: usize = 500;
/// For how long a service that has had enough is left alone when it does not say.
const REST: Duration = Duration::from_secs(5);

/// What an id or a value is made to in an address: everything but what needs no encoding.
const ENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A service, as far as calls are concerned.
pub(super) struct Client {
    http: HttpClient,
    endpoint: Url,
    keyring: Keyring,
    clock: Arc<dyn Clock>,
}

/// What a service answered.
#[derive(Debug)]
pub(super) struct Reply {
    /// Null where there was no body.
    pub(super) body: Value,
    /// What `If-Match` takes.
    pub(super) etag: Option<String>,
}

/// What a call is about, for a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    /// The object.
    pub(super) object: &'a str,
    /// A secret that was sent, which a message must not repeat.
    pub(super) secret: Option<&'a str>,
}

/// A path below the service's address, each element encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path(String);

impl Path {
    /// The path of a collection, as [`super::provider`] checked it.
    pub(super) fn collection(endpoint: &str) -> Self {
        Self(endpoint.to_owned())
    }

    /// The path of an object; none for what cannot be an id in a path.
    pub(super) fn object(&self, id: &str) -> Option<Self> {
        let is_step = matches!(id, "" | "." | "..");
        (!is_step).then(|| Self(format!("{}/{}", self.0, utf8_percent_encode(id, &ENCODED))))
    }
}

impl Client {
    pub(super) fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self {
            http: HttpClient::new(settings.tls, Arc::clone(&clock)),
            endpoint: settings.endpoint,
            keyring: Keyring::new(settings.access),
            clock,
        }
    }

    /// Reads.
    pub(super) async fn get(&self, path: &Path, parameters: &[(&str, &str)], about: About<'_>) -> Result<Reply, Error> {
        let mut url = self.address(path);
        if !parameters.is_empty() {
            let query: Vec<String> = parameters
                .iter()
                .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, &ENCODED)))
                .collect();
            url.set_query(Some(&query.join("&")));
        }
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.let_in(Method::GET, &url, &HeaderMap::new(), &Bytes::new()).await?;
            let Some(elsewhere) = self.redirect(&url, &answer)? else {
                return self.reply(answer, about).await;
            };
            url = elsewhere;
        }
        Err(Error::Failed("it redirects again and again".to_owned()))
    }

    /// Writes. A version makes the service refuse to overwrite what others changed.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &Path,
        version: Option<&str>,
        body: Option<&Value>,
        about: About<'_>,
    ) -> Result<Reply, Error> {
        let mut headers = HeaderMap::new();
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
        }
        if let Some(version) = version.and_then(|version| HeaderValue::from_str(version).ok()) {
            headers.insert(IF_MATCH, version);
        }
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let answer = self.let_in(method, &self.address(path), &headers, &body).await?;
        if answer.status.is_redirection() {
            return Err(Error::Failed("it redirects a write, which is not followed".to_owned()));
        }
        self.reply(answer, about).await
    }

    fn address(&self, path: &Path) -> Url {
        let mut url = self.endpoint.clone();
        url.set_path(&format!("{}{}", self.endpoint.path().trim_end_matches('/'), path.0));
        url
    }

    /// Sends with what lets us in; once more with a new token if the one at hand is not good any more.
    async fn let_in(&self, method: Method, url: &Url, headers: &HeaderMap, body: &Bytes) -> Result<Answer, Error> {
        for is_last in [false, true] {
            let key = self.keyring.key(&self.http, self.clock.as_ref()).await?;
            let mut headers = headers.clone();
            headers.insert(
                ACCEPT,
                HeaderValue::from_static("application/scim+json, application/json"),
            );
            headers.insert(AUTHORIZATION, key.header.clone());
            let call = Call {
                method: method.clone(),
                url: url.clone(),
                headers,
                body: body.clone(),
                limit: MAX_ANSWER,
            };
            let answer = self.http.send(call).await?;
            if answer.status == StatusCode::UNAUTHORIZED && !is_last && self.keyring.drop_token(&key).await {
                continue;
            }
            return Ok(answer);
        }
        Err(Error::OwnCredentials)
    }

    /// Where an answer sends us to, if that is the service itself. Whoever is elsewhere gets no credentials of ours.
    fn redirect(&self, from: &Url, answer: &Answer) -> Result<Option<Url>, Error> {
        if !matches!(answer.status.as_u16(), 301 | 302 | 307 | 308) {
            return Ok(None);
        }
        let refused = || Error::Failed("it redirects to another server, which is not followed".to_owned());
        let location = header(answer, LOCATION).ok_or_else(refused)?;
        let to = from.join(location).map_err(|_| refused())?;
        let is_within = origin(&to) == origin(&self.endpoint) && to.username().is_empty() && to.password().is_none();
        if is_within { Ok(Some(to)) } else { Err(refused()) }
    }

    async fn reply(&self, answer: Answer, about: About<'_>) -> Result<Reply, Error> {
        if !answer.status.is_success() {
            return Err(self.refused(&answer, about).await);
        }
        let etag = header(&answer, ETAG).map(str::to_owned);
        if answer.body.is_empty() {
            return Ok(Reply {
                body: Value::Null,
                etag,
            });
        }
        let body = serde_json::from_slice(&answer.body).map_err(|error| {
            Error::Failed(format!(
                "its answer is no JSON (line {}, column {})",
                error.line(),
                error.column()
            ))
        })?;
        Ok(Reply { body, etag })
    }

    /// What an answer other than success means.
    async fn refused(&self, answer: &Answer, about: About<'_>) -> Error {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = match body["detail"].as_str() {
            Some(detail) => self.shown(detail, about).await,
            None => format!("it answers {}", answer.status),
        };
        let kind = body["scimType"].as_str().unwrap_or_default();
        let object = || about.object.to_owned();
        match answer.status.as_u16() {
            400 if kind.eq_ignore_ascii_case("invalidFilter") => Error::Unsupported(text),
            400 if kind.eq_ignore_ascii_case("tooMany") => Error::TooLarge(text),
            400 if kind.eq_ignore_ascii_case("uniqueness") => Error::Exists(object()),
            400 | 422 => Error::Invalid(text),
            401 => Error::OwnCredentials,
            403 => Error::Denied(text),
            404 => Error::Missing(object()),
            405 | 501 => Error::Unsupported(text),
            409 => Error::Exists(object()),
            412 | 428 => Error::Changed("others changed the object meanwhile".to_owned()),
            413 | 414 => Error::TooLarge(text),
            429 => Error::Throttled(answer.retry_after(self.clock.now()).unwrap_or(REST)),
            503 => match answer.retry_after(self.clock.now()) {
                Some(rest) => Error::Throttled(rest),
                None => Error::Ill(text),
            },
            502 | 504 => Error::Ill(text),
            _ => Error::Failed(text),
        }
    }

    /// What a service says, without what it has of us.
    async fn shown(&self, text: &str, about: About<'_>) -> String {
        let mut text = text.to_owned();
        let own = self.keyring.secrets().await;
        let secrets = own.iter().map(String::as_str).chain(about.secret);
        for secret in secrets.filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, MASK);
        }
        text.truncate(text.floor_char_boundary(MAX_DETAIL));
        text
    }
}

fn header(answer: &Answer, name: HeaderName) -> Option<&str> {
    answer.headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_element_of_a_path() {
        let users = Path::collection("/Users");
        let check = |id: &str, expected: Option<&str>| {
            assert_eq!(users.object(id).map(|path| path.0).as_deref(), expected, "{id}");
        };
        check("2819c223-7f76", Some("/Users/2819c223-7f76"));
        check("../Groups/1", Some("/Users/..%2FGroups%2F1"));
        check("a?b#c d", Some("/Users/a%3Fb%23c%20d"));
        check("%2e%2e", Some("/Users/%252e%252e"));
        check("ü@x", Some("/Users/%C3%BC%40x"));
        check("..", None);
        check(".", None);
        check("", None);
    }
}
