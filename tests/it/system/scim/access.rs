//! What lets us in, and who does not get to know it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::service::{Abilities, CLIENT, PASSWORD, SECRET, Service, TOKEN, Trouble, USER};
use super::{start, system};
use crate::harness::Server;
use crate::system::hanging::answer_of;
use crate::system::slapd::certificates;

fn oauth(port: u16) -> Value {
    json!({"authenticationMethod": "OAUTH", "tokenEndpoint": format!("http://127.0.0.1:{port}/token"),
        "clientId": CLIENT, "clientSecret": SECRET, "scope": "scim.read scim.write"})
}

#[test]
fn a_service_lets_in_whom_it_knows() {
    let service = Service::start(Abilities::default()).with_users(1);
    let with = |changes: Value, status: u16| {
        let server = start(&service, changes);
        server.client.get("system/scim/account/id-001").expect(status)
    };
    with(json!({}), 200);
    with(
        json!({"authenticationMethod": "BASIC", "user": USER, "password": PASSWORD}),
        200,
    );
    with(oauth(service.port), 200);
    let mut in_body = oauth(service.port);
    in_body["useBasicAuthForOauthTokenNeg"] = json!(false);
    with(in_body, 200);
    let check = |changes: Value, secret: &str| {
        let refused = with(changes, 503);
        let message = refused["message"].as_str().unwrap();
        assert!(
            message.contains("refuses the credentials of the configuration"),
            "{message}"
        );
        assert!(!refused.to_string().contains(secret), "{refused}");
    };
    check(json!({"authToken": "another-token"}), "another-token");
    check(
        json!({"authenticationMethod": "BASIC", "user": USER, "password": "guessed"}),
        "guessed",
    );
    let mut wrong = oauth(service.port);
    wrong["clientSecret"] = json!("guessed");
    check(wrong, "guessed");
}

#[test]
fn a_token_is_asked_for_once_and_anew_when_it_is_not_good_any_more() {
    let service = Service::start(Abilities::default()).with_users(1);
    let server = start(&service, oauth(service.port));
    let asked = || {
        let seen = std::mem::take(&mut service.state.lock().seen);
        seen.iter().filter(|seen| seen.path == "/token").count()
    };
    for expected in [1, 0, 0] {
        server.client.get("system/scim/account/id-001").expect(200);
        assert_eq!(asked(), expected);
    }
    // It was taken back.
    service.state.lock().tokens.clear();
    server.client.get("system/scim/account/id-001").expect(200);
    assert_eq!(asked(), 1);
    // It ends soon.
    server.clock.advance(chrono::Duration::seconds(575));
    server.client.get("system/scim/account/id-001").expect(200);
    assert_eq!(asked(), 1);
    // A service that lets nobody in is asked twice, not for ever.
    service.state.lock().seen.clear();
    for _ in 0..2 {
        service.trouble(Trouble::Answer(401, "", String::new()));
    }
    server.client.get("system/scim/account/id-001").expect(503);
    assert_eq!((asked(), service.seen().len()), (1, 0));
}

#[test]
fn a_token_endpoint_that_misbehaves_is_no_way_in() {
    let check = |status: u16, headers: &'static str, body: &str, code: u16, expected: &str| {
        let service = Service::start(Abilities::default()).with_users(1);
        service.state.lock().token_answer = Some((status, headers.to_owned(), body.to_owned()));
        let server = start(&service, oauth(service.port));
        let refused = answer_of(&server, "system/scim/account/id-001", code);
        assert!(refused["message"].as_str().unwrap().contains(expected), "{refused}");
        assert!(!refused.to_string().contains(SECRET), "{refused}");
        assert_eq!(service.seen().len(), 0);
    };
    check(200, "", "no JSON", 500, "no access_token");
    check(200, "", "{\"access_token\": \"\"}", 500, "no access_token");
    check(
        200,
        "",
        "{\"access_token\": \"a\\nb\"}",
        500,
        "cannot stand in a header",
    );
    check(200, "", &" ".repeat(100_000), 413, "more than 65536 bytes");
    check(
        302,
        "Location: /scim/v2/Users\r\n",
        "",
        500,
        "the token endpoint answers 302",
    );
    check(500, "", SECRET, 500, "the token endpoint answers 500");
    check(429, "Retry-After: 600\r\n", "", 503, "left alone for 600 s");
    check(
        400,
        "",
        "{\"error\": \"invalid_scope\"}",
        503,
        "refuses the credentials",
    );
}

