//! A transport whose writes wait until the connection has done all it can do.
//!
//! h2 flushes after nearly every frame, so that each answer would be a TLS record and a system call of its own. Here
//! a flush is a promise: what is written lies in a buffer, and [`Flushing`], around the connection's future, writes
//! it after each poll of that future, whatever the poll returned. Where the socket takes no more, it wakes the same
//! task, which goes on writing.
//!
//! It also sees to it that the client takes what it is owed, at the least rate of [`Pace`].

use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::super::limits::Rate;
use super::super::pace::{Pace, Wait};
use super::owed::Owed;

/// The room of the buffer, in bytes: one TLS record.
const CAPACITY: usize = 16 << 10;

thread_local! {
    /// A buffer that no connection of this thread's worker needs at present. Most connections have written all they had
    /// before it is another's turn, so they all use this one, and an idle connection keeps none.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The end of the transport that the connection holds.
#[derive(Debug)]
pub(super) struct Deferred<S> {
    shared: Arc<Mutex<Buffered<S>>>,
    owed: Arc<Owed>,
}

/// Runs a connection over a [`Deferred`] transport, and writes what it left in the buffer.
#[derive(Debug)]
pub(super) struct Flushing<C, S> {
    connection: C,
    shared: Arc<Mutex<Buffered<S>>>,
    owed: Arc<Owed>,
    /// What was taken of it when it was last looked at.
    taken: u64,
    pace: Pace,
    /// The least rate at which it is taken.
    rate: Rate,
}

#[derive(Debug)]
struct Buffered<S> {
    stream: S,
    /// What waits to be written; no room is kept while there is nothing.
    buffer: Vec<u8>,
    /// How much of it is written.
    written: usize,
    /// It ends with the end of a frame: h2 asks for a flush only then.
    whole: bool,
    /// The stream itself has something to flush.
    unflushed: bool,
    /// Bytes that the stream took since that was last asked.
    moved: usize,
    /// The stream says goodbye, for which it has no room.
    closing: bool,
}

/// Puts a buffer before a stream, and runs the connection that is made of it, which owes its client that, to be taken
/// at this rate at least.
pub(super) fn deferred<S, C>(
    stream: S,
    owed: Arc<Owed>,
    rate: Rate,
    connect: impl FnOnce(Deferred<S>) -> C,
) -> Flushing<C, S> {
    let buffered = Buffered {
        stream,
        buffer: Vec::new(),
        written: 0,
        whole: true,
        unflushed: false,
        moved: 0,
        closing: false,
    };
    let shared = Arc::new(Mutex::new(buffered));
    let connection = connect(Deferred { shared: Arc::clone(&shared), owed: Arc::clone(&owed) });
    Flushing { connection, shared, owed, taken: 0, pace: Pace::default(), rate }
}

impl<C, S> Flushing<C, S> {
    /// The connection.
    pub(super) fn connection(self: Pin<&mut Self>) -> Pin<&mut C>
    where
        C: Unpin,
        S: Unpin,
    {
        Pin::new(&mut self.get_mut().connection)
    }

    /// Ends it where it stands, with what is in the buffer, that frame, and an orderly end of the transport.
    ///
    /// # Errors
    /// If the transport fails.
    pub(super) async fn close(self, last: &[u8]) -> io::Result<()>
    where
        S: AsyncWrite + Unpin,
    {
        let Self { connection, shared, .. } = self;
        drop(connection);
        poll_fn(|cx| lock(&shared).poll_room(cx)).await?;
        lock(&shared).append(last);
        poll_fn(|cx| lock(&shared).poll_flush(cx)).await?;
        poll_fn(|cx| Pin::new(&mut lock(&shared).stream).poll_shutdown(cx)).await
    }

    /// Whether the client leaves what it is owed for too long.
    ///
    /// `moved` bytes went to the stream, which takes no more if it is `blocked`. While it is, they tell how fast the
    /// client is; else it is the streams' windows that the client keeps shut, and only their bytes tell.
    fn is_left(&mut self, moved: usize, blocked: bool, cx: &mut Context<'_>) -> bool {
        if !blocked && self.owed.waiting() == 0 {
            self.pace.has_caught_up();
            return false;
        }
        let taken = self.owed.taken();
        let from_streams = usize::try_from(taken - self.taken).unwrap_or(usize::MAX);
        self.taken = taken;
        self.pace.progressed(if blocked { moved } else { from_streams });
        self.pace.is_over(Wait::Room(self.rate), cx)
    }
}

/// Only one task ever holds it, so that nobody waits; a panic while it was held left nothing half done that matters.
fn lock<S>(shared: &Mutex<Buffered<S>>) -> MutexGuard<'_, Buffered<S>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C, S, E> Future for Flushing<C, S>
where
    C: Future<Output = Result<(), E>> + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
    S: AsyncWrite + Unpin,
{
    type Output = Result<(), Box<dyn std::error::Error + Send + Sync>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let done = Pin::new(&mut self.connection).poll(cx);
        let (flushed, moved, closing) = {
            let mut buffered = lock(&self.shared);
            (buffered.poll_flush(cx), std::mem::take(&mut buffered.moved), buffered.closing)
        };
        self.owed.set_blocked(flushed.is_pending());
        match (done, flushed) {
            (Poll::Ready(done), _) => Poll::Ready(done.map_err(Into::into)),
            // Nobody else would learn of it before the next write.
            (Poll::Pending, Poll::Ready(Err(error))) => Poll::Ready(Err(error.into())),
            (Poll::Pending, flushed) if self.is_left(moved, flushed.is_pending() || closing, cx) => {
                let left = "the client takes its answers too slowly";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, left).into()))
            }
            (Poll::Pending, _) => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> Buffered<S> {
    /// Puts a frame of our own behind those of h2, unless h2 is in the midst of one.
    fn append(&mut self, frame: &[u8]) {
        if self.whole {
            self.buffer.extend_from_slice(frame);
        }
    }

    /// Writes the buffer.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.buffer.len() {
            let rest = &self.buffer[self.written..];
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => {
                    self.written += count;
                    self.moved += count;
                }
            }
            self.unflushed = true;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        SPARE.set(buffer);
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.buffer.is_empty() {
            ready!(self.poll_drain(cx))?;
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// The room that is left, after writing if there is none.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.buffer.len() >= CAPACITY {
            ready!(self.poll_drain(cx))?;
        }
        if self.buffer.capacity() == 0 {
            self.buffer = SPARE.take();
            self.buffer.reserve_exact(CAPACITY);
        }
        Poll::Ready(Ok(CAPACITY - self.buffer.len()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Deferred<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut lock(&self.shared).stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.owed.hear();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Deferred<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut inner = lock(&self.shared);
        let count = ready!(inner.poll_room(cx))?.min(bytes.len());
        inner.buffer.extend_from_slice(&bytes[..count]);
        inner.whole = false;
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut inner = lock(&self.shared);
        let room = ready!(inner.poll_room(cx))?;
        let mut left = room;
        for slice in slices {
            let count = left.min(slice.len());
            inner.buffer.extend_from_slice(&slice[..count]);
            left -= count;
        }
        inner.whole = false;
        Poll::Ready(Ok(room - left))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.shared).whole = true;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = lock(&self.shared);
        ready!(inner.poll_flush(cx))?;
        let closed = Pin::new(&mut inner.stream).poll_shutdown(cx);
        inner.closing = closed.is_pending();
        closed
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Writes so many bytes in pieces, flushing after each, then waits for ever, or closes.
    async fn write_all(mut stream: Deferred<tokio::io::DuplexStream>, size: usize, close: bool) {
        let bytes: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        for piece in bytes.chunks(1000) {
            stream.write_all(piece).await.unwrap();
            stream.flush().await.unwrap();
        }
        if close {
            stream.shutdown().await.unwrap();
        } else {
            std::future::pending::<()>().await;
        }
    }

    /// However slow.
    const ANY: Rate = Rate { a_second: 0, over: Duration::from_secs(60) };

    async fn through(size: usize, pipe: usize, close: bool) -> Vec<u8> {
        let (server, mut client) = tokio::io::duplex(pipe);
        let work = deferred(server, Arc::default(), ANY, |stream| {
            Box::pin(async move {
                write_all(stream, size, close).await;
                Ok::<_, Infallible>(())
            })
        });
        let work = tokio::spawn(async move { work.await.is_ok() });
        let mut got = vec![0; size];
        client.read_exact(&mut got).await.unwrap();
        if close {
            assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
            assert!(work.await.unwrap());
        } else {
            work.abort();
        }
        got
    }

    #[tokio::test]
    async fn every_byte_comes_in_order_however_small_the_pipe() {
        for (size, pipe) in [(10, 1 << 20), (100_000, 7), (1 << 20, 4096), (CAPACITY, 64), (CAPACITY + 1, 64)]
        {
            for close in [false, true] {
                let got = through(size, pipe, close).await;
                assert!(
                    got.iter().enumerate().all(|(at, &byte)| usize::from(byte) == at % 251),
                    "{size} {pipe}"
                );
            }
        }
    }

    #[tokio::test]
    async fn a_peer_that_is_gone_ends_the_connection() {
        let (server, client) = tokio::io::duplex(64);
        drop(client);
        let work = deferred(server, Arc::default(), ANY, |mut stream| {
            Box::pin(async move {
                stream.write_all(b"lost").await.unwrap();
                std::future::pending::<Result<(), Infallible>>().await
            })
        });
        assert!(work.await.unwrap_err().to_string().contains("broken pipe"));
    }

    /// Says goodbye for ever.
    struct Stuck;

    impl AsyncRead for Stuck {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Stuck {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_no_goodbye_is_left() {
        let rate = Rate { a_second: 64, ..ANY };
        let work = deferred(Stuck, Arc::default(), rate, |mut stream| {
            Box::pin(async move { stream.shutdown().await })
        });
        let start = tokio::time::Instant::now();
        assert!(work.await.unwrap_err().to_string().contains("too slowly"));
        assert_eq!(start.elapsed(), rate.over);
    }
}
