//! The documented calls: `tests/docs/*.http` hold them as the documents print them, each under a name with the answer
//! that the document shows. A test walks through them and says what happens in between.
//!
//! A call is a line `### name`, a request line, headers, and perhaps an empty line and a body; then `HTTP 200` and the
//! answer, in which the placeholders of [`super::like`] stand for what a document cannot know. `{{name}}` in a request is
//! what such a placeholder stood for. A line that begins with `# ` is a remark.

use std::path::Path;

use serde_json::Value;

use super::like::{Names, assert_like_named};
use super::{Answer, Client};

/// A document that is walked through.
pub(crate) struct Transcript {
    pub(crate) names: Names,
    client: Client,
    credentials: Vec<(String, String)>,
    calls: Vec<Call>,
}

struct Call {
    name: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    status: u16,
    answer: String,
}

impl Transcript {
    /// Opens `tests/docs/NAME.http`. Each request is sent with these headers besides its own.
    pub(crate) fn open(name: &str, client: &Client, credentials: &[(&str, &str)]) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("docs")
            .join(format!("{name}.http"));
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let calls = format!("\n{text}").split("\n### ").skip(1).map(Call::parse).collect();
        let credentials = credentials
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self {
            names: Names::default(),
            client: client.clone(),
            credentials,
            calls,
        }
    }

    /// Sends a call of the document; fails unless the answer is the document's.
    #[track_caller]
    pub(crate) fn call(&mut self, name: &str) -> Value {
        let (answer, call) = self.send(name);
        assert_eq!(answer.status, call.status, "{name}: {}", answer.text);
        let answer = answer.json();
        let expected = self.expected(name);
        assert_like_named(&answer, &expected, &mut self.names);
        answer
    }

    /// The answer of the document to a call.
    pub(crate) fn expected(&self, name: &str) -> Value {
        let expected = self.names.fill(&self.find(name).answer);
        serde_json::from_str(&expected).unwrap_or_else(|error| panic!("{name}: {error} in {expected}"))
    }

    fn find(&self, name: &str) -> &Call {
        let call = self.calls.iter().find(|call| call.name == name);
        call.unwrap_or_else(|| panic!("the document has no call '{name}'"))
    }

    fn send(&self, name: &str) -> (Answer, &Call) {
        let call = self.find(name);
        let own = call.headers.iter().chain(&self.credentials);
        let headers: Vec<(&str, &str)> = own.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body = call.body.as_ref().map(|body| self.names.fill(body));
        let path = self.names.fill(&call.path);
        (
            self.client
                .send(&call.method, &path, &headers, body.as_deref().map(str::as_bytes)),
            call,
        )
    }
}

impl Call {
    fn parse(text: &str) -> Self {
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("# "))
            .collect::<Vec<_>>()
            .join("\n");
        let (name, lines) = lines.split_once('\n').expect("a request follows the name");
        let (request, answer) = lines
            .split_once("\nHTTP ")
            .unwrap_or_else(|| panic!("{name} has no answer"));
        let (head, body) = request.trim_start().split_once("\n\n").unwrap_or((request.trim(), ""));
        let mut head = head.lines();
        let (method, path) = head
            .next()
            .and_then(|line| line.split_once(' '))
            .expect("a method and a path");
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("'{line}' is no header"));
            (name.to_owned(), value.to_owned())
        };
        let (status, answer) = answer.split_once('\n').expect("an answer follows the status");
        Self {
            name: name.trim().to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            headers: head.map(header).collect(),
            body: Some(body.trim()).filter(|body| !body.is_empty()).map(str::to_owned),
            status: status.trim().parse().expect("a status"),
            answer: answer.to_owned(),
        }
    }
}
