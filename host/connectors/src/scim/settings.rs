//! `configurationProperties` of the SCIM connector, in the platform's words. An option that would change what happens and
//! is not supported is refused, unless it says what happens anyway.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use host_model::Invalid;
use host_model::members::Members;
use rustls::ClientConfig;
use serde_json::Value;
use url::Url;

use crate::options::{self, flag, whole};
use crate::tls;

/// Values of these change nothing: they tune the platform's HTTP client.
const WITHOUT_MEANING: [&str; 4] = [
    "maximumConnections",
    "connectionTimeout",
    "disableHttpCompression",
    "readSchema",
];
/// These are not supported: only what they are without being said is accepted.
const UNSUPPORTED: [(&str, &str); 12] = [
    (
        "acceptSelfSignedCertificates",
        "certificates are always checked: put the one to trust into trustedCertificates",
    ),
    (
        "disableHostNameVerifier",
        "the name in a certificate is always checked: address the server by it",
    ),
    ("clientCertAlias", "certificates of clients are not supported"),
    ("clientCertPassword", "certificates of clients are not supported"),
    ("httpProxyHost", "proxies are not supported"),
    ("httpProxyPort", "proxies are not supported"),
    ("httpProxyUsername", "proxies are not supported"),
    ("httpProxyPassword", "proxies are not supported"),
    (
        "readRateLimit",
        "rates are not limited here: poolConfigOption.maxObjects limits calls at once, and Retry-After is heeded",
    ),
    (
        "writeRateLimit",
        "rates are not limited here: poolConfigOption.maxObjects limits calls at once, and Retry-After is heeded",
    ),
    (
        "refreshToken",
        "a refresh token is not supported: use the grant client_credentials",
    ),
    ("login", "this is not supported: write user"),
];
const SUPPORTED: [&str; 14] = [
    "SCIMEndpoint",
    "SCIMVersion",
    "authenticationMethod",
    "user",
    "password",
    "authToken",
    "authorizationTokenPrefix",
    "tokenEndpoint",
    "clientId",
    "clientSecret",
    "grantType",
    "scope",
    "useBasicAuthForOauthTokenNeg",
    "trustedCertificates",
];

/// How a service is reached.
pub(crate) struct Settings {
    /// What all addresses begin with; its path ends without a slash.
    pub(super) endpoint: Url,
    pub(super) access: Access,
    pub(super) tls: Arc<ClientConfig>,
}

impl fmt::Debug for Settings {
    /// Without credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("endpoint", &self.endpoint.as_str())
            .finish_non_exhaustive()
    }
}

/// What lets us in.
pub(super) enum Access {
    /// The same header always, and the secrets in it.
    Fixed { header: String, secrets: Vec<String> },
    /// A token that a token endpoint gives.
    OAuth(OAuth),
}

/// How a token is asked for (RFC 6749, 4.4).
pub(super) struct OAuth {
    pub(super) endpoint: Url,
    pub(super) client: String,
    pub(super) secret: String,
    pub(super) scope: Option<String>,
    /// Whether the client says who it is in a header, not in the body.
    pub(super) is_basic: bool,
    /// The word before a token.
    pub(super) prefix: String,
}

impl Settings {
    /// Reads `configurationProperties`; secrets are open already.
    pub(crate) fn parse(properties: &Value) -> Result<Self, Invalid> {
        let members = options::read(
            properties,
            [&SUPPORTED, &UNSUPPORTED.map(|(name, _)| name), &WITHOUT_MEANING],
        )?;
        options::refuse(&members, UNSUPPORTED.map(|(name, why)| (name, format!("{why};"))))?;
        if whole(&members, "SCIMVersion", 1, 2)? == Some(1) {
            return Err(members.invalid("SCIMVersion", "only version 2 is supported"));
        }
        Ok(Self {
            endpoint: address(
                &members,
                "SCIMEndpoint",
                "where the service is, such as https://example.com/scim/v2",
            )?,
            access: access(&members)?,
            tls: tls::client(&members)?,
        })
    }
}

fn access(members: &Members<'_>) -> Result<Access, Invalid> {
    let prefix = members.text("authorizationTokenPrefix")?.unwrap_or("Bearer");
    if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(members.invalid("authorizationTokenPrefix", "a word such as Bearer is expected"));
    }
    match members.text("authenticationMethod")?.unwrap_or("OAUTH") {
        "BASIC" => {
            let user = visible(members, "user", "the name that the service knows")?;
            let password = members.require_text("password", "it belongs to user")?;
            if user.contains(':') {
                return Err(members.invalid("user", "a colon cannot be in it: HTTP ends the name there"));
            }
            let both = BASE64.encode(format!("{user}:{password}"));
            Ok(Access::Fixed {
                header: format!("Basic {both}"),
                secrets: vec![password.to_owned(), both],
            })
        }
        "TOKEN" => {
            let token = visible(members, "authToken", "the token that the service gave out")?;
            Ok(Access::Fixed {
                header: format!("{prefix} {token}"),
                secrets: vec![token.to_owned()],
            })
        }
        "OAUTH" => {
            if members
                .text("grantType")?
                .is_some_and(|grant| grant != "client_credentials")
            {
                return Err(members.invalid("grantType", "only client_credentials is supported"));
            }
            Ok(Access::OAuth(OAuth {
                endpoint: address(
                    members,
                    "tokenEndpoint",
                    "where tokens are given, such as https://example.com/token",
                )?,
                client: visible(members, "clientId", "the name of the client")?.to_owned(),
                secret: visible(members, "clientSecret", "the secret of the client")?.to_owned(),
                scope: members
                    .text("scope")?
                    .filter(|scope| !scope.is_empty())
                    .map(str::to_owned),
                is_basic: !members.has("useBasicAuthForOauthTokenNeg")
                    || flag(members, "useBasicAuthForOauthTokenNeg")?,
                prefix: prefix.to_owned(),
            }))
        }
        _ => Err(members.invalid("authenticationMethod", "write OAUTH, BASIC or TOKEN")),
    }
}

