//! The HTTP shell: routes, and what every answer has whatever the question was.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::routing::get;
use futures::FutureExt as _;
use host_resource::Problem;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};
use tower_http::decompression::RequestDecompressionLayer;
use tracing::Instrument as _;

use crate::answer::{self, Reply};
use crate::audit::{Peer, Told};
use crate::outliving::Outliving;
use crate::ping;
use crate::rest::{Rest, Seen};
use crate::unread::close_when_unread;

/// Everything that is served.
pub(crate) fn routes(rest: Arc<Rest>) -> Router {
    Router::new()
        .route("/healthz", get(ping::health))
        .route("/readyz", get(ping::ready))
        .fallback(language)
        .layer(from_fn_with_state(Arc::clone(&rest), surround))
        // Bodies in gzip are decoded as they are read, so that the limit of their size is that of what they say.
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        // Answers are made smaller for those who ask for it, piece by piece as they are sent.
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                // Events are short, and are read one by one as they come.
                .compress_when(SizeAbove::new(WORTH_COMPRESSING).and(NotForContentType::SSE)),
        )
        .layer(from_fn(close_when_unread))
        .with_state(rest)
}

/// Shorter answers (bytes) fit into one packet anyway.
const WORTH_COMPRESSING: u64 = 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The platform's name for it.
const TRANSACTION_ID: HeaderName = HeaderName::from_static("x-forgerock-transactionid");
/// Longer ids from clients are replaced: they go into every log line.
const MAX_REQUEST_ID: usize = 128;

/// The id that answers and log lines of a request share.
#[derive(Clone)]
struct RequestId(Arc<str>);

/// A request of the common REST language.
async fn language(State(rest): State<Arc<Rest>>, request: Request) -> Reply {
    let (head, body) = request.into_parts();
    let id = head
        .extensions
        .get::<RequestId>()
        .map_or_else(|| "".into(), |id| Arc::clone(&id.0));
    let mut seen = Seen::default();
    let mut reply = match rest.answer(&head, body, id, &mut seen).await {
        Ok(reply) => reply,
        Err(problem) => answer::problem(&problem),
    };
    seen.headers = head.headers;
    reply.extensions_mut().insert(seen);
    reply
}

/// Lets a request outlive its connection: a client that hangs up neither stops a handler in the middle of its work
/// (dropshot's `HandlerTaskMode::Detached` tells the reasons) nor stays out of the log.
async fn surround(State(rest): State<Arc<Rest>>, request: Request, next: Next) -> Reply {
    let id = request_id(request.headers()).map_or_else(|| rest.ids().uuid().into(), Arc::<str>::from);
    let span = tracing::info_span!("request", request_id = &*id);
    Outliving::new(answered(rest, id, request, next).instrument(span)).await
}

/// Answers a request, whatever its handler does, and writes a line into the log.
async fn answered(rest: Arc<Rest>, id: Arc<str>, mut request: Request, next: Next) -> Reply {
    let started = rest.clock().now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    // What a panic leaves half done is the handler's own: what it shares, it shares through transactions and locks.
    let outcome = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut reply = outcome.unwrap_or_else(|panic| {
        tracing::error!(%method, path, said = panic_text(panic), "a handler panicked");
        answer::problem(&Problem::internal("the request could not be answered"))
    });

    let headers = reply.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::try_from(&*id) {
        headers.insert(REQUEST_ID, id);
    }
    let seen = reply.extensions_mut().remove::<Seen>().unwrap_or_default();
    if let Some(audit) = &seen.audit {
        let told = Told {
            transaction: &id,
            method: &method,
            path: &path,
            headers: &seen.headers,
            peer,
            status: reply.status().as_u16(),
            elapsed_ms: (rest.clock().now() - started).num_milliseconds(),
        };
        told.tell(audit.as_ref(), &seen);
    }
    // The query string is left out: filters hold what people are called.
    tracing::info!(
        target: "taskwarden::access",
        tenant = seen.tenant.as_deref(),
        caller = seen.caller.as_deref(),
        %method,
        path,
        status = reply.status().as_u16(),
        duration_ms = (rest.clock().now() - started).num_milliseconds(),
        "answered"
    );
    reply
}

/// The client's own id, if it is one that a log can bear.
fn request_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(REQUEST_ID).or_else(|| headers.get(TRANSACTION_ID))?;
    let id = id.to_str().ok()?;
    let is_sane = (1..=MAX_REQUEST_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte));
    is_sane.then_some(id)
}

fn panic_text(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().copied().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_of_the_client_is_kept() {
        let check = |id: &str, expected: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(id.as_bytes()).unwrap());
            assert_eq!(request_id(&headers), expected.then_some(id), "{id}");
        };
        check("0890ad62-4738-4a3f-8b8e-f3c83bbf212e", true);
        check("a.b:c_d", true);
        check("", false);
        check("two words", false);
        check("<script>", false);
        check("zoë", false);
        check(&"x".repeat(MAX_REQUEST_ID), true);
        check(&"x".repeat(MAX_REQUEST_ID + 1), false);
        assert_eq!(request_id(&HeaderMap::new()), None);
    }
}
