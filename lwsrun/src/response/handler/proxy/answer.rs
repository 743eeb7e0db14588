//! The content of an answer, handed on as it comes. Whoever takes it drives the upstream's connection meanwhile.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::fault::{Trouble, chain};
use super::http1::Http1;
use super::http2::Http2Answer;
use super::origin::Origin;
use super::pool;
use super::relay::{Exchanging as _, Relayed};
use super::timer::Timer;
use crate::connection::Watch;

/// Where content comes from.
pub(super) enum Source {
    /// A connection that whoever takes the content drives; at its end it can be used again.
    Http1(Box<Http1>),
    /// A stream of one that a task drives for all of them.
    Http2(Box<Http2Answer>),
    /// Either, driven by a task of its own while the request goes on.
    Relayed(Relayed, Timer),
    /// The content has ended.
    Nowhere,
}

impl Source {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self {
            Self::Http1(connection) => connection.poll_frame(cx),
            Self::Relayed(content, _) => content.poll_frame(cx),
            Self::Http2(answer) => answer.poll_frame(cx),
            Self::Nowhere => Poll::Ready(None),
        }
    }

    /// The content has ended: the connection is put back.
    fn release(&mut self, origin: &Origin) {
        if let Self::Http1(connection) = std::mem::replace(self, Self::Nowhere) {
            pool::put(origin.id(), connection);
        }
    }

    fn timer(&mut self) -> Option<&mut Timer> {
        match self {
            Self::Http1(connection) => Some(&mut connection.timer),
            Self::Relayed(_, timer) => Some(timer),
            Self::Http2(answer) => Some(&mut answer.timer),
            Self::Nowhere => None,
        }
    }

    fn is_ended(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_ended(),
            Self::Relayed(content, _) => content.is_ended(),
            Self::Http2(answer) => answer.is_ended(),
            Self::Nowhere => true,
        }
    }
}

/// The content of an answer as a body. What has come already is handed on whole, and its connection put back at once.
pub(super) fn body(mut source: Source, origin: &Arc<Origin>, watch: Watch, trouble: &Arc<Trouble>) -> Body {
    if let Source::Http1(connection) = &mut source
        && let Some(whole) = connection.take_whole()
    {
        source.release(origin);
        return if whole.is_empty() { Body::empty() } else { Body::from(whole) };
    }
    if source.is_ended() {
        return Body::empty();
    }
    Body::new(Answer::new(source, Arc::clone(origin), watch, Arc::clone(trouble)))
}

/// The content.
struct Answer {
    source: Source,
    origin: Arc<Origin>,
    watch: Watch,
    trouble: Arc<Trouble>,
    /// Why there is no more; to be told once what came before it is out.
    fault: Option<io::Error>,
}

impl Answer {
    fn new(mut source: Source, origin: Arc<Origin>, watch: Watch, trouble: Arc<Trouble>) -> Self {
        if let Some(timer) = source.timer() {
            timer.restart(origin.limits().idle);
        }
        Self { source, origin, watch, trouble, fault: None }
    }

    /// Nothing comes: whether to go on waiting.
    fn wait(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.watch.is_gone() {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the client has gone"));
        }
        let Some(timer) = self.source.timer() else { return Ok(()) };
        if !timer.is_over(cx) {
            return Ok(());
        }
        let seconds = self.origin.limits().idle.as_secs();
        self.trouble.say(&format!("its answer stopped for {seconds} s (`proxy-idle-timeout`) and was cut"));
        Err(io::ErrorKind::TimedOut.into())
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let answer = self.get_mut();
        if let Some(fault) = answer.fault.take() {
            return Poll::Ready(Some(Err(fault)));
        }
        match answer.source.poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if answer.source.is_ended() {
                    answer.source.release(&answer.origin);
                } else if let Some(timer) = answer.source.timer() {
                    timer.restart(answer.origin.limits().idle);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                answer.trouble.say(&format!("its answer broke off: {}", chain(&error)));
                // The client's connection writes what it has before it asks again, and is cut then.
                answer.source = Source::Nowhere;
                answer.fault = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(None) => {
                answer.source.release(&answer.origin);
                Poll::Ready(None)
            }
            Poll::Pending => match answer.wait(cx) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Some(Err(error))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_ended() && self.fault.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Http1(connection) => connection.size_hint(),
            // Where a length is known, the head has it.
            Source::Relayed(..) | Source::Http2(_) => SizeHint::default(),
            Source::Nowhere if self.fault.is_some() => SizeHint::default(),
            Source::Nowhere => SizeHint::with_exact(0),
        }
    }
}
