//! The transport of a connection that changed its protocol, without what served its requests.
//!
//! The head guard, its clocks and all that answers requests were needed until the 101. A websocket that lives for days
//! should not hold them: they are over a kilobyte.

use std::fmt;

use bytes::{Bytes, BytesMut};
use hyper::upgrade::{Parts, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::guard::Guarded;

/// A transport of any kind.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Transport for S {}

/// A transport that was handed over.
pub(crate) struct HandedOver {
    pub(crate) stream: Box<dyn Transport>,
    /// What was read from it after the request.
    pub(crate) ahead: Bytes,
}

/// Takes the transport out of what hyper hands over. An extension of the requests that ask to upgrade, since only the
/// connection knows of which kind its transport is. Without it, as in HTTP/2, a stream is what hyper made of it.
#[derive(Clone, Copy)]
pub(crate) struct Unwrap(fn(Upgraded) -> HandedOver);

impl Unwrap {
    /// For connections whose transport is a guarded one of this kind.
    pub(super) fn guarded<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>() -> Self {
        Self(|upgraded| match upgraded.downcast::<TokioIo<Guarded<S>>>() {
            Ok(Parts { io, read_buf, .. }) => {
                let (stream, held) = io.into_inner().into_parts();
                HandedOver { stream: Box::new(stream), ahead: joined(&read_buf, &held) }
            }
            Err(upgraded) => whole(upgraded),
        })
    }

    /// What is handed over.
    pub(crate) fn apply(unwrap: Option<Self>, upgraded: Upgraded) -> HandedOver {
        match unwrap {
            Some(Self(unwrap)) => unwrap(upgraded),
            None => whole(upgraded),
        }
    }
}

impl fmt::Debug for Unwrap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Unwrap")
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
