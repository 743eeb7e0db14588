//! The stream that the frame decoder reads: as it comes, or unpacked.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::super::stream::ReadAhead;
use super::{Deflate, Inbound};

/// See the module.
pub(in super::super) struct Inflated<S> {
    io: ReadAhead<S>,
    unpacking: Option<Box<Unpacking>>,
}

struct Unpacking {
    inbound: Inbound,
    /// Unpacked, not read yet.
    given: Bytes,
}

impl<S> Inflated<S> {
    /// Unpacks, if it was agreed.
    pub(in super::super) fn new(io: ReadAhead<S>, deflate: Option<Deflate>) -> Self {
        let unpacking = |deflate: Deflate| Unpacking { inbound: deflate.inbound(), given: Bytes::new() };
        Self { io, unpacking: deflate.map(unpacking).map(Box::new) }
    }

    /// Whether all that came has been taken, and was whole messages.
    pub(in super::super) fn is_between_messages(&self) -> bool {
        let unpacked =
            |unpacking: &Unpacking| unpacking.given.is_empty() && unpacking.inbound.is_between_messages();
        self.io.is_between_messages() && self.unpacking.as_deref().is_none_or(unpacked)
    }

    /// The stream below.
    pub(in super::super) fn get_ref(&self) -> &ReadAhead<S> {
        &self.io
    }

    /// The stream below, without what is unpacked already.
    pub(in super::super) fn into_inner(self) -> ReadAhead<S> {
        self.io
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Inflated<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(unpacking) = &mut this.unpacking else {
            return Pin::new(&mut this.io).poll_read(cx, buffer);
        };
        let Unpacking { inbound, given } = &mut **unpacking;
        while given.is_empty() {
            *given = inbound.next(this.io.ahead()).map_err(io::Error::other)?;
            if given.is_empty() && ready!(this.io.poll_fill(cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
        let now = given.len().min(buffer.remaining());
        buffer.put_slice(&given[..now]);
        given.advance(now);
        if given.is_empty() {
            // It may be a slice of something larger.
            *given = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Inflated<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
