//! An HTTP/1.1 connection to an upstream. It has no task of its own: whoever uses it drives it, so that an answer wakes
//! the client's connection and nobody else, and ends with it.
//!
//! This is on the path of every request, and does nothing but that: [`output`] writes a head that the caller has put
//! together and content as it comes, [`head`] reads the head of the answer, [`content`] what follows.

mod chunks;
mod content;
mod fields;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod head;
mod input;
mod output;

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::StatusCode;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

pub(super) use self::head::{Head, Wrong};
pub(super) use self::output::{Framing, put_field};

use self::content::Content;
use self::input::Input;
use self::output::Output;
use super::connect::Stream;
use super::fault::Fault;
use super::origin::Limits;
use super::pool::Ticket;
use super::relay::Exchanging;
use super::sending::{Sending, Stopped, Unanswered, Waiting};
use super::timer::Timer;
use super::upload::{Progress, Upload};

/// A connection that answers one request after the other.
pub(super) struct Http1 {
    stream: Stream,
    input: Input,
    output: Output,
    /// What is to come of the answer.
    content: Content,
    /// Whether it can take another request after that.
    keeps: bool,
    pub(super) timer: Timer,
    /// Since when it is idle; `None`: it is new.
    pub(super) idle_since: Option<Instant>,
    ticket: Ticket,
}

impl Http1 {
    /// Begins to speak on a connection.
    pub(super) fn new(stream: Stream, ticket: Ticket, limits: &Limits) -> Box<Self> {
        Box::new(Self {
            stream,
            input: Input::new(),
            output: Output::new(),
            content: Content::Ended,
            keeps: true,
            timer: Timer::new(limits.answer),
            idle_since: None,
            ticket,
        })
    }

    /// Begins a request whose content is framed so; the caller writes its head.
    pub(super) fn begin(&mut self, framing: Framing) -> &mut Vec<u8> {
        self.output.begin(framing)
    }

    /// Sends what was begun, and waits for the head of its answer.
    pub(super) async fn send(&mut self, sending: Sending<'_>) -> Result<Head, Unanswered> {
        let before = self.input.received();
        self.timer.restart(sending.limits.answer);
        let mut exchange = Exchange { sending, broken: None, looked_at: 0, waiting: Waiting::default() };
        let answered = poll_fn(|cx| exchange.poll(self, cx)).await;
        answered.map_err(|fault| {
            let silent = self.input.received() == before;
            let lost = silent && matches!(fault, Fault::Lost(_) | Fault::Closed);
            let stale = lost && self.idle_since.is_some();
            // What was taken from the client is with the connection, and cannot be sent on another one.
            let untouched = exchange.sending.progress.is_none_or(Progress::is_untouched);
            Unanswered { fault, unsent: lost && untouched && self.output.is_unsent(), stale }
        })
    }

    /// The whole content, if it has come already.
    pub(super) fn take_whole(&mut self) -> Option<Bytes> {
        match self.content {
            Content::Length(length) if self.input.bytes.len() as u64 >= length => {}
            Content::Ended => return Some(Bytes::new()),
            _ => return None,
        }
        let frame = self.content.take(&mut self.input.bytes).ok()??;
        frame.into_data().ok()
    }

    /// How much of the answer's content is to come.
    pub(super) fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }

    /// Whether it can take another request, now that it has done what it was asked. If it cannot any more, `waker` is told.
    pub(super) fn is_idle(&mut self, waker: &Waker) -> bool {
        self.keeps
            && self.content.is_ended()
            && self.output.is_done()
            && self.input.bytes.is_empty()
            // What comes now answers nothing, and an end is an end.
            && self.input.poll_fill(&mut self.stream, &mut Context::from_waker(waker)).is_pending()
    }

    /// It has no more to do for now.
    pub(super) fn rest(&mut self) {
        self.input.rest();
        self.idle_since = Some(Instant::now());
    }

    /// The connection itself, for another protocol, with what came of that.
    pub(super) fn into_parts(self) -> (Stream, Bytes, Ticket) {
        (self.stream, self.input.bytes.freeze(), self.ticket)
    }
}

impl Exchanging for Http1 {
    fn poll_upload(&mut self, upload: &mut Upload, cx: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        self.output.poll(&mut self.stream, upload, cx)
    }

    fn abandon_upload(&mut self) {
        self.output.abandon();
    }

    fn has_sent_all(&self) -> bool {
        self.output.is_done()
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            match self.content.take(&mut self.input.bytes) {
                Ok(Some(frame)) => return Poll::Ready(Some(Ok(frame))),
                Ok(None) if self.content.is_ended() => return Poll::Ready(None),
                Ok(None) => {}
                Err(wrong) => {
                    return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::InvalidData, wrong))));
                }
            }
            match ready!(self.input.poll_fill(&mut self.stream, cx)) {
                Ok(0) if self.content.end() => return Poll::Ready(None),
                Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    fn is_ended(&self) -> bool {
        self.content.is_ended()
    }

    fn moved(&self) -> u64 {
        self.output.sent() + self.input.received()
    }
}

/// One request on its way, until there is a head of its answer.
struct Exchange<'a> {
    sending: Sending<'a>,
    /// Why no more of the request goes out. The upstream may have answered before.
    broken: Option<io::Error>,
    /// How much of the input holds no end of a head.
    looked_at: usize,
    waiting: Waiting,
}

impl Exchange<'_> {
    fn poll(&mut self, connection: &mut Http1, cx: &mut Context<'_>) -> Poll<Result<Head, Fault>> {
        self.poll_output(connection, cx)?;
        if let Poll::Ready(head) = self.poll_head(connection, cx) {
            return Poll::Ready(head);
        }
        let sent = (!connection.output.is_done()).then(|| connection.output.sent());
        self.waiting.go_on(&self.sending, &mut connection.timer, sent, cx)?;
        Poll::Pending
    }

    /// Writes what can be written.
    fn poll_output(&mut self, connection: &mut Http1, cx: &mut Context<'_>) -> Result<(), Fault> {
        if self.broken.is_some() {
            return Ok(());
        }
        let Http1 { stream, output, keeps, .. } = connection;
        match output.poll(stream, self.sending.upload, cx) {
            Poll::Ready(Err(Stopped::Connection(error))) => {
                *keeps = false;
                output.abandon();
                self.broken = Some(error);
                Ok(())
            }
            // What went out is no whole request, and cannot become one.
            Poll::Ready(Err(Stopped::Content)) => {
                Err(self.sending.progress.and_then(Progress::fault).unwrap_or(Fault::BrokenOff))
            }
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    /// Reads up to the end of the answer's head.
    fn poll_head(&mut self, connection: &mut Http1, cx: &mut Context<'_>) -> Poll<Result<Head, Fault>> {
        loop {
            let Http1 { stream, input, .. } = connection;
            if !input.bytes.is_empty()
                && let Some(mut head) =
                    head::take(&mut input.bytes, &mut self.looked_at, self.sending.of_head)?
            {
                if head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
                    self.waiting.informed(head.status, &self.sending)?;
                    continue;
                }
                connection.keeps &= head.keeps;
                connection.content = std::mem::replace(&mut head.content, Content::Ended);
                return Poll::Ready(Ok(head));
            }
            match ready!(input.poll_fill(stream, cx)) {
                Ok(0) => return Poll::Ready(Err(self.broken.take().map_or(Fault::Closed, Fault::Lost))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(Fault::Lost(error))),
            }
        }
    }
}
