//! A connection whose client may not stop reading forever. Reading is watched elsewhere: by hyper for the head of a
//! request, by [`crate::rest`] for its body.
//!
//! It does not end before its client has said all that it was about to say, within bounds: closing while bytes arrive
//! resets the connection, and a client that is still sending what was refused would see a broken pipe in place of the
//! answer that says why.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use host_model::clock::Clock;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

use crate::limits::{LINGER_BYTES, LINGER_TIME, STALL_TIME};

type Timer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A stream whose writes fail when nothing could be written for [`STALL_TIME`].
pub(crate) struct Stalling<S> {
    stream: S,
    clock: Arc<dyn Clock>,
    /// Whether the server stops: then no connection lingers, idle ones least of all.
    stopping: watch::Receiver<bool>,
    /// Runs while a write waits.
    timer: Option<Timer>,
    ending: Ending,
}

/// How far the end has come.
enum Ending {
    /// Not yet asked for.
    Open,
    /// Nothing more is written; what still arrives, at most so many bytes until the timer rings, is thrown away.
    Lingering { room: usize, timer: Timer },
    /// Over.
    Closed,
}

impl<S> Stalling<S> {
    pub(crate) fn new(stream: S, clock: Arc<dyn Clock>, stopping: watch::Receiver<bool>) -> Self {
        Self {
            stream,
            clock,
            stopping,
            timer: None,
            ending: Ending::Open,
        }
    }

    fn after(&self, time: Duration) -> Timer {
        let clock = Arc::clone(&self.clock);
        let until = clock.now() + time;
        Box::pin(async move { clock.sleep_until(until).await })
    }

    /// Passes on what a write said; one that has to wait is given its time.
    fn watch<T>(&mut self, written: Poll<io::Result<T>>, task: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.timer = None;
            return written;
        }
        let mut timer = self.timer.take().unwrap_or_else(|| self.after(STALL_TIME));
        if timer.as_mut().poll(task).is_pending() {
            self.timer = Some(timer);
            return Poll::Pending;
        }
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client does not read its answer",
        )))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalling<S> {
    fn poll_read(self: Pin<&mut Self>, task: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(task, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(task, bytes);
        this.watch(written, task)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(task, slices);
        this.watch(written, task)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(task);
        this.watch(flushed, task)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            match &mut this.ending {
                Ending::Open => {
                    let closed = Pin::new(&mut this.stream).poll_shutdown(task);
                    ready!(this.watch(closed, task))?;
                    this.ending = if *this.stopping.borrow() {
                        Ending::Closed
                    } else {
                        Ending::Lingering {
                            room: LINGER_BYTES,
                            timer: this.after(LINGER_TIME),
                        }
                    };
                }
                Ending::Lingering { room, timer } => {
                    let mut waste = [0; 8 * 1024];
                    let mut waste = ReadBuf::new(&mut waste);
                    let is_over = match Pin::new(&mut this.stream).poll_read(task, &mut waste) {
                        Poll::Ready(Ok(())) => {
                            *room = room.saturating_sub(waste.filled().len());
                            waste.filled().is_empty() || *room == 0
                        }
                        Poll::Ready(Err(_)) => true,
                        Poll::Pending => {
                            ready!(timer.as_mut().poll(task));
                            true
                        }
                    };
                    if is_over {
                        this.ending = Ending::Closed;
                    }
                }
                Ending::Closed => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::testing::ManualClock;

    /// Takes as many writes as it is told to, then none; what it says is a byte at a time.
    struct Takes {
        writes: usize,
        says: Says,
    }

    enum Says {
        Endlessly,
        Nothing,
        Goodbye,
    }

    fn stalling(writes: usize, says: Says, is_stopping: bool) -> (Arc<ManualClock>, Stalling<Takes>) {
        let clock = Arc::new(ManualClock::default());
        let (_, stopping) = watch::channel(is_stopping);
        let stream = Takes { writes, says };
        (Arc::clone(&clock), Stalling::new(stream, clock, stopping))
    }

    impl AsyncWrite for Takes {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            if self.writes == 0 {
                return Poll::Pending;
            }
            self.writes -= 1;
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncRead for Takes {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            match self.says {
                Says::Endlessly => {
                    buffer.initialize_unfilled();
                    buffer.set_filled(buffer.capacity());
                    Poll::Ready(Ok(()))
                }
                Says::Nothing => Poll::Pending,
                Says::Goodbye => Poll::Ready(Ok(())),
            }
        }
    }

    #[tokio::test]
    async fn a_write_that_waits_too_long_fails() {
        let (clock, mut stream) = stalling(1, Says::Nothing, false);
        let mut write = async || poll_fn(|task| Pin::new(&mut stream).poll_write(task, b"abc")).await;
        assert_eq!(write().await.unwrap(), 3);

        let mut write = std::pin::pin!(write());
        assert!(poll_fn(|task| Poll::Ready(write.as_mut().poll(task).is_pending())).await);
        clock.advance(STALL_TIME / 2);
        assert!(poll_fn(|task| Poll::Ready(write.as_mut().poll(task).is_pending())).await);
        clock.advance(STALL_TIME / 2);
        assert_eq!(write.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_connection_ends_when_its_client_is_silent_has_gone_or_says_too_much() {
        for (says, is_stopping) in [(Says::Goodbye, false), (Says::Endlessly, false), (Says::Nothing, true)] {
            let (_, mut stream) = stalling(0, says, is_stopping);
            poll_fn(|task| Pin::new(&mut stream).poll_shutdown(task)).await.unwrap();
        }
        let (clock, mut stream) = stalling(0, Says::Nothing, false);
        let mut end = std::pin::pin!(poll_fn(|task| Pin::new(&mut stream).poll_shutdown(task)));
        assert!(poll_fn(|task| Poll::Ready(end.as_mut().poll(task).is_pending())).await);
        clock.advance(LINGER_TIME);
        end.await.unwrap();
    }
}
