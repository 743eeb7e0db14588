//! What comes on a connection and has not been taken yet.

use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The least that is read at once, in bytes.
const LEAST: usize = 4 << 10;

/// The room that a connection begins with, in bytes: for a head and a short answer, several times over, so that room is
/// found again and again before there must be new one.
const FIRST: usize = 16 << 10;

/// The most that is read at once, in bytes.
const MOST: usize = 64 << 10;

/// Bytes that came.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) bytes: BytesMut,
    /// How much to read next; more, as long as there is as much.
    next: usize,
    /// How much has come since the beginning.
    received: u64,
}

impl Input {
    pub(super) fn new() -> Self {
        Self { bytes: BytesMut::with_capacity(FIRST), next: LEAST, received: 0 }
    }

    /// Reads what there is; how many bytes that was, none for the end.
    pub(super) fn poll_fill(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.bytes.reserve(self.next);
        let room = self.bytes.capacity() - self.bytes.len();
        // It holds no state between two polls.
        let count = ready!(pin!(stream.read_buf(&mut self.bytes)).poll(cx))?;
        self.received += count as u64;
        if count == room {
            self.next = (room * 2).min(MOST);
        }
        Poll::Ready(Ok(count))
    }

    /// The connection is idle: no more room is kept than it began with.
    pub(super) fn rest(&mut self) {
        if self.next > LEAST {
            *self = Self { received: self.received, ..Self::new() };
        }
    }

    /// How much has come since the beginning.
    pub(super) fn received(&self) -> u64 {
        self.received
    }
}
