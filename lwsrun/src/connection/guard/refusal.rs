//! The guard's own answer: written, flushed, and followed by an end that lets the peer read it.

use std::fmt::Write as _;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use http::{Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::fault::Fault;
use crate::response::log::Entry;

/// How long the peer may go on sending before the connection is closed. If it were closed with unread input, the
/// kernel would throw the answer away.
const LINGER: Duration = Duration::from_secs(2);

/// How much of that is read, in bytes.
const MAX_LINGER: usize = 1 << 20;

/// An answer on its way.
#[derive(Debug)]
pub(super) struct Refusing {
    bytes: Vec<u8>,
    written: usize,
    /// Whether the first byte was tried to be written.
    pub(super) begun: bool,
    /// Whether the head has passed, so that somebody else may have begun to answer.
    pub(super) of_body: bool,
    ending: Ending,
    fault: Fault,
    /// Status, and bytes of the body.
    answer: (StatusCode, u64),
    /// Its line in the log, until it is written.
    entry: Option<Entry>,
    /// Set when it begins.
    deadline: Option<Pin<Box<Sleep>>>,
    drained: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Ending {
    Writing,
    Flushing,
    Closing,
    Lingering,
    Over,
}

impl Refusing {
    /// `only_head`: the request was a HEAD.
    pub(super) fn new(
        response: &Response<String>,
        entry: Option<Entry>,
        fault: Fault,
        of_body: bool,
        only_head: bool,
    ) -> Self {
        let body = if only_head { 0 } else { response.body().len() as u64 };
        Self {
            answer: (response.status(), body),
            entry,
            bytes: serialise(response, only_head),
            written: 0,
            begun: false,
            of_body,
            ending: Ending::Writing,
            fault,
            deadline: None,
            drained: 0,
        }
    }

    /// Status, and bytes of the body.
    pub(super) fn answer(&self) -> (StatusCode, u64) {
        self.answer
    }

    /// Why the input ends here.
    pub(super) fn error(&self) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, self.fault.what)
    }

    /// Answers and closes. Ready when all is done, or cannot be done.
    pub(super) fn poll<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if !self.begun {
            self.begun = true;
            tracing::debug!("request refused: {}", self.fault.what);
        }
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        if deadline.as_mut().poll(cx).is_ready() {
            self.ending = Ending::Over;
        }
        while self.ending != Ending::Over {
            // The peer may have gone; there is nothing more to do for it.
            if ready!(self.poll_step(io, cx)).is_err() {
                self.ending = Ending::Over;
            }
        }
        Poll::Ready(())
    }

    fn poll_step<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.ending = match self.ending {
            Ending::Writing => {
                let bytes = &self.bytes[self.written..];
                self.written += match ready!(Pin::new(io).poll_write(cx, bytes))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => written,
                };
                if self.written == self.bytes.len() {
                    if let Some(mut entry) = self.entry.take() {
                        entry.sent(self.answer.1);
                    }
                    Ending::Flushing
                } else {
                    Ending::Writing
                }
            }
            Ending::Flushing => {
                ready!(Pin::new(io).poll_flush(cx))?;
                Ending::Closing
            }
            Ending::Closing => {
                ready!(Pin::new(io).poll_shutdown(cx))?;
                Ending::Lingering
            }
            Ending::Lingering | Ending::Over => {
                let mut space = [MaybeUninit::uninit(); 4096];
                let mut piece = ReadBuf::uninit(&mut space);
                ready!(Pin::new(io).poll_read(cx, &mut piece))?;
                self.drained += piece.filled().len();
                let over = piece.filled().is_empty() || self.drained > MAX_LINGER;
                if over { Ending::Over } else { Ending::Lingering }
            }
        };
        Poll::Ready(Ok(()))
    }
}

fn serialise(response: &Response<String>, only_head: bool) -> Vec<u8> {
    let (status, body) = (response.status(), response.body());
    let reason = status.canonical_reason().unwrap_or_default();
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16());
    let date = httpdate::fmt_http_date(SystemTime::now());
    // Writing to a string cannot fail.
    let _ = write!(head, "date: {date}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    let mut bytes = head.into_bytes();
    for (name, value) in response.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    if !only_head {
        bytes.extend_from_slice(body.as_bytes());
    }
    bytes
}
