//! An answer that does not wait for the whole question ends the connection, and says so: a client that sent its next
//! request into it would find it broken.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use http::HeaderValue;
use http::header::CONNECTION;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};

use crate::answer::Reply;

/// Says `Connection: close` in the answer to a request whose body was not read to its end.
pub(crate) async fn close_when_unread(request: Request, next: Next) -> Reply {
    let is_read = Arc::new(AtomicBool::new(request.body().is_end_stream()));
    let watched = request.map(|body| {
        Body::new(Watched {
            body,
            is_read: Arc::clone(&is_read),
        })
    });
    let mut reply = next.run(watched).await;
    if !is_read.load(Ordering::Relaxed) {
        reply
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    reply
}

/// A body that tells when it has been read to its end.
struct Watched {
    body: Body,
    is_read: Arc<AtomicBool>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body.frame()).poll(task);
        let is_last = matches!(polled, Poll::Ready(None)) || (polled.is_ready() && self.body.is_end_stream());
        if is_last {
            self.is_read.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