#[test]
fn nobody_else_gets_what_lets_us_in() {
    let service = Service::start(Abilities::default()).with_users(2);
    let other = Service::start(Abilities::default()).with_users(2);
    let server = start(&service, json!({}));
    let location = |to: String| -> &'static str { Box::leak(format!("Location: {to}\r\n").into_boxed_str()) };
    let elsewhere = [
        format!("http://127.0.0.1:{}/scim/v2/Users/id-002", other.port),
        format!("http://localhost:{}/scim/v2/Users/id-002", service.port),
        format!("//127.0.0.1:{}/scim/v2/Users/id-002", other.port),
        format!("https://127.0.0.1:{}/scim/v2/Users/id-002", service.port),
        format!("http://a:b@127.0.0.1:{}/scim/v2/Users/id-002", service.port),
        "file:///etc/passwd".to_owned(),
        "http://[".to_owned(),
    ];
    server.client.get("system/scim/account/id-001").expect(200);
    for to in elsewhere {
        for status in [301, 302, 307, 308] {
            service.trouble(Trouble::Answer(status, location(to.clone()), String::new()));
            let refused = server.client.get("system/scim/account/id-001").expect(500);
            assert!(
                refused["message"]
                    .as_str()
                    .unwrap()
                    .contains("redirects to another server"),
                "{refused}"
            );
        }
    }
    assert!(other.state.lock().seen.is_empty());
    // Within the service a read goes on, and not for ever; a write does not.
    service.trouble(Trouble::Answer(307, location("id-001".to_owned()), String::new()));
    server.client.get("system/scim/account/id-001").expect(200);
    for _ in 0..4 {
        service.trouble(Trouble::Answer(307, location("id-001".to_owned()), String::new()));
    }
    let circle = server.client.get("system/scim/account/id-001").expect(500);
    assert!(
        circle["message"].as_str().unwrap().contains("again and again"),
        "{circle}"
    );
    service.seen();
    service.trouble(Trouble::Answer(
        307,
        location("/scim/v2/Groups".to_owned()),
        String::new(),
    ));
    let new = json!({"userName": "x"});
    server
        .client
        .post("system/scim/account?_action=create", Some(&new))
        .expect(500);
    assert_eq!(service.calls(), ["POST /scim/v2/Users"]);
}

#[test]
fn what_a_service_repeats_of_our_secrets_is_not_shown() {
    let service = Service::start(Abilities::default());
    for (changes, secret) in [
        (json!({}), TOKEN),
        (
            json!({"authenticationMethod": "BASIC", "user": USER, "password": PASSWORD}),
            PASSWORD,
        ),
        (oauth(service.port), "given-token-1"),
    ] {
        let server = start(&service, changes);
        let basic = "am9lOmNvcnJlY3QgaG9yc2UgYmF0dGVyeSBzdGFwbGU=";
        let detail = json!({"detail": format!("with {secret} or {basic}? no")}).to_string();
        for status in [400, 403, 500] {
            service.trouble(Trouble::Answer(status, "", detail.clone()));
            let refused = server.client.get("system/scim/account/x");
            assert!(
                refused.status >= 400 && !refused.text.contains(secret),
                "{}",
                refused.text
            );
            assert!(secret != PASSWORD || !refused.text.contains(basic), "{}", refused.text);
        }
    }
    // Nor a password that was to be set.
    let mut object = system(service.port, json!({}));
    object["objectTypes"]["account"]["properties"]["userName"]["required"] = json!(false);
    let server = Server::with_files(&[("provisioner.openicf-scim.json", object.to_string().as_bytes())]);
    let new = json!({"password": "Sesame!"});
    let refused = server
        .client
        .post("system/scim/account?_action=create", Some(&new))
        .expect(400);
    let message = refused["message"].as_str().unwrap();
    assert!(
        message.contains("userName is required") && !message.contains("Sesame"),
        "{message}"
    );
}

#[test]
fn a_certificate_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let authority = certificates(folder.path());
    let another = tempfile::tempdir().unwrap();
    let stranger = certificates(another.path());
    let service = Service::start_with("0.0.0.0:0", Abilities::default(), wrap(folder.path())).with_users(1);
    let with = |address: &str, authority: &str, status: u16| {
        let endpoint = format!("https://{address}:{}/scim/v2", service.port);
        let server = start(
            &service,
            json!({"SCIMEndpoint": endpoint, "trustedCertificates": authority}),
        );
        answer_of(&server, "system/scim/account/id-001", status)
    };
    assert_eq!(with("127.0.0.1", &authority, 200)["userName"], "u001");
    assert_eq!(with("localhost", &authority, 200)["userName"], "u001");
    service.state.lock().seen.clear();
    let refused = with("127.0.0.1", &stranger, 503);
    assert!(
        refused["message"].as_str().unwrap().contains("certificate"),
        "{refused}"
    );
    // The same server by a name that its certificate does not say.
    let refused = with("127.0.0.2", &authority, 503);
    assert!(
        refused["message"].as_str().unwrap().contains("certificate"),
        "{refused}"
    );
    assert!(service.state.lock().seen.is_empty());
}

/// Puts TLS around the connections of a service.
fn wrap(
    folder: &std::path::Path,
) -> impl Fn(std::net::TcpStream) -> Box<dyn super::service::Stream> + Send + Sync + use<> {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let certificate = CertificateDer::from_pem_file(folder.join("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    move |stream| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        Box::new(rustls::StreamOwned::new(connection, stream))
    }
}
