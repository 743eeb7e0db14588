//! HTTP/2 on a connection: hyper's streams, limits against floods, and an end to idle connections.

mod activity;
mod content;
mod deferred;
mod goodbye;
mod in_place;
mod owed;

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep};

use super::finish::Begun;
use super::upgraded::Unwrap;
use super::{Connection, ConnectionFacts, Failure, LAST_WORDS};
use crate::boot::site::Answered;
use crate::request::in_flight::Share;
use crate::response::error::Refusal;
use activity::Activity;
use content::Content;
use deferred::deferred;
use in_place::InPlace;
pub(super) use in_place::Sending;
use owed::{Answer, Owed};

/// What is queued of one stream's answer, in bytes. hyper's own 400 KiB, times all streams of a connection whose peer
/// opens no window, would be its to keep.
const MAX_SEND_BUFFER: usize = 16 * 1024;

/// Requests in progress on one connection.
const MAX_STREAMS: u32 = 128;

/// Resets by the client that wait to be looked at, before it counts as a flood (CVE-2023-44487).
const MAX_RESETS: usize = 20;

/// How long a client that was told to go, and for which nothing is left to do, may take to go.
const FAREWELL: Duration = Duration::from_secs(1);

/// Resets that this side had to make because of the client, in the life of a connection.
const MAX_LOCAL_RESETS: usize = 256;

/// What a request of one stream, and of all together, is sent ahead of who reads it, in bytes.
const STREAM_WINDOW: u32 = 256 << 10;
const WINDOW: u32 = 512 << 10;

/// What is said of content that comes too slowly.
const SLOW: &str = "the content of the request comes too slowly";

/// Serves a connection until it ends, is idle for too long, or the drain lets it end.
pub(super) async fn serve<S>(stream: S, connection: Connection) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let patience = connection.serving.timeout;
    let limits = connection.serving.limits();
    let drain = connection.serving.drain.clone();
    let websockets = connection.serving.site.opens_websockets(connection.facts.listener);
    let facts = ConnectionFacts { share: Some(Arc::new(Share::new(limits.waiting))), ..connection.facts };
    let connection = Connection { facts, ..connection };
    let executor = InPlace::default();
    let shared = Arc::new(Shared {
        connection,
        executor: executor.clone(),
        activity: Activity::default(),
        owed: Arc::default(),
    });
    let service = service_fn({
        let shared = Arc::clone(&shared);
        move |request| {
            let shared = Arc::clone(&shared);
            async move { Ok::<_, Infallible>(shared.answer(request).await) }
        }
    });
    let mut builder = builder(executor, patience, limits.head.in_http2());
    if websockets {
        // RFC 8441, section 3.
        builder.enable_connect_protocol();
    }
    let owed = Arc::clone(&shared.owed);
    // On the heap, since the future that runs it would hold room for it more than once.
    let mut serving = Box::new(deferred(stream, owed, limits.response_rate, |stream| {
        builder.serve_connection(TokioIo::new(stream), service)
    }));
    let flood = poll_fn(|_| if shared.activity.is_flood() { Poll::Ready(()) } else { Poll::Pending });
    let last = tokio::select! {
        // First what has arrived. A flood makes it run, so that nobody needs to wake it for that.
        biased;
        result = &mut serving => return result,
        () = flood => Some(&goodbye::FLOOD),
        () = shared.activity.silent(patience) => Some(&goodbye::NOTHING_DONE),
        () = Begun::new(&drain) => None,
        () = shared.activity.idle() => None,
    };
    let last = match last {
        Some(last) => &last[..],
        None => {
            Pin::new(&mut *serving).connection().graceful_shutdown();
            tokio::select! {
                biased;
                result = &mut serving => return result,
                last = shared.over(patience) => last,
            }
        }
    };
    // On the heap: only an end needs the room for it.
    tokio::time::timeout(FAREWELL, Box::pin(serving.close(last))).await??;
    Ok(())
}

/// What the streams of a connection share.
struct Shared {
    connection: Connection,
    executor: InPlace,
    activity: Activity,
    owed: Arc<Owed>,
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Response<Answer> {
        let mut begun = self.activity.begin();
        let Connection { serving, facts, .. } = &self.connection;
        let (mut parts, content) = request.into_parts();
        let sending = (parts.method == Method::CONNECT).then(Sending::default);
        if let Some(sending) = &sending {
            parts.extensions.insert(Unwrap::stream(sending.clone()));
        }
        let (content, late) = Content::new(content, serving.limits().request_rate);
        // Only content can be late, and few requests have any.
        let host = parts.uri.authority().filter(|_| late.may_be()).map(ToString::to_string);
        let answered = serving.site.respond(facts, Request::from_parts(parts, content), None).await;
        let Answered { response, keep_alive, mut counted } = answered;
        begun.answered(keep_alive);
        let response = if late.is_so() {
            let status = Refusal::Timeout.status();
            counted.answered(status);
            let page = serving.site.refusal(facts, host.as_deref(), status, SLOW);
            response.into_body().replaced_by(page.map(Body::from))
        } else {
            response
        };
        if let Some(sending) = sending.filter(|_| response.status().is_success()) {
            self.executor.upgrades(sending);
        }
        response.map(|body| Answer::new(body, Arc::clone(&self.owed)))
    }

    /// Resolves when a client that was told to go has nothing to wait for and does not go: phones that sleep answer no
    /// ping. Returns what is still to be said.
    ///
    /// While it says anything it may be reading what the kernel has for it, and the answer to that would be a reset of the
    /// connection; but not for longer than `patience`.
    async fn over(&self, patience: Duration) -> &'static [u8] {
        let mut since = Instant::now();
        loop {
            let before = self.activity.events();
            sleep(if before == 0 { LAST_WORDS } else { FAREWELL }).await;
            let heard = self.owed.take_heard();
            if self.activity.events() != before || self.executor.is_waiting() || !self.owed.is_nothing() {
                since = Instant::now();
            } else if before == 0 {
                return &goodbye::NOTHING_DONE;
            } else if !heard || since.elapsed() >= patience {
                // h2 has announced the end.
                return &[];
            }
        }
    }
}

/// `head` is the largest head of a request, in bytes as RFC 9113, section 6.5.2, counts them.
fn builder(executor: InPlace, timeout: Duration, head: u32) -> http2::Builder<InPlace> {
    let mut builder = http2::Builder::new(executor);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(head)
        .max_send_buf_size(MAX_SEND_BUFFER)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_LOCAL_RESETS)
        // A peer that is gone without a word is noticed, whatever streams it left open.
        .keep_alive_interval(timeout)
        .keep_alive_timeout(timeout);
    builder
}

#[cfg(test)]
mod tests;
