//! One request on its stream, and its answer.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Response, StatusCode};
use http_body::Frame;

use super::Http2;
use super::inbox::Inbox;
use super::output::Output;
use crate::response::handler::proxy::fault::Fault;
use crate::response::handler::proxy::hop_by_hop::is_hop_by_hop;
use crate::response::handler::proxy::http1::Wrong;
use crate::response::handler::proxy::relay::Exchanging;
use crate::response::handler::proxy::sending::{Sending, Stopped, Unanswered, Waiting};
use crate::response::handler::proxy::timer::Timer;
use crate::response::handler::proxy::upload::{Progress, Upload};

/// One request on its way, until there is a head of its answer.
pub(super) struct Asking<'a> {
    connection: Http2,
    response: ResponseFuture,
    output: Output,
    sending: Sending<'a>,
    waiting: Waiting,
    timer: Timer,
}

/// An answer whose content is on its way.
pub(in super::super) struct Http2Answer {
    content: Inbox,
    /// Whether there is no content, whatever comes.
    is_bare: bool,
    /// Bytes that were taken.
    received: u64,
    output: Output,
    pub(in super::super) timer: Timer,
    /// The connection has one request more while this lives.
    _connection: Http2,
}

impl<'a> Asking<'a> {
    pub(super) fn new(
        connection: Http2,
        response: ResponseFuture,
        output: Output,
        sending: Sending<'a>,
    ) -> Self {
        let timer = Timer::new(sending.limits.answer);
        Self { connection, response, output, sending, waiting: Waiting::default(), timer }
    }

    /// Waits for the head of the answer, while content goes out.
    pub(super) async fn answered(mut self) -> Result<Response<Box<Http2Answer>>, Unanswered> {
        let answered = match poll_fn(|cx| self.poll(cx)).await {
            Ok(answer) => checked(answer),
            Err(fault) => Err(fault),
        };
        match answered {
            Ok(answer) => {
                self.connection.shared.unanswered.store(0, Ordering::Relaxed);
                let (head, content) = answer.into_parts();
                let is_bare = self.sending.of_head
                    || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
                let answer = Http2Answer {
                    content: Inbox::new(content),
                    is_bare,
                    received: 0,
                    output: self.output,
                    timer: self.timer,
                    _connection: self.connection,
                };
                Ok(Response::from_parts(head, Box::new(answer)))
            }
            Err(fault) => {
                let Fault::Broken(error) = &fault else {
                    return Err(Unanswered { fault, unsent: false, stale: false });
                };
                // What was taken from the client is gone, and cannot be sent on another stream.
                let untouched = self.sending.progress.is_none_or(Progress::is_untouched);
                let unsent = untouched && is_refusal(error);
                let stale = self.connection.reused && self.connection.is_closed();
                Err(Unanswered { fault, unsent, stale })
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<RecvStream>, Fault>> {
        self.poll_output(cx)?;
        while let Poll::Ready(Some(interim)) = self.response.poll_informational(cx)? {
            self.waiting.informed(interim.status(), &self.sending)?;
        }
        if let Poll::Ready(answer) = Pin::new(&mut self.response).poll(cx)? {
            return Poll::Ready(Ok(answer));
        }
        let sent = (!self.output.is_done()).then(|| self.output.sent());
        self.waiting.go_on(&self.sending, &mut self.timer, sent, cx)?;
        Poll::Pending
    }

    /// Sends what can be sent.
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        match self.output.poll(self.sending.upload, cx) {
            // The upstream may have answered before; if it has not, the answer's end says why.
            Poll::Ready(Err(Stopped::Connection(_))) => {
                self.output.abandon();
                Ok(())
            }
            // What went out is no whole request, and cannot become one.
            Poll::Ready(Err(Stopped::Content)) => {
                Err(self.sending.progress.and_then(Progress::fault).unwrap_or(Fault::BrokenOff))
            }
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }
}

impl Exchanging for Http2Answer {
    fn poll_upload(&mut self, upload: &mut Upload, cx: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        self.output.poll(upload, cx)
    }

    fn abandon_upload(&mut self) {
        self.output.abandon();
    }

    fn has_sent_all(&self) -> bool {
        self.output.is_done()
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.is_bare {
            return Poll::Ready(None);
        }
        let frame = ready!(self.content.poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            self.received += frame.data_ref().map_or(0, |piece| piece.len() as u64);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
    }

    fn is_ended(&self) -> bool {
        self.is_bare || self.content.is_over()
    }

    fn moved(&self) -> u64 {
        self.output.sent() + self.received
    }
}

impl Drop for Http2Answer {
    fn drop(&mut self) {
        if self.content.is_over() {
            self.output.finish();
        }
    }
}

/// The head of an answer as it is passed on. What is for one connection is refused by h2 (RFC 9113, section 8.2.2), and so is
/// content of another length than is said; what is left of the former is for this server only.
fn checked(mut answer: Response<RecvStream>) -> Result<Response<RecvStream>, Fault> {
    let headers = answer.headers_mut();
    let own: Vec<_> = headers.keys().filter(|name| is_hop_by_hop(name)).cloned().collect();
    for name in own {
        headers.remove(name);
    }
    if has_two_lengths(headers) {
        return Err(Fault::Wrong(Wrong::Length));
    }
    Ok(answer)
}

/// Whether lengths are said that differ.
fn has_two_lengths(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let first = lengths.next();
    lengths.any(|length| Some(length) != first)
}

/// Whether an upstream says that it has not acted on a request (RFC 9113, section 8.7): its stream is refused, or is none of
/// those that are finished before the connection ends.
fn is_refusal(error: &h2::Error) -> bool {
    error.is_remote() && (error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM))
}
