//! A client that says what it got.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use http::{HeaderMap, Method, Request};
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::house::House;

/// Longer than anything here takes, so that a test that would hang fails.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl House {
    /// A call by the administrator. A body that is not empty is JSON.
    pub(super) async fn call(&self, method: &str, path: &str, lines: &[(&str, &str)], body: &str) -> Answer {
        let token = format!("Bearer {}", self.token.expose());
        let mut lines = lines.to_vec();
        lines.push(("authorization", &token));
        if !body.is_empty() {
            lines.push(("content-type", "application/json"));
        }
        self.anonymous(method, &format!("/openidm/{path}"), &lines, body).await
    }

    /// A call as it stands.
    pub(super) async fn anonymous(&self, method: &str, path: &str, lines: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap());
        request = request.uri(format!("http://{}{path}", self.address));
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let body = body.to_owned();
        let answer = spawn_blocking(move || {
            let config = ureq::Agent::config_builder()
                .http_status_as_error(false)
                .allow_non_standard_methods(true);
            let agent = ureq::Agent::new_with_config(config.timeout_global(Some(PATIENCE)).build());
            if body.is_empty() {
                agent.run(request.body(()).unwrap())
            } else {
                agent.run(request.body(body).unwrap())
            }
        });
        let (head, mut body) = answer.await.unwrap().unwrap().into_parts();
        let body = spawn_blocking(move || body.read_to_string().unwrap()).await.unwrap();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        }
    }

    /// Sends bytes and reads until the server closes or breaks the connection.
    pub(super) async fn raw(&self, text: String) -> String {
        let address = self.address;
        spawn_blocking(move || exchange(address, &text)).await.unwrap()
    }
}

pub(super) fn exchange(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A connection that is broken ends with an error; what came before is what counts.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}
