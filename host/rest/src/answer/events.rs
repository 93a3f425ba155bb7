//! A resource that is watched: a stream of server-sent events, one whenever what the resource shows has changed. It ends when
//! the resource says that it has `ended`, when the client goes, when the server stops, and after an hour in any case: then
//! the client asks again, and shows again who it is.

use std::sync::Arc;

use axum::body::Body;
use host_model::clock::Clock;
use host_resource::{Context, Problem, Request, Response, Router};
use http::HeaderValue;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tracing::Instrument as _;

use super::chunks::{Chunk, Chunks};
use super::{CONTENT_TYPE, Reply, object_text};
use crate::limits::{EVENT_HEARTBEAT, EVENT_POLL, EVENT_TIME};
use crate::request::Style;

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// A resource that is watched, and what surrounds it.
pub(crate) struct Events {
    pub(crate) router: Arc<Router>,
    pub(crate) context: Context,
    /// The read that is asked again and again.
    pub(crate) request: Request,
    pub(crate) style: Style,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether the server goes on.
    pub(crate) ready: watch::Receiver<bool>,
}

/// What the resource shows.
#[derive(PartialEq)]
struct Shown {
    text: String,
    is_ended: bool,
}

impl Events {
    /// Answers with a stream, if the resource can be read. `place` is held until the stream ends.
    pub(crate) async fn answer(self, place: OwnedSemaphorePermit) -> Result<Reply, Problem> {
        let first = self.look().await?;
        let (sender, body) = Chunks::channel();
        let telling = async move {
            self.tell(first, sender).await;
            drop(place);
        };
        tokio::spawn(telling.in_current_span());
        let mut reply = Reply::new(Body::new(body));
        reply.headers_mut().insert(CONTENT_TYPE, EVENT_STREAM);
        Ok(reply)
    }

    async fn tell(self, mut shown: Shown, sender: mpsc::Sender<Chunk>) {
        let end = self.clock.now() + EVENT_TIME;
        let mut told = self.clock.now();
        let mut next = Some(event(&shown.text));
        loop {
            let now = self.clock.now();
            if next.is_none() && now >= told + EVENT_HEARTBEAT {
                next = Some(": still here\n\n".to_owned());
            }
            if let Some(text) = next.take() {
                told = now;
                // An error means that the client has gone.
                let Ok(()) = sender.send(Chunk::More(text.into())).await else {
                    return;
                };
            }
            if shown.is_ended || now >= end || self.has_stopped(&sender).await {
                break;
            }
            match self.look().await {
                Ok(latest) if latest == shown => {}
                Ok(latest) => {
                    next = Some(event(&latest.text));
                    shown = latest;
                }
                Err(problem) => {
                    let text = format!("event: problem\n{}", event(&problem.to_json().to_string()));
                    // The client may have gone, here too.
                    let _ = sender.send(Chunk::More(text.into())).await;
                    break;
                }
            }
        }
        let _ = sender.send(Chunk::Last(Default::default())).await;
    }

    /// Waits until it is time to look again. True when there is no point in it: the server stops, or the client has gone.
    async fn has_stopped(&self, sender: &mpsc::Sender<Chunk>) -> bool {
        let mut ready = self.ready.clone();
        let stopping = async { drop(ready.wait_for(|ready| !ready).await) };
        tokio::select! {
            () = self.clock.sleep_until(self.clock.now() + EVENT_POLL) => false,
            () = sender.closed() => true,
            () = stopping => true,
        }
    }

    async fn look(&self) -> Result<Shown, Problem> {
        let Response::Object(object) = self.router.handle(&self.context, self.request.clone()).await? else {
            return Err(Problem::internal("a read was not answered by an object"));
        };
        let whole = object.clone().into_value();
        let whole = whole.map_err(|error| Problem::internal(format!("the resource cannot be shown: {error}")))?;
        Ok(Shown {
            is_ended: whole.get("ended").is_some_and(|ended| !ended.is_null()),
            text: object_text(object, &self.style)?,
        })
    }
}

/// An event that tells a text.
fn event(text: &str) -> String {
    let mut event: String = text.lines().flat_map(|line| ["data: ", line, "\n"]).collect();
    event.push('\n');
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_several_lines_says_so_on_each() {
        assert_eq!(event("{}"), "data: {}\n\n");
        assert_eq!(event("{\n  1\n}"), "data: {\ndata:   1\ndata: }\n\n");
    }
}
