//! The content of an answer, handed on as it comes. Whoever takes it drives the upstream's connection meanwhile.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::fault::{Trouble, chain};
use super::http1::Http1;
use super::origin::Origin;
use super::pool;
use super::timer::Timer;
use crate::connection::Watch;

/// Who drives the connection that content comes from.
pub(super) enum Driver {
    /// Whoever takes the content; at its end the connection can be used again.
    Http1(Box<Http1>),
    /// A task; here is only the clock.
    Elsewhere(Timer),
    /// The content has ended.
    Nobody,
}

impl Driver {
    /// The content has ended: the connection is put back.
    pub(super) fn release(self, origin: u64) {
        if let Self::Http1(connection) = self {
            pool::put(origin, connection);
        }
    }

    fn timer(&mut self) -> Option<&mut Timer> {
        match self {
            Self::Http1(connection) => Some(&mut connection.timer),
            Self::Elsewhere(timer) => Some(timer),
            Self::Nobody => None,
        }
    }
}

/// The content.
pub(super) struct Answer {
    content: Incoming,
    driver: Driver,
    origin: Arc<Origin>,
    watch: Watch,
    trouble: Arc<Trouble>,
    /// Why there is no more; to be told once what came before it is out.
    fault: Option<io::Error>,
}

impl Answer {
    pub(super) fn new(
        content: Incoming,
        mut driver: Driver,
        origin: Arc<Origin>,
        watch: Watch,
        trouble: Arc<Trouble>,
    ) -> Self {
        if let Some(timer) = driver.timer() {
            timer.restart(origin.limits().idle);
        }
        Self { content, driver, origin, watch, trouble, fault: None }
    }

    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        // What it asks for comes while the connection is driven.
        let polled = Pin::new(&mut self.content).poll_frame(cx);
        if polled.is_ready() {
            return polled;
        }
        let Driver::Http1(connection) = &mut self.driver else { return Poll::Pending };
        let ended = connection.poll(cx).is_ready();
        if ended && let Driver::Http1(connection) = std::mem::replace(&mut self.driver, Driver::Nobody) {
            self.driver = Driver::Elsewhere(connection.into_timer());
        }
        Pin::new(&mut self.content).poll_frame(cx)
    }

    fn release(&mut self) {
        std::mem::replace(&mut self.driver, Driver::Nobody).release(self.origin.id());
    }

    /// Nothing comes: whether to go on waiting.
    fn wait(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.watch.is_gone() {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the client has gone"));
        }
        let Some(timer) = self.driver.timer() else { return Ok(()) };
        if !timer.is_over(cx) {
            return Ok(());
        }
        let seconds = self.origin.limits().idle.as_secs();
        self.trouble.say(&format!("its answer stopped for {seconds} s (`proxy-idle-timeout`) and was cut"));
        Err(io::ErrorKind::TimedOut.into())
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let answer = self.get_mut();
        if let Some(fault) = answer.fault.take() {
            return Poll::Ready(Some(Err(fault)));
        }
        match answer.poll_content(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if answer.content.is_end_stream() {
                    answer.release();
                } else if let Some(timer) = answer.driver.timer() {
                    timer.restart(answer.origin.limits().idle);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                answer.trouble.say(&format!("its answer broke off: {}", chain(&error)));
                // The client's connection writes what it has before it asks again, and is cut then.
                answer.fault = Some(io::Error::other(error));
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(None) => {
                answer.release();
                Poll::Ready(None)
            }
            Poll::Pending => match answer.wait(cx) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Some(Err(error))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}
