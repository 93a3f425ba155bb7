//! What is wrong is refused, with its place and what would be right, and nothing is stored.

mod bodies;
mod components;
mod jobs;
mod objects;
mod queries;
mod requests;
mod scans;
mod scripts;
mod types;

use serde_json::{Value, json};

use crate::harness::{PASSWORD, Server};

/// A server that holds nothing, and has to hold nothing after each of its answers.
struct Empty(Server);

impl Empty {
    fn new() -> Self {
        Self::with_files(&[])
    }

    fn with_files(files: &[(&str, &[u8])]) -> Self {
        Self(Server::with_files(files))
    }

    /// Sends a body as it is; the answer has this status, these words in its message, and these members in its detail.
    #[track_caller]
    fn refuses_bytes(&self, (method, path): (&str, &str), body: &[u8], status: u16, words: &str, detail: Value) {
        let headers = [
            ("X-OpenIDM-Username", "openidm-admin"),
            ("X-OpenIDM-Password", PASSWORD),
            ("Content-Type", "application/json"),
        ];
        let shown = String::from_utf8_lossy(&body[..body.len().min(2000)]);
        let what = format!("{method} {path} {shown}");
        let body = Some(body).filter(|body| !body.is_empty());
        let answer = self.0.client.send(method, &format!("/openidm/{path}"), &headers, body);
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        let problem = answer.json();
        assert_eq!(problem["code"], status, "{what}: {problem}");
        let message = plain(problem["message"].as_str().unwrap());
        assert!(message.contains(words), "{what}: {message}");
        for (name, value) in detail.as_object().unwrap() {
            assert_eq!(problem["detail"][name], *value, "{what}: {problem}");
        }
        self.assert_empty(&what);
    }

    /// The same with a body in JSON.
    #[track_caller]
    fn refuses(&self, request: (&str, &str), body: &Value, status: u16, words: &str, detail: Value) {
        self.refuses_bytes(request, body.to_string().as_bytes(), status, words, detail);
    }

    /// A job that is refused because of what stands at a pointer.
    #[track_caller]
    fn refuses_job(&self, job: &Value, pointer: &str, words: &str) {
        self.refuses(
            ("PUT", "scheduler/job/bad"),
            job,
            400,
            words,
            json!({"pointer": pointer}),
        );
    }

    #[track_caller]
    fn assert_empty(&self, what: &str) {
        const COLLECTIONS: [&str; 7] = [
            "scheduler/job",
            "scheduler/trigger",
            "taskscanner",
            "managed/user",
            "managed/role",
            "managed/realm-name_user",
            "internal/token",
        ];
        for collection in COLLECTIONS {
            assert_eq!(self.0.client.query(collection, "true"), Vec::<Value>::new(), "{what}");
        }
    }
}

/// A message without the escapes that keep browsers from taking it for markup.
fn plain(message: &str) -> String {
    let escapes = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    escapes.iter().fold(message.to_owned(), |text, (escape, character)| {
        text.replace(escape, character)
    })
}

/// A job that would be stored, were it not for one member at a pointer (null takes it away).
fn job_with(pointer: &str, value: Value) -> Value {
    with(
        json!({
            "schedule": "0 0 * * * ?", "persisted": true, "invokeService": "script",
            "invokeContext": {"script": {"type": "text/javascript", "source": "true;"}},
        }),
        pointer,
        value,
    )
}

/// A scan that would be stored, were it not for one member at a pointer.
fn scan_with(pointer: &str, value: Value) -> Value {
    with(
        json!({
            "schedule": "0 0 * * * ?", "persisted": true, "invokeService": "taskscanner",
            "invokeContext": {
                "scan": {
                    "_queryFilter": "true", "object": "managed/user",
                    "taskState": {"started": "/task/started", "completed": "/task/completed"},
                },
                "task": {"script": {"type": "text/javascript", "source": "true;"}},
            },
        }),
        pointer,
        value,
    )
}

fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.shift_remove(name);
    } else {
        parent.insert(name.to_owned(), value);
    }
    document
}
