//! An HTTP/1.1 connection to an upstream. It has no task of its own: whoever uses it drives it, so that an answer wakes
//! the client's connection and nobody else, and ends with it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::connect::{Counted, Received, Stream};
use super::fault::Fault;
use super::origin::Limits;
use super::pool::Ticket;
use super::timer::Timer;
use super::upload::{Progress, Upload};
use crate::connection::Watch;

/// What is read at once and written at once, in bytes; a head must fit in.
pub(super) const MAX_BUFFER: usize = 64 << 10;

/// A connection that answers one request after the other.
pub(super) struct Http1 {
    sender: SendRequest<Upload>,
    driver: Connection<TokioIo<Counted>, Upload>,
    received: Received,
    pub(super) timer: Timer,
    /// Since when it is idle; `None`: it is new.
    pub(super) idle_since: Option<Instant>,
    _ticket: Ticket,
}

/// A request that was not answered.
pub(super) struct Unanswered {
    pub(super) fault: Fault,
    /// The request, if nothing of it was sent.
    pub(super) unsent: Option<Request<Upload>>,
    /// Whether the upstream may have closed the connection before it saw the request.
    pub(super) stale: bool,
}

impl Http1 {
    /// Begins to speak on a connection.
    pub(super) async fn new(stream: Stream, ticket: Ticket, limits: &Limits) -> Result<Box<Self>, Fault> {
        let (stream, received) = Counted::new(stream);
        let mut builder = Builder::new();
        builder.max_buf_size(MAX_BUFFER);
        let (sender, driver) = builder.handshake(TokioIo::new(stream)).await?;
        let timer = Timer::new(limits.answer);
        Ok(Box::new(Self { sender, driver, received, timer, idle_since: None, _ticket: ticket }))
    }

    /// Sends a request and waits for the head of its answer, while content goes out.
    pub(super) async fn send(
        &mut self,
        request: Request<Upload>,
        progress: Option<&Progress>,
        watch: &Watch,
        limits: &Limits,
    ) -> Result<Response<Incoming>, Unanswered> {
        let before = self.received.bytes();
        let reused = self.idle_since.is_some();
        self.timer.restart(limits.answer);
        let mut sending = pin!(self.sender.try_send_request(request));
        let (driver, timer) = (&mut self.driver, &mut self.timer);
        let mut uploaded = 0;
        let answered = poll_fn(|cx| {
            let ended = Pin::new(&mut *driver).poll(cx).is_ready();
            if let Poll::Ready(answered) = sending.as_mut().poll(cx) {
                return Poll::Ready(
                    answered.map_err(|mut error| (error.take_message(), Fault::Broken(error.into_error()))),
                );
            }
            if ended {
                return Poll::Ready(Err((None, Fault::Closed)));
            }
            if watch.is_gone() {
                return Poll::Ready(Err((None, Fault::ClientGone)));
            }
            while timer.is_over(cx) {
                match progress.map(Progress::bytes) {
                    Some(bytes) if bytes > uploaded => {
                        uploaded = bytes;
                        timer.restart(limits.answer);
                    }
                    _ => return Poll::Ready(Err((None, late(progress, limits)))),
                }
            }
            Poll::Pending
        });
        answered.await.map_err(|(unsent, fault)| {
            let silent = self.received.bytes() == before;
            let stale = reused && silent && matches!(fault, Fault::Broken(_) | Fault::Closed);
            Unanswered { fault, unsent, stale }
        })
    }

    /// Drives the connection; ready when it has ended, after which it must not be driven again.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.driver).poll(cx).map(drop)
    }

    /// Whether it can take another request, now that it has done what it was asked. It is driven on behalf of `waker`.
    pub(super) fn is_idle(&mut self, waker: &Waker) -> bool {
        self.poll(&mut Context::from_waker(waker)).is_pending() && self.sender.is_ready()
    }

    /// Its timer, of a connection that has ended.
    pub(super) fn into_timer(self) -> Timer {
        self.timer
    }

    /// Gives it a task of its own, and gives back its timer: content goes out whatever becomes of the answer, for as
    /// long as anything moves. An upstream that has answered and takes no more would keep the connection for ever.
    pub(super) fn detach(self, progress: Arc<Progress>, wait: Duration) -> Timer {
        let Self { mut driver, timer, received, _ticket: ticket, sender: _, idle_since: _ } = self;
        tokio::spawn(async move {
            let _ticket = ticket;
            let mut silence = Timer::new(wait);
            let mut moved = (0, 0);
            let ended = poll_fn(|cx| {
                if let Poll::Ready(ended) = Pin::new(&mut driver).poll(cx) {
                    return Poll::Ready(Some(ended));
                }
                while silence.is_over(cx) {
                    let now = (progress.bytes(), received.bytes());
                    if now == moved {
                        return Poll::Ready(None);
                    }
                    moved = now;
                    silence.restart(wait);
                }
                Poll::Pending
            });
            match ended.await {
                Some(Ok(())) => {}
                Some(Err(error)) => tracing::debug!("an upstream's connection ended: {error}"),
                None => tracing::debug!("an upstream has answered and takes no more of the request"),
            }
        });
        timer
    }
}

fn late(progress: Option<&Progress>, limits: &Limits) -> Fault {
    match progress {
        Some(progress) if !progress.is_done() => Fault::UploadTimeout(limits.answer),
        _ => Fault::AnswerTimeout(limits.answer),
    }
}
