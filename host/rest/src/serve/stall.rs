//! A connection whose client may not stop reading forever. Reading is watched elsewhere: by hyper for the head of a
//! request, by [`crate::rest`] for its body.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use host_model::clock::Clock;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits::STALL_TIME;

type Timer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A stream whose writes fail when nothing could be written for [`STALL_TIME`].
pub(crate) struct Stalling<S> {
    stream: S,
    clock: Arc<dyn Clock>,
    /// Runs while a write waits.
    timer: Option<Timer>,
}

impl<S> Stalling<S> {
    pub(crate) fn new(stream: S, clock: Arc<dyn Clock>) -> Self {
        Self {
            stream,
            clock,
            timer: None,
        }
    }

    /// Passes on what a write said; one that has to wait is given its time.
    fn watch<T>(&mut self, written: Poll<io::Result<T>>, task: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.timer = None;
            return written;
        }
        let clock = &self.clock;
        let timer = self.timer.get_or_insert_with(|| {
            let clock = Arc::clone(clock);
            let until = clock.now() + STALL_TIME;
            Box::pin(async move { clock.sleep_until(until).await })
        });
        ready!(timer.as_mut().poll(task));
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

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
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
        let closed = Pin::new(&mut this.stream).poll_shutdown(task);
        this.watch(closed, task)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::testing::ManualClock;

    /// Takes as many bytes as it is told to, then none.
    struct Takes(usize);

    impl AsyncWrite for Takes {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            if self.0 == 0 {
                return Poll::Pending;
            }
            self.0 -= 1;
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_write_that_waits_too_long_fails() {
        let clock = Arc::new(ManualClock::default());
        let mut stream = Stalling::new(Takes(1), Arc::clone(&clock) as Arc<dyn Clock>);
        let mut write = async || poll_fn(|task| Pin::new(&mut stream).poll_write(task, b"abc")).await;
        assert_eq!(write().await.unwrap(), 3);

        let mut write = std::pin::pin!(write());
        assert!(poll_fn(|task| Poll::Ready(write.as_mut().poll(task).is_pending())).await);
        clock.advance(STALL_TIME / 2);
        assert!(poll_fn(|task| Poll::Ready(write.as_mut().poll(task).is_pending())).await);
        clock.advance(STALL_TIME / 2);
        assert_eq!(write.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