/// A text that can stand in a header.
fn visible<'a>(members: &Members<'a>, name: &str, what: &str) -> Result<&'a str, Invalid> {
    let text = members.require_text(name, what)?;
    if text.bytes().any(|byte| !byte.is_ascii_graphic() && byte != b' ') {
        return Err(members.invalid(name, "visible characters of ASCII are expected"));
    }
    Ok(text)
}

fn address(members: &Members<'_>, name: &str, what: &str) -> Result<Url, Invalid> {
    let text = members.require_text(name, what)?;
    let wrong = |message: &str| members.invalid(name, message.to_owned());
    let mut url = Url::parse(text).map_err(|error| members.invalid(name, format!("this is no address: {error}")))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(wrong("an address with https:// or http:// is expected"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "a name or a password cannot be in an address: write them as options",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("an address without ? and # is expected"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What the platform's sample says, for version 2.
    fn sample() -> Value {
        json!({
            "SCIMEndpoint": "https://example.com/scim/", "SCIMVersion": "2", "authenticationMethod": "OAUTH",
            "user": null, "password": null, "tokenEndpoint": "https://example.com/oauth2/token",
            "clientId": "c", "clientSecret": "hidden", "acceptSelfSignedCertificates": false,
            "disableHostNameVerifier": false, "maximumConnections": "10", "httpProxyHost": null,
            "httpProxyPort": null, "grantType": "client_credentials", "authorizationTokenPrefix": "Bearer",
            "useBasicAuthForOauthTokenNeg": true, "readRateLimit": null
        })
    }

    #[test]
    fn an_existing_configuration_of_a_scim_service_is_read() {
        let settings = Settings::parse(&sample()).unwrap();
        assert_eq!(settings.endpoint.as_str(), "https://example.com/scim");
        assert!(matches!(&settings.access, Access::OAuth(oauth) if oauth.is_basic && oauth.prefix == "Bearer"));
        assert!(!format!("{settings:?}").contains("hidden"));
    }

    #[test]
    fn what_a_scim_service_cannot_be_told_is_refused_by_name() {
        let check = |name: &str, value: Value, expected: &str| {
            let mut properties = sample();
            properties[name] = value;
            let error = Settings::parse(&properties).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("/configurationProperties/{name}: {expected}")),
                "{error}"
            );
            assert!(!error.contains("hidden"), "{error}");
        };
        check(
            "SCIMEndpont",
            json!("x"),
            "unknown property 'SCIMEndpont'; did you mean 'SCIMEndpoint'?",
        );
        check("SCIMEndpoint", json!(null), "'SCIMEndpoint' is required");
        check("SCIMEndpoint", json!("ftp://a/b"), "an address with https://");
        check("SCIMEndpoint", json!("nowhere"), "this is no address");
        check("SCIMEndpoint", json!("https://joe:hidden@a/"), "a name or a password");
        check("SCIMEndpoint", json!("https://a/?b=c"), "an address without");
        check("SCIMVersion", json!(1), "only version 2");
        check("SCIMVersion", json!(3), "a whole number from 1 to 2");
        check(
            "acceptSelfSignedCertificates",
            json!(true),
            "certificates are always checked",
        );
        check("disableHostNameVerifier", json!("true"), "the name in a certificate");
        check("httpProxyHost", json!("proxy"), "proxies are not supported");
        check("clientCertAlias", json!("me"), "certificates of clients");
        check("writeRateLimit", json!("1/sec"), "rates are not limited");
        check("grantType", json!("refresh_token"), "only client_credentials");
        check("authenticationMethod", json!("NONE"), "write OAUTH, BASIC or TOKEN");
        check("tokenEndpoint", json!(null), "'tokenEndpoint' is required");
        check("clientSecret", json!("hidden\n"), "visible characters");
        check("trustedCertificates", json!("hid"), "a certificate in PEM");
        let mut properties = sample();
        properties["authenticationMethod"] = json!("BASIC");
        properties["user"] = json!("a:b");
        properties["password"] = json!("hidden");
        let error = Settings::parse(&properties).unwrap_err().to_string();
        assert!(error.starts_with("/configurationProperties/user: a colon"), "{error}");
    }
}
