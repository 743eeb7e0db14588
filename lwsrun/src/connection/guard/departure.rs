//! The end of a client, looked for while an answer is made and a handler wants to know: see
//! [`presence`](super::super::presence).
//!
//! Nobody else reads then, so the guard does, and holds what comes: the beginning of the next request. More is not read
//! while that waits, nor while there is content that the handler has yet to take. Then the end cannot come by reading, so
//! once in a while it is looked whether the client has closed its side behind what is unread.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Guarded, PIECE};
use crate::connection::glances::Glances;
use crate::connection::read_closed::ReadClosed;

impl<S: AsyncRead + AsyncWrite + ReadClosed + Unpin> Guarded<S> {
    /// Looks for the end, if somebody wants to know of it.
    pub(super) fn look_for_end(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.presence.is_wanted() {
            self.glances = Glances::default();
            return Ok(());
        }
        if self.aside || self.refusing.is_some() {
            return Ok(());
        }
        if self.scanner.is_undecided() || self.scanner.is_in_body() || !self.held.is_empty() {
            if self.glances.is_due(cx) && self.io.is_read_closed() {
                self.has_gone(cx);
            }
            return Ok(());
        }
        let mut space = [MaybeUninit::uninit(); PIECE];
        let mut piece = ReadBuf::uninit(&mut space);
        let Poll::Ready(read) = Pin::new(&mut self.io).poll_read(cx, &mut piece) else { return Ok(()) };
        if read.is_err() || piece.filled().is_empty() {
            self.has_gone(cx);
            return read;
        }
        self.held.extend_from_slice(piece.filled());
        self.scan_held();
        // Behind it nothing is read: there may be an end, and nothing else would wake this.
        let _ = self.glances.is_due(cx);
        Ok(())
    }

    fn has_gone(&mut self, cx: &mut Context<'_>) {
        self.presence.end();
        // The handler was asked earlier in this turn.
        cx.waker().wake_by_ref();
    }
}
