//! What anybody may ask: whether the server is up.

use std::sync::Arc;

use axum::extract::State;
use host_resource::{Content, Object, Problem};
use http::Method;
use serde_json::json;

use crate::answer::{self, Reply};
use crate::request::Style;
use crate::rest::Rest;

const PING: &str = "/info/ping";

/// Whether a request may be answered by [`answer`], without knowing who asks.
pub(crate) fn is_ping(method: &Method, path: &str) -> bool {
    (method == Method::GET || method == Method::HEAD) && path.trim_end_matches('/').eq_ignore_ascii_case(PING)
}

/// `GET /openidm/info/ping`, in the product's words.
pub(crate) fn answer(is_ready: bool, style: &Style) -> Result<Reply, Problem> {
    let content = if is_ready {
        json!({"state": "ACTIVE_READY", "shortDesc": "Taskwarden is ready"})
    } else {
        json!({"state": "ACTIVE_NOT_READY", "shortDesc": "Taskwarden is starting or stopping"})
    };
    answer::object(
        Object {
            id: String::new(),
            rev: None,
            content: Content::Json(content),
        },
        style,
        None,
    )
}

/// `GET /healthz`: the process answers.
pub(crate) async fn health() -> Reply {
    answer::json("{\"status\":\"ok\"}")
}

/// `GET /readyz`: the tenants are open, and nobody has asked to shut down.
pub(crate) async fn ready(State(rest): State<Arc<Rest>>) -> Reply {
    if rest.is_ready() {
        answer::json("{\"status\":\"ready\"}")
    } else {
        answer::problem(&Problem::unavailable("not ready"))
    }
}
