//! The transport of a connection that changed its protocol, without what served its requests.
//!
//! The head guard, its clocks and all that answers requests were needed until the 101. A websocket that lives for days
//! should not hold them: they are over a kilobyte.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use hyper::upgrade::{Parts, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::guard::Guarded;
use super::http2::Sending;
use super::read_closed::ReadClosed;

/// A transport of any kind.
pub(crate) trait Transport: AsyncRead + AsyncWrite + ReadClosed + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + ReadClosed + Unpin + Send> Transport for S {}

impl ReadClosed for Box<dyn Transport> {
    fn is_read_closed(&self) -> bool {
        (**self).is_read_closed()
    }
}

/// A transport that was handed over.
pub(crate) struct HandedOver {
    pub(crate) stream: Box<dyn Transport>,
    /// What was read from it after the request.
    pub(crate) ahead: Bytes,
}

/// Takes the transport out of what hyper hands over. An extension of the requests that ask to upgrade, since only the
/// connection knows of which kind its transport is. Without it a stream is what hyper made of it.
#[derive(Clone)]
pub(crate) struct Unwrap(Kind);

#[derive(Clone)]
enum Kind {
    Guarded(fn(Upgraded) -> HandedOver),
    Stream(Sending),
}

impl Unwrap {
    /// For connections whose transport is a guarded one of this kind.
    pub(super) fn guarded<S: AsyncRead + AsyncWrite + ReadClosed + Unpin + Send + 'static>() -> Self {
        Self(Kind::Guarded(|upgraded| match upgraded.downcast::<TokioIo<Box<Guarded<S>>>>() {
            Ok(Parts { io, read_buf, .. }) => {
                let (stream, held) = io.into_inner().into_parts();
                HandedOver { stream: Box::new(stream), ahead: joined(&read_buf, &held) }
            }
            Err(upgraded) => whole(upgraded),
        }))
    }

    /// For a stream of HTTP/2, and what sends on it.
    pub(super) fn stream(sending: Sending) -> Self {
        Self(Kind::Stream(sending))
    }

    /// What is handed over.
    pub(crate) fn apply(unwrap: Option<Self>, upgraded: Upgraded) -> HandedOver {
        match unwrap {
            Some(Self(Kind::Guarded(unwrap))) => unwrap(upgraded),
            Some(Self(Kind::Stream(sending))) => {
                let stream = Stream { io: TokioIo::new(upgraded), sending };
                HandedOver { stream: Box::new(stream), ahead: Bytes::new() }
            }
            None => whole(upgraded),
        }
    }
}

impl fmt::Debug for Unwrap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Unwrap")
    }
}

/// A stream of HTTP/2. Whoever drops it before it is shut down resets it: hyper would go on to send what was written, if
/// the client only opened its window, which it need never do.
struct Stream {
    io: TokioIo<Upgraded>,
    sending: Sending,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.sending.stop();
    }
}

/// A stream that is reset is sent on no more. One that the client has merely ended cannot be told before it is read up
/// to its end.
impl ReadClosed for Stream {
    fn is_read_closed(&self) -> bool {
        self.sending.is_over()
    }
}

/// What hyper hides cannot be told.
impl ReadClosed for TokioIo<Upgraded> {
    fn is_read_closed(&self) -> bool {
        false
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

fn whole(upgraded: Upgraded) -> HandedOver {
    HandedOver { stream: Box::new(TokioIo::new(upgraded)), ahead: Bytes::new() }
}

/// A copy, since even an empty slice would hold all of hyper's buffer.
fn joined(first: &[u8], second: &[u8]) -> Bytes {
    let mut all = BytesMut::with_capacity(first.len() + second.len());
    all.extend_from_slice(first);
    all.extend_from_slice(second);
    all.freeze()
}
