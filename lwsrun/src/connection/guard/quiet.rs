//! A connection on which nothing comes any more: the guard says so, and waits for the next request by itself.
//!
//! hyper's buffers for a connection are 16 KiB, and it never gives them back. Most connections that are open at a time
//! are between two requests, or after their last, so whoever drives hyper takes it down when the guard is quiet, and
//! sets it up again when there is something to read: see [`turns`](super::super::turns).

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Answers, Guarded, PIECE};
use crate::connection::pace::Wait;

impl Answers {
    /// Whether nothing is on its way, in either direction, and nothing came for a while. The guard reads nothing then.
    pub(in crate::connection) fn is_quiet(&self) -> bool {
        self.quiet.load(Ordering::Relaxed)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    /// Becomes quiet, or does so once all answers are out.
    pub(super) fn become_quiet(&mut self, cx: &mut Context<'_>) {
        if self.unflushed {
            self.reader = Some(cx.waker().clone());
        } else {
            self.answers.quiet.store(true, Ordering::Relaxed);
        }
    }

    /// Takes back what had passed and was not used.
    pub(in crate::connection) fn give_back(&mut self, unused: &[u8]) {
        self.held.splice(..0, unused.iter().copied());
        self.ready += unused.len();
    }

    /// While it is quiet: waits for the next request, as long as the last answer allows. `true`: there is something to
    /// read, and it is not quiet any more. `false`: the connection is over.
    pub(in crate::connection) fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.held.is_empty() && self.refusing.is_none() {
            let mut space = [MaybeUninit::uninit(); PIECE];
            let mut piece = ReadBuf::uninit(&mut space);
            if Pin::new(&mut self.io).poll_read(cx, &mut piece)?.is_pending() {
                let idle = self.answers.idle_after(self.heads).unwrap_or(self.timeout);
                return match self.reading.is_over(Wait::Request(idle), cx) {
                    true => Poll::Ready(Ok(false)),
                    false => Poll::Pending,
                };
            }
            if piece.filled().is_empty() {
                return Poll::Ready(Ok(false));
            }
            self.reading.moved(piece.filled().len());
            self.held.extend_from_slice(piece.filled());
            self.scan_held();
        }
        self.answers.quiet.store(false, Ordering::Relaxed);
        Poll::Ready(Ok(true))
    }
}
