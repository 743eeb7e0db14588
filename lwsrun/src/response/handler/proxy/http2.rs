//! An HTTP/2 connection to an upstream, for many requests at once. A task drives it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use http::uri::Scheme;
use http::{Request, Response, Uri, header::HOST};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::Instant;

use super::connect::Stream;
use super::fault::Fault;
use super::http1::{MAX_BUFFER, Unanswered};
use super::origin::Origin;
use super::pool::Ticket;
use super::timer::Timer;
use super::upload::{Progress, Upload};
use crate::connection::Watch;

/// How much of one answer the upstream may send ahead, in bytes.
const STREAM_WINDOW: u32 = 256 << 10;

/// The same for all answers of a connection.
const CONNECTION_WINDOW: u32 = 1 << 20;

/// Silence after which an upstream is asked whether it is there, and how long it has to say so.
const PING: Duration = Duration::from_secs(15);

/// The largest head of an answer, in bytes as RFC 9113, section 6.5.2, counts them.
const MAX_HEAD: u32 = 64 << 10;

/// A connection; each clone sends requests on it. It closes when all are dropped and the last answer has ended.
#[derive(Clone)]
pub(super) struct Http2 {
    sender: SendRequest<Upload>,
    pub(super) last_used: Instant,
    /// Whether it has carried a request before.
    pub(super) reused: bool,
}

impl Http2 {
    /// Begins to speak on a connection.
    pub(super) async fn new(stream: Stream, ticket: Ticket) -> Result<Self, Fault> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(MAX_BUFFER)
            .max_header_list_size(MAX_HEAD)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        let (sender, driver) = builder.handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            let _ticket = ticket;
            if let Err(error) = driver.await {
                tracing::debug!("an upstream's connection ended: {error}");
            }
        });
        Ok(Self { sender, last_used: Instant::now(), reused: false })
    }

    /// The same for requests after the first.
    pub(super) fn again(&self) -> Self {
        Self { reused: true, ..self.clone() }
    }

    /// Whether it takes no more requests.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request and waits for the head of its answer, while content goes out; then the timer of the answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Upload>,
        progress: Option<&Progress>,
        watch: &Watch,
        origin: &Origin,
    ) -> Result<(Response<Incoming>, Timer), Unanswered> {
        let wait = origin.limits().answer;
        let mut timer = Timer::new(wait);
        let mut sending = pin!(self.sender.try_send_request(request));
        let mut uploaded = 0;
        let answered = poll_fn(|cx| {
            if let Poll::Ready(answered) = sending.as_mut().poll(cx) {
                return Poll::Ready(
                    answered.map_err(|mut error| (error.take_message(), Fault::Broken(error.into_error()))),
                );
            }
            if watch.is_gone() {
                return Poll::Ready(Err((None, Fault::ClientGone)));
            }
            while timer.is_over(cx) {
                match progress.map(Progress::bytes) {
                    Some(bytes) if bytes > uploaded => {
                        uploaded = bytes;
                        timer.restart(wait);
                    }
                    _ => return Poll::Ready(Err((None, Fault::AnswerTimeout(wait)))),
                }
            }
            Poll::Pending
        });
        match answered.await {
            Ok(response) => Ok((response, timer)),
            Err((unsent, fault)) => {
                let stale = self.reused && self.is_closed() && matches!(fault, Fault::Broken(_));
                Err(Unanswered { fault, unsent, stale })
            }
        }
    }
}

/// A request as HTTP/2 has it: scheme and authority are part of the target, and there is no `Host`.
pub(super) fn absolute<B>(mut request: Request<B>, origin: &Origin) -> Request<B> {
    request.headers_mut().remove(HOST);
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTPS);
    parts.authority = origin.url_authority();
    // An authority that cannot be in a URL cannot have been connected to.
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    request
}
