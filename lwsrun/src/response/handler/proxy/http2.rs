//! An HTTP/2 connection to an upstream, for many requests at once. A task drives it.

use std::error::Error as _;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use http::header::PROXY_AUTHENTICATE;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::Instant;

use super::connect::Stream;
use super::fault::Fault;
use super::http1::{Sending, Unanswered};
use super::pool::Ticket;
use super::timer::Timer;
use super::upload::{Progress, Upload};

/// How much of one answer the upstream may send ahead, in bytes.
const STREAM_WINDOW: u32 = 64 << 10;

/// The same for all answers of a connection: each may fill its own window, so that no slow reader holds up another.
const CONNECTION_WINDOW: u32 = 100 * STREAM_WINDOW;

const _: () = assert!(CONNECTION_WINDOW as usize >= MAX_STREAMS * STREAM_WINDOW as usize);

/// The most requests at once. That is what RFC 9113, section 6.5.2, has upstreams allow at the least; with more, there are
/// more connections.
const MAX_STREAMS: usize = 100;

/// Silence after which an upstream is asked whether it is there, and how long it has to say so.
const PING: Duration = Duration::from_secs(15);

/// How much of one request's content is kept until the upstream takes it, in bytes.
const MAX_SEND_BUFFER: usize = 64 << 10;

/// The largest head of an answer, in bytes as RFC 9113, section 6.5.2, counts them.
const MAX_HEAD: u32 = 64 << 10;

/// A connection; each clone sends requests on it. It closes when all are dropped and the last answer has ended.
#[derive(Clone)]
pub(super) struct Http2 {
    sender: SendRequest<Upload>,
    pub(super) last_used: Instant,
    /// Whether it has carried a request before.
    pub(super) reused: bool,
    /// Each clone is a request; one more is the pool's.
    users: Arc<()>,
    /// How many requests at once the upstream allows, as was known when the last one went out.
    allowed: Arc<AtomicUsize>,
}

/// An answer whose content is on its way.
pub(super) struct Http2Answer {
    pub(super) content: Incoming,
    pub(super) timer: Timer,
    /// The connection has one request more while this lives.
    _connection: Http2,
}

impl Http2 {
    /// Begins to speak on a connection.
    pub(super) async fn new(stream: Stream, ticket: Ticket) -> Result<Self, Fault> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(MAX_SEND_BUFFER)
            .max_header_list_size(MAX_HEAD)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        let (sender, mut driver) = builder.handshake(TokioIo::new(stream)).await?;
        let allowed = Arc::new(AtomicUsize::new(MAX_STREAMS));
        let told = Arc::clone(&allowed);
        tokio::spawn(async move {
            let _ticket = ticket;
            let driven = poll_fn(|cx| {
                let driven = Pin::new(&mut driver).poll(cx);
                told.store(driver.current_max_send_streams(), Ordering::Relaxed);
                driven
            });
            if let Err(error) = driven.await {
                tracing::debug!("an upstream's connection ended: {error}");
            }
        });
        Ok(Self { sender, last_used: Instant::now(), reused: false, users: Arc::default(), allowed })
    }

    /// The same for requests after the first.
    pub(super) fn again(&self) -> Self {
        Self { reused: true, ..self.clone() }
    }

    /// Whether it takes no more requests.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Whether it takes one more request. Beyond what the upstream allows at once they would wait in a queue that nobody
    /// bounds.
    pub(super) fn has_room(&self) -> bool {
        let most = self.allowed.load(Ordering::Relaxed).min(MAX_STREAMS);
        !self.is_closed() && Arc::strong_count(&self.users) <= most
    }

    /// Sends a request and waits for the head of its answer, while content goes out.
    ///
    /// What of `upload` was not sent is given back.
    pub(super) async fn send(
        mut self,
        request: Request<()>,
        sending: Sending<'_>,
    ) -> Result<Response<Http2Answer>, Unanswered> {
        let Sending { upload, progress, watch, limits, .. } = sending;
        let wait = limits.answer;
        let mut timer = Timer::new(wait);
        let request = request.map(|()| std::mem::replace(upload, Upload::None));
        let mut answering = pin!(self.sender.try_send_request(request));
        let mut uploaded = 0;
        let answered = poll_fn(|cx| {
            if let Poll::Ready(answered) = answering.as_mut().poll(cx) {
                return Poll::Ready(
                    answered.map_err(|mut error| (error.take_message(), Fault::Broken(error.into_error()))),
                );
            }
            if watch.is_gone() {
                return Poll::Ready(Err((None, Fault::ClientGone)));
            }
            while timer.is_over(cx) {
                if !progress.is_some_and(|progress| progress.excuses(&mut uploaded)) {
                    let sent = progress.is_none_or(Progress::is_done);
                    return Poll::Ready(Err((None, Fault::late(sent, wait))));
                }
                timer.restart(wait);
            }
            Poll::Pending
        });
        match answered.await {
            Ok(mut answer) => {
                // For this server only. What is for one connection is refused by h2 (RFC 9113, section 8.2.2).
                answer.headers_mut().remove(PROXY_AUTHENTICATE);
                Ok(answer.map(|content| Http2Answer { content, timer, _connection: self }))
            }
            Err((request, fault)) => {
                let stale = self.reused && self.is_closed() && matches!(fault, Fault::Broken(_));
                let unsent = match request {
                    Some(request) => {
                        *upload = request.into_body();
                        true
                    }
                    None => progress.is_none() && matches!(&fault, Fault::Broken(error) if is_refusal(error)),
                };
                Err(Unanswered { fault, unsent, stale })
            }
        }
    }
}

/// Whether an upstream says that it has not acted on a request (RFC 9113, section 8.7): its stream is refused, or is none of
/// those that are finished before the connection ends.
fn is_refusal(error: &hyper::Error) -> bool {
    let Some(error) = error.source().and_then(|source| source.downcast_ref::<h2::Error>()) else {
        return false;
    };
    error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
}
