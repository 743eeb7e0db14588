//! A transport that holds its place in the count of open connections, also after it was upgraded.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;

use super::addresses::Place;
use super::read_closed::ReadClosed;

/// A place among the worker's connections, and among those of the peer's address.
#[derive(Debug)]
pub(super) struct Slot {
    of_worker: OwnedSemaphorePermit,
    _of_address: Place,
}

impl Slot {
    pub(super) fn new(of_worker: OwnedSemaphorePermit, of_address: Place) -> Self {
        Self { of_worker, _of_address: of_address }
    }

    /// One more place among the worker's connections, for a connection that this one leads to; `None` if all are taken.
    pub(super) fn another(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(self.of_worker.semaphore()).try_acquire_owned().ok()
    }
}

/// A stream and its place. Whoever takes the stream over, such as a websocket session, holds the place on.
#[derive(Debug)]
pub(crate) struct Slotted<S> {
    pub(super) stream: S,
    slot: Slot,
}

impl<S> Slotted<S> {
    pub(super) fn new(stream: S, slot: Slot) -> Self {
        Self { stream, slot }
    }

    /// See [`Slot::another`].
    pub(super) fn another(&self) -> Option<OwnedSemaphorePermit> {
        self.slot.another()
    }
}

impl<S: ReadClosed> ReadClosed for Slotted<S> {
    fn is_read_closed(&self) -> bool {
        self.stream.is_read_closed()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Slotted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Slotted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    // Without these two hyper would copy every response into one buffer.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
