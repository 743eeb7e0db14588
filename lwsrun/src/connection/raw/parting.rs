//! A peer to whom nothing more will be said: it may go on sending, but not be silent for ever.
//!
//! Its silence is all that tells of a peer that is gone: whoever has sent its end is read no more, so that nobody sees it
//! reset the connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// The stream of one side. Once it was asked to shut down, its input ends after a silence.
pub(super) struct Parting<S> {
    stream: S,
    /// How long it may be silent then.
    patience: Duration,
    /// Runs from then on.
    silence: Option<Pin<Box<Sleep>>>,
}

impl<S> Parting<S> {
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, silence: None }
    }

    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.silence.as_mut().is_some_and(|silence| silence.as_mut().poll(cx).is_ready())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Parting<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_pending() {
            return if self.is_over(cx) { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
        let end = Instant::now() + self.patience;
        if let Some(silence) = &mut self.silence {
            silence.as_mut().reset(end);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Parting<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let patience = self.patience;
        self.silence.get_or_insert_with(|| Box::pin(sleep(patience)));
        let closed = Pin::new(&mut self.stream).poll_shutdown(cx);
        // Also for whoever waits to read. TLS says goodbye, for which a peer that takes nothing has no room.
        if self.is_over(cx) && closed.is_pending() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        closed
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional, duplex};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(15);

    #[tokio::test(start_paused = true)]
    async fn one_that_says_nothing_is_left() {
        let (_client, stream) = duplex(64);
        let (other, mut server) = duplex(64);
        drop(other);
        let start = Instant::now();
        assert_eq!(
            copy_bidirectional(&mut Parting::new(stream, PATIENCE), &mut server).await.unwrap(),
            (0, 0)
        );
        assert_eq!(start.elapsed().as_secs(), PATIENCE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_may_be_silent_until_the_other_side_has_ended() {
        let (mut client, stream) = duplex(64);
        let (mut other, mut server) = duplex(64);
        let handing = tokio::spawn(async move {
            copy_bidirectional(&mut Parting::new(stream, PATIENCE), &mut server).await
        });
        sleep(PATIENCE * 100).await;
        other.write_all(b"bye").await.unwrap();
        other.shutdown().await.unwrap();
        let mut said = Vec::new();
        client.read_to_end(&mut said).await.unwrap();
        assert_eq!(said, b"bye");
        // What it says is still handed on.
        assert!(!handing.is_finished());
        for _ in 0..5 {
            sleep(PATIENCE - Duration::from_secs(1)).await;
            client.write_all(b"well").await.unwrap();
        }
        let start = Instant::now();
        assert_eq!(handing.await.unwrap().unwrap(), (20, 3));
        assert_eq!(start.elapsed().as_secs(), PATIENCE.as_secs());
        said.clear();
        other.read_to_end(&mut said).await.unwrap();
        assert_eq!(said.len(), 20);
    }
}
