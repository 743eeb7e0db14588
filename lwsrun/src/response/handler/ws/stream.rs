//! Below the frames: reads through one large buffer for each thread.
//!
//! A buffer of its own for each connection costs idle ones kilobytes; no buffer costs busy ones a system call for
//! each frame. So all connections of a thread read into the same 64 KiB, and a connection keeps only what its frame
//! decoder did not take at once.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most that one read takes from the socket.
const READ: usize = 64 * 1024;

thread_local! {
    static SHARED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A stream that reads ahead, and counts what passes.
pub(super) struct ReadAhead<S> {
    io: S,
    ahead: Bytes,
    received: u64,
    sent: u64,
}

impl<S> ReadAhead<S> {
    pub(super) fn new(io: S) -> Self {
        Self { io, ahead: Bytes::new(), received: 0, sent: 0 }
    }

    /// Bytes that came from the peer so far.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Bytes that the socket took so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }
}

impl<S: AsyncRead + Unpin> ReadAhead<S> {
    /// What was read ahead; to be taken from its beginning.
    pub(super) fn ahead(&mut self) -> &mut Bytes {
        &mut self.ahead
    }

    /// Reads ahead, where nothing is left of what was. Gives how much that was, 0 at the end.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.ahead = ready!(self.read_shared(cx, Bytes::copy_from_slice))?;
        Poll::Ready(Ok(self.ahead.len()))
    }

    /// Reads and forgets. Gives how much that was, 0 at the end.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.ahead = Bytes::new();
        self.read_shared(cx, <[u8]>::len)
    }

    /// Reads into the thread's buffer and hands `take` what came.
    fn read_shared<T>(&mut self, cx: &mut Context<'_>, take: impl FnOnce(&[u8]) -> T) -> Poll<io::Result<T>> {
        SHARED.with_borrow_mut(|shared| {
            shared.resize(READ, 0);
            let mut buffer = ReadBuf::new(shared);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
            self.received += buffer.filled().len() as u64;
            Poll::Ready(Ok(take(buffer.filled())))
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ahead.is_empty() {
            let taken = |came: &[u8]| {
                let now = came.len().min(buffer.remaining());
                buffer.put_slice(&came[..now]);
                Bytes::copy_from_slice(&came[now..])
            };
            this.ahead = ready!(this.read_shared(cx, taken))?;
        } else {
            let now = this.ahead.len().min(buffer.remaining());
            buffer.put_slice(&this.ahead[..now]);
            this.ahead.advance(now);
            if this.ahead.is_empty() {
                this.ahead = Bytes::new();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadAhead<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.io).poll_write(cx, bytes))?;
        this.sent += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn small_reads_get_every_byte_in_order() {
        let (mut far, near) = tokio::io::duplex(1 << 20);
        let sent: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        far.write_all(&sent).await.unwrap();
        drop(far);
        let mut near = ReadAhead::new(near);
        let mut got = Vec::new();
        let mut piece = [0; 14];
        loop {
            let n = near.read(&mut piece).await.unwrap();
            if n == 0 {
                break;
            }
            got.extend_from_slice(&piece[..n]);
        }
        assert_eq!(got, sent);
        assert_eq!(near.received(), sent.len() as u64);
    }
}
