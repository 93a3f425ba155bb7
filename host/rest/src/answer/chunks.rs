//! A body that is written while it is sent. One that breaks off breaks the connection: the client sees that it is incomplete.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use axum::body::{Bytes, HttpBody};
use hyper::body::Frame;
use tokio::sync::mpsc;

/// Pieces that wait for a client that reads slowly.
pub(super) const AHEAD: usize = 1;

/// A piece of the body. The last one says so: a sender that is gone without it broke off.
#[derive(Debug)]
pub(crate) enum Chunk {
    /// There is more to come.
    More(Bytes),
    /// That was all.
    Last(Bytes),
}

/// A body that comes in chunks.
#[derive(Debug)]
pub(crate) struct Chunks {
    receiver: mpsc::Receiver<Chunk>,
    is_complete: bool,
}

/// The sender stopped before the last chunk.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
pub(crate) struct Broken;

impl Chunks {
    /// A body, and who writes it.
    pub(crate) fn channel() -> (mpsc::Sender<Chunk>, Self) {
        let (sender, receiver) = mpsc::channel(AHEAD);
        (
            sender,
            Self {
                receiver,
                is_complete: false,
            },
        )
    }
}

impl HttpBody for Chunks {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.is_complete {
            return Poll::Ready(None);
        }
        self.receiver.poll_recv(task).map(|chunk| match chunk {
            Some(Chunk::More(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Chunk::Last(bytes)) => {
                self.is_complete = true;
                Some(Ok(Frame::data(bytes)))
            }
            None => {
                self.is_complete = true;
                Some(Err(Broken))
            }
        })
    }
}
