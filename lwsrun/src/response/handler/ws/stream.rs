//! Below the frames: reads through one large buffer for each thread.
//!
//! A buffer of its own for each connection costs idle ones kilobytes; no buffer costs busy ones a system call for
//! each frame. So all connections of a thread read into the same 64 KiB, and a connection keeps only what its frame
//! decoder did not take at once. The [`Screen`] sees what was read first.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::fault::Fault;
use super::screen::Screen;

/// Most that one read takes from the socket.
const READ: usize = 64 * 1024;

thread_local! {
    static SHARED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A stream that reads ahead, and counts what passes.
pub(super) struct ReadAhead<S> {
    io: S,
    ahead: Bytes,
    screen: Screen,
    /// What is wrong with what was read last. It is told when all before it has been taken.
    fault: Option<Fault>,
    received: u64,
    sent: u64,
}

impl<S> ReadAhead<S> {
    /// On a stream of which some was read already, with a limit for frames.
    pub(super) fn new(io: S, mut ahead: Bytes, longest_frame: usize) -> Self {
        let mut screen = Screen::new(longest_frame);
        let found = screen.look(&ahead).err();
        let fault = found.map(|(good, fault)| {
            ahead.truncate(good);
            fault
        });
        Self { io, ahead, screen, fault, received: 0, sent: 0 }
    }

    /// Whether all that came has been taken, and was whole messages.
    pub(super) fn is_between_messages(&self) -> bool {
        self.ahead.is_empty() && self.fault.is_none() && self.screen.is_between_messages()
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
        self.ahead = ready!(self.read_screened(cx, Bytes::copy_from_slice))?;
        Poll::Ready(Ok(self.ahead.len()))
    }

    /// Reads and forgets. Gives how much that was, 0 at the end.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.ahead = Bytes::new();
        read_shared(&mut self.io, cx, <[u8]>::len)
    }

    /// Reads, and hands `take` what came, unless what came before has a fault.
    fn read_screened<T>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&[u8]) -> T,
    ) -> Poll<io::Result<T>> {
        if let Some(fault) = self.fault {
            return Poll::Ready(Err(io::Error::other(fault)));
        }
        let Self { io, screen, fault, received, .. } = self;
        let taken = ready!(read_shared(io, cx, |came| {
            *received += came.len() as u64;
            let Err((good, found)) = screen.look(came) else { return Ok(take(came)) };
            *fault = Some(found);
            // Nothing at all would be taken for the end.
            if good == 0 { Err(io::Error::other(found)) } else { Ok(take(&came[..good])) }
        }))?;
        Poll::Ready(taken)
    }
}

/// Reads into the thread's buffer and hands `take` what came.
fn read_shared<S: AsyncRead + Unpin, T>(
    io: &mut S,
    cx: &mut Context<'_>,
    take: impl FnOnce(&[u8]) -> T,
) -> Poll<io::Result<T>> {
    SHARED.with_borrow_mut(|shared| {
        shared.resize(READ, 0);
        let mut buffer = ReadBuf::new(shared);
        ready!(Pin::new(io).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(take(buffer.filled())))
    })
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
            this.ahead = ready!(this.read_screened(cx, taken))?;
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
        // Two frames, so that it is good to look at.
        let head = [0x82, 127, 0, 0, 0, 0, 0, 6, 0x1a, 0x80];
        let payload: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let sent = [&head[..], &payload, &head, &payload].concat();
        far.write_all(&sent).await.unwrap();
        drop(far);
        let mut near = ReadAhead::new(near, Bytes::new(), usize::MAX);
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
