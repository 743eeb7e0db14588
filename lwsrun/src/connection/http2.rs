//! HTTP/2 on a connection: hyper's streams, limits against floods, and an end to idle connections.

mod deferred;
mod in_place;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::Connection;
use super::Failure;
use super::finish::{Begun, finish_when};
use deferred::deferred;
use in_place::InPlace;

/// What is queued of one stream's answer, in bytes. hyper's own 400 KiB, times all streams of a connection whose peer
/// opens no window, would be its to keep.
const MAX_SEND_BUFFER: usize = 16 * 1024;

/// Requests in progress on one connection.
const MAX_STREAMS: u32 = 128;

/// The largest head of a request, in bytes as RFC 9113, section 6.5.2, counts them.
const MAX_HEAD: u32 = 16 << 10;

/// Resets by the client that wait to be looked at, before it counts as a flood (CVE-2023-44487).
const MAX_RESETS: usize = 20;

/// Resets that this side had to make because of the client, in the life of a connection.
const MAX_LOCAL_RESETS: usize = 256;

/// Serves a connection until it ends, is idle for too long, or the drain lets it end.
pub(super) async fn serve<S>(stream: S, connection: Connection) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (timeout, keep_alive) = (connection.timeout, connection.keep_alive);
    let drain = connection.serving.drain.clone();
    let activity = Arc::new(Activity::default());
    let shared = Arc::new((connection, Arc::clone(&activity)));
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move {
            let (connection, activity) = &*shared;
            let _request = activity.begin();
            Ok::<_, Infallible>(connection.serving.site.respond(&connection.facts, request).await)
        }
    });
    let builder = builder(timeout);
    let serving = deferred(stream, |stream| builder.serve_connection(TokioIo::new(stream), service));
    let end = async {
        tokio::select! {
            () = Begun::new(&drain) => {}
            () = activity.idle(keep_alive) => {}
        }
    };
    tokio::select! {
        result = finish_when(serving, end, |serving| serving.connection().graceful_shutdown()) => result,
        () = activity.silent(timeout) => Ok(()),
    }
}

fn builder(timeout: Duration) -> http2::Builder<InPlace> {
    let mut builder = http2::Builder::new(InPlace);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD)
        .max_send_buf_size(MAX_SEND_BUFFER)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_LOCAL_RESETS)
        // A peer that is gone without a word is noticed, whatever streams it left open.
        .keep_alive_interval(timeout)
        .keep_alive_timeout(timeout);
    builder
}

/// What a connection's streams do, as far as it matters for when to end it.
///
/// A response whose body is still sent is not counted: all that idleness leads to is a GOAWAY, which lets streams
/// finish.
#[derive(Debug, Default)]
struct Activity {
    /// Requests that are being answered.
    active: AtomicU32,
    /// Begins and ends of requests.
    events: AtomicU64,
}

impl Activity {
    fn begin(&self) -> Request<'_> {
        self.active.fetch_add(1, Ordering::Relaxed);
        self.events.fetch_add(1, Ordering::Relaxed);
        Request(self)
    }

    /// Resolves when nothing happened for `keep_alive`, at the latest after twice that.
    async fn idle(&self, keep_alive: Duration) {
        let period = keep_alive.max(Duration::from_secs(1));
        loop {
            let before = self.events.load(Ordering::Relaxed);
            sleep(period).await;
            if self.active.load(Ordering::Relaxed) == 0 && self.events.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }

    /// Resolves if no request came within `timeout`. hyper waits for the client's preface for ever.
    async fn silent(&self, timeout: Duration) {
        sleep(timeout).await;
        if self.events.load(Ordering::Relaxed) > 0 {
            std::future::pending::<()>().await;
        }
    }
}

/// A request that is being answered.
struct Request<'a>(&'a Activity);

impl Drop for Request<'_> {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
        self.0.events.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn idle_counts_from_the_last_event() {
        let activity = Activity::default();
        let start = tokio::time::Instant::now();
        let request = activity.begin();
        let work = async {
            sleep(Duration::from_secs(25)).await;
            drop(request);
        };
        tokio::join!(activity.idle(Duration::from_secs(10)), work);
        // The request ended in the third period, so the fourth is the first quiet one.
        assert_eq!(start.elapsed().as_secs(), 40);
    }
}
