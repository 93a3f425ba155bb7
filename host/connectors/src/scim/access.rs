//! What lets us in: a header that stays the same, or a token that a token endpoint gives for a while (RFC 6749, 4.4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use host_model::clock::{Clock, Timestamp};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use tokio::sync::Mutex;
use url::form_urlencoded;

use super::settings::{Access, OAuth};
use crate::error::Error;
use crate::http::{Call, HttpClient};

/// A longer answer of a token endpoint (bytes) is refused.
const MAX_ANSWER: usize = 64 << 10;
/// A token is not used in the last seconds that it has.
const MARGIN: chrono::Duration = chrono::Duration::seconds(30);
/// How long a token is used that does not say how long it is good.
const LIFE: i64 = 300;
/// The longest life of a token (seconds) that is believed.
const LONGEST_LIFE: i64 = 24 * 3600;

/// The credentials of one system.
pub(super) struct Keyring {
    access: Access,
    token: Mutex<Option<Token>>,
}

struct Token {
    text: String,
    until: Timestamp,
}

/// What a call has with it.
pub(super) struct Key {
    pub(super) header: HeaderValue,
    /// The token in it, if it is one that can be had anew.
    token: Option<String>,
}

impl Keyring {
    pub(super) fn new(access: Access) -> Self {
        Self {
            access,
            token: Mutex::default(),
        }
    }

    /// The header that lets us in. One call at a time asks for a token.
    pub(super) async fn key(&self, http: &HttpClient, clock: &dyn Clock) -> Result<Key, Error> {
        let oauth = match &self.access {
            Access::Fixed { header, .. } => {
                return Ok(Key {
                    header: secret(header)?,
                    token: None,
                });
            }
            Access::OAuth(oauth) => oauth,
        };
        let mut held = self.token.lock().await;
        if held.as_ref().is_none_or(|token| token.until <= clock.now()) {
            *held = Some(oauth.token(http, clock).await?);
        }
        let token = held.as_ref().map(|token| token.text.clone()).unwrap_or_default();
        Ok(Key {
            header: secret(&format!("{} {token}", oauth.prefix))?,
            token: Some(token),
        })
    }

    /// Forgets a token that was not taken; whether another one can be had.
    pub(super) async fn drop_token(&self, key: &Key) -> bool {
        let Some(refused) = &key.token else { return false };
        let mut held = self.token.lock().await;
        // Another call may have got a new one already.
        if held.as_ref().is_some_and(|token| token.text == *refused) {
            *held = None;
        }
        true
    }

    /// All that must not be seen in a message.
    pub(super) async fn secrets(&self) -> Vec<String> {
        match &self.access {
            Access::Fixed { secrets, .. } => secrets.clone(),
            Access::OAuth(oauth) => {
                let held = self.token.lock().await;
                let token = held.as_ref().map(|token| token.text.clone());
                token.into_iter().chain([oauth.secret.clone(), oauth.basic()]).collect()
            }
        }
    }
}

impl OAuth {
    fn basic(&self) -> String {
        // Both are encoded as in a form before they are joined (RFC 6749, 2.3.1).
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        BASE64.encode(format!("{}:{}", encode(&self.client), encode(&self.secret)))
    }

    /// The call that asks for a token.
    fn call(&self) -> Result<Call, Error> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if self.is_basic {
            headers.insert(AUTHORIZATION, secret(&format!("Basic {}", self.basic()))?);
        } else {
            form.append_pair("client_id", &self.client);
            form.append_pair("client_secret", &self.secret);
        }
        Ok(Call {
            method: Method::POST,
            url: self.endpoint.clone(),
            headers,
            body: Bytes::from(form.finish()),
            limit: MAX_ANSWER,
        })
    }

    async fn token(&self, http: &HttpClient, clock: &dyn Clock) -> Result<Token, Error> {
        let answer = http.send(self.call()?).await?;
        match answer.status.as_u16() {
            200 => {}
            400 | 401 | 403 => return Err(Error::OwnCredentials),
            429 | 503 if answer.retry_after(clock.now()).is_some() => {
                return Err(Error::Throttled(answer.retry_after(clock.now()).unwrap_or_default()));
            }
            502..=504 => return Err(Error::Ill(format!("the token endpoint answers {}", answer.status))),
            _ => return Err(Error::Failed(format!("the token endpoint answers {}", answer.status))),
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = body["access_token"].as_str().filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| Error::Failed("the token endpoint gives no access_token".to_owned()))?;
        let life = body["expires_in"].as_i64().unwrap_or(LIFE).clamp(0, LONGEST_LIFE);
        Ok(Token {
            text: text.to_owned(),
            until: clock.now() + chrono::Duration::seconds(life) - MARGIN,
        })
    }
}

/// A header that is not shown.
fn secret(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Error::Failed("the credentials cannot stand in a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}
