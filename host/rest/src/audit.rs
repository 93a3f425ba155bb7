//! What the audit is told of a request: behaviour 8.4. Of its headers only those that are known to hold no secret, and
//! nothing of its query string, whose filters hold what people are called.

use std::net::SocketAddr;
use std::sync::Arc;

use host_model::audit::{Audit, Event, Topic};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::rest::Seen;

/// The headers that are told.
const TOLD: [&str; 7] = [
    "accept-api-version",
    "content-type",
    "host",
    "if-match",
    "if-none-match",
    "user-agent",
    "x-forwarded-for",
];

/// Longer texts from clients are cut.
const MAX_TEXT: usize = 512;

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The name that somebody signs in with, right or not.
const PRINCIPAL: &str = "x-openidm-username";

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(cut(headers.get(name)?.to_str().ok()?).to_owned())
}

/// Takes from the headers what is told.
fn shown(headers: &HeaderMap) -> Map<String, Value> {
    let one = |name: &&str| Some(((*name).to_owned(), json!([text(headers, name)?])));
    TOLD.iter().filter_map(one).collect()
}

/// A request that was answered.
pub(crate) struct Told<'a> {
    pub(crate) transaction: &'a Arc<str>,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) status: u16,
    pub(crate) elapsed_ms: i64,
}

impl Told<'_> {
    /// Tells it: as an access, or as somebody who did not get in.
    pub(crate) fn tell(&self, audit: &dyn Audit, seen: &Seen) {
        if seen.caller.is_none() {
            // Who shows no credentials has not tried to get in.
            if !self.headers.contains_key(PRINCIPAL) && !self.headers.contains_key(AUTHORIZATION) {
                return;
            }
            audit.note(self.refused_entry());
            return;
        }
        // What was not understood may have been meant to write.
        let is_write = seen.operation.as_ref().is_none_or(|operation| operation.is_write());
        if audit.wants_access(is_write) {
            audit.note(self.access(seen));
        }
    }

    fn refused_entry(&self) -> Event {
        let mut members = Map::new();
        members.insert("principal".to_owned(), json!([text(self.headers, PRINCIPAL)]));
        members.insert("result".to_owned(), json!("FAILED"));
        members.insert("client".to_owned(), self.client());
        members.insert("http".to_owned(), self.http());
        members.insert("response".to_owned(), self.response());
        members.insert("component".to_owned(), json!("rest"));
        Event {
            topic: Topic::Authentication,
            name: "authentication",
            transaction: Arc::clone(self.transaction),
            user: None,
            members,
        }
    }

    fn access(&self, seen: &Seen) -> Event {
        let operation = seen.operation.as_ref().map(|operation| operation.name());
        let mut request = json!({"protocol": "CREST", "operation": operation});
        if let Some(crate::request::Operation::Action(name)) = &seen.operation {
            request["detail"] = json!({"action": cut(name)});
        }
        let mut members = Map::new();
        members.insert("client".to_owned(), self.client());
        members.insert("http".to_owned(), self.http());
        members.insert("request".to_owned(), request);
        members.insert("response".to_owned(), self.response());
        members.insert("component".to_owned(), json!("rest"));
        Event {
            topic: Topic::Access,
            name: "access",
            transaction: Arc::clone(self.transaction),
            user: seen.caller.clone(),
            members,
        }
    }

    fn client(&self) -> Value {
        json!({"ip": self.peer.map(|peer| peer.ip().to_string()), "port": self.peer.map(|peer| peer.port())})
    }

    fn http(&self) -> Value {
        let (method, path, headers) = (self.method.as_str(), cut(self.path), shown(self.headers));
        json!({"request": {"method": method, "path": path, "headers": headers}})
    }

    fn response(&self) -> Value {
        let is_good = self.status < 400;
        let mut response = json!({
            "status": if is_good { "SUCCESSFUL" } else { "FAILED" },
            "statusCode": self.status.to_string(),
            "elapsedTime": self.elapsed_ms,
            "elapsedTimeUnits": "MILLISECONDS",
        });
        let reason = StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason());
        if let Some(reason) = reason.filter(|_| !is_good) {
            response["detail"] = json!({"reason": reason});
        }
        response
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn headers_with_secrets_are_not_told() {
        let mut headers = HeaderMap::new();
        for name in ["authorization", "x-openidm-password", "cookie", "x-own"] {
            headers.insert(name, HeaderValue::from_static("hunter2"));
        }
        headers.insert("user-agent", HeaderValue::try_from("x".repeat(600)).unwrap());
        headers.insert("x-openidm-username", HeaderValue::from_static("joe"));
        let told = shown(&headers);
        assert_eq!(Value::Object(told), json!({"user-agent": ["x".repeat(MAX_TEXT)]}));
        assert_eq!(text(&headers, PRINCIPAL).as_deref(), Some("joe"));
    }
}
