//! A client of the REST port that signs in as the administrator and shows every answer, also the bad ones.

use serde_json::Value;

use super::PASSWORD;

/// A client of one server.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) base: String,
    agent: ureq::Agent,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }

    /// The body as JSON, if the status is this one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// A response header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Client {
    /// A client of the server at an address such as `http://127.0.0.1:8080`.
    pub(crate) fn new(base: String) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(std::time::Duration::from_secs(120)))
            .build();
        Self {
            base,
            agent: config.into(),
        }
    }

    /// Sends exactly these headers and this body. `path` starts with a slash.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        self.try_send(method, path, headers, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// The same, where the server may be gone.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            Some(body) => self.agent.run(request.body(body)?)?,
            None => self.agent.run(request.body(())?)?,
        };
        let (head, mut body) = response.into_parts();
        let text = body.with_config().limit(1 << 30).read_to_string()?;
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            text,
        })
    }

    /// A request of the administrator. `path` is below `/openidm/`.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let mut all = vec![
            ("X-OpenIDM-Username", "openidm-admin"),
            ("X-OpenIDM-Password", PASSWORD),
        ];
        all.extend_from_slice(headers);
        let text = body.map(Value::to_string);
        if text.is_some() {
            all.push(("Content-Type", "application/json"));
        }
        self.send(
            method,
            &format!("/openidm/{path}"),
            &all,
            text.as_deref().map(str::as_bytes),
        )
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], None)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.request("PUT", path, &[], Some(body))
    }

    pub(crate) fn post(&self, path: &str, body: Option<&Value>) -> Answer {
        self.request("POST", path, &[], body)
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Answer {
        self.request("PATCH", path, &[], Some(body))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path, &[], None)
    }

    /// The results of a query, page after page if the server pages.
    pub(crate) fn query(&self, path: &str, filter: &str) -> Vec<Value> {
        let filter = encode(filter);
        let answer = self.get(&format!("{path}?_queryFilter={filter}")).expect(200);
        answer["result"].as_array().cloned().unwrap_or_default()
    }

    /// Asks until a run of the task scanner has ended, and answers it.
    pub(crate) fn ended_run(&self, id: &str) -> Value {
        for _ in 0..6_000 {
            let run = self.get(&format!("taskscanner/{id}")).expect(200);
            if !matches!(run["progress"]["state"].as_str(), Some("INITIALIZED" | "ACTIVE")) {
                return run;
            }
            pause();
        }
        panic!("the run {id} does not end");
    }
}

/// The pause between two looks at something that another process or thread does, outside the simulated time.
pub(crate) fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(10));
}

/// Percent-encodes a query value.
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
