//! HTTP/1 on a connection: hyper's parser, our timers, the site's answers.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Connection;
use super::finish::{Begun, finish_when};

/// The largest head of a request, in bytes; a larger one is answered 431.
const MAX_HEAD: usize = 32 << 10;

/// The write buffer and the rest of the read buffer, in bytes. It bounds what hyper holds for a connection.
const MAX_BUFFER: usize = 64 << 10;

/// Serves a connection until it ends, is idle for too long, or the drain lets it end.
pub(super) async fn serve<S>(stream: S, connection: Connection) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let builder = builder(&connection);
    let drain = connection.serving.drain.clone();
    let connection = Arc::new(connection);
    let service = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        async move { Ok::<_, Infallible>(connection.serving.site.respond(&connection.facts, request).await) }
    });
    let serving = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    finish_when(serving, Begun::new(&drain), |serving| serving.graceful_shutdown()).await
}

fn builder(connection: &Connection) -> Builder {
    let mut builder = Builder::new();
    let timer = HeadTimer { first: AtomicBool::new(true), idle: connection.keep_alive };
    builder
        .timer(timer)
        .header_read_timeout(connection.timeout)
        .keep_alive(!connection.keep_alive.is_zero())
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_BUFFER)
        // A client may close its side once it has asked (`nc -N` does) and still wants the answer.
        .half_close(true);
    builder
}

/// The timer for heads. hyper knows one limit for all heads, the first and those that an idle connection waits for;
/// here the first one has `timeout-secs` and later ones the time of an idle connection.
struct HeadTimer {
    first: AtomicBool,
    idle: Duration,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        TokioTimer::new().sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        if self.first.swap(false, Ordering::Relaxed) {
            TokioTimer::new().sleep_until(deadline)
        } else {
            TokioTimer::new().sleep(self.idle)
        }
    }

    fn now(&self) -> Instant {
        TokioTimer::new().now()
    }
}
