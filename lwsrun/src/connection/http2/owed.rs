//! What a connection owes its client: chunks of answers that are made, and that the client has not taken yet. And how
//! the client shows that it is at it.
//!
//! hyper asks a body for a chunk before it knows whether the client wants one, and keeps it until the client opens a
//! window for it. So there is such a chunk exactly if an answer waits for the client, and not for who makes it.

use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};

use crate::response::log::Logged;

/// The sum over all streams of a connection.
#[derive(Debug, Default)]
pub(super) struct Owed {
    /// Bytes that wait.
    waiting: AtomicUsize,
    /// Bytes that were taken, in the life of the connection.
    taken: AtomicU64,
    /// What is in frames waits for room in the transport.
    blocked: AtomicBool,
    /// Something has come from the client since that was last asked.
    heard: AtomicBool,
}

impl Owed {
    /// Bytes that wait for the client.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Bytes that were put into frames since the connection began.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Whether frames wait for room in the transport.
    pub(super) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, Ordering::Relaxed);
    }

    /// Whether everything that was made is with the kernel.
    pub(super) fn is_nothing(&self) -> bool {
        self.waiting() == 0 && !self.blocked.load(Ordering::Relaxed)
    }

    /// Something has come from the client.
    pub(super) fn hear(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// Whether something has come from the client since this was last called.
    pub(super) fn take_heard(&self) -> bool {
        self.heard.swap(false, Ordering::Relaxed)
    }
}

/// The body of an answer, whose chunks are owed until they are sent.
#[derive(Debug)]
pub(super) struct Answer {
    body: Logged,
    owed: Arc<Owed>,
}

/// Bytes of an answer.
#[derive(Debug)]
pub(super) struct Chunk {
    bytes: Bytes,
    owed: Arc<Owed>,
}

impl Answer {
    pub(super) fn new(body: Logged, owed: Arc<Owed>) -> Self {
        Self { body, owed }
    }
}

impl http_body::Body for Answer {
    type Data = Chunk;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Chunk>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        polled.map_ok(|frame| frame.map_data(|bytes| Chunk::new(bytes, Arc::clone(&self.owed))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Chunk {
    fn new(bytes: Bytes, owed: Arc<Owed>) -> Self {
        owed.waiting.fetch_add(bytes.len(), Ordering::Relaxed);
        Self { bytes, owed }
    }
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.bytes.chunks_vectored(slices)
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.owed.waiting.fetch_sub(count, Ordering::Relaxed);
        self.owed.taken.fetch_add(count as u64, Ordering::Relaxed);
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // What is left of a stream that was reset is owed no more.
        self.owed.waiting.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_owed_until_it_is_taken_or_dropped() {
        let owed = Arc::new(Owed::default());
        let mut first = Chunk::new(Bytes::from_static(b"0123456789"), Arc::clone(&owed));
        let second = Chunk::new(Bytes::from_static(b"abc"), Arc::clone(&owed));
        assert_eq!((owed.waiting(), owed.taken()), (13, 0));
        first.advance(4);
        assert_eq!((owed.waiting(), owed.taken(), first.chunk()), (9, 4, &b"456789"[..]));
        drop(second);
        drop(first);
        assert_eq!((owed.waiting(), owed.taken()), (0, 4));
    }
}
