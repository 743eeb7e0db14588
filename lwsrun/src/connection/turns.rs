//! HTTP/1 in turns: hyper while there are requests, and without it while the connection is quiet.

use std::convert::Infallible;
use std::error::Error;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1::{Builder, UpgradeableConnection};
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::guard::{Answers, Guarded};
use super::read_closed::ReadClosed;
use super::{Failure, trim};

/// Serves a connection until it ends by itself, or asks it to once `end` resolves.
pub(super) async fn serve<S, H, B>(
    mut guarded: Box<Guarded<S>>,
    answers: &Answers,
    builder: impl Fn() -> Builder,
    mut service: H,
    end: impl Future<Output = ()>,
) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + ReadClosed + Unpin + Send + 'static,
    H: HttpService<Incoming, ResBody = B, Error = Infallible> + Unpin,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut end = pin!(end);
    let mut ending = false;
    loop {
        // On the heap, and only for as long as it is needed.
        let connection = builder().serve_connection(TokioIo::new(guarded), service);
        let mut connection = Box::new(connection.with_upgrades());
        let served = poll_fn(|cx| {
            // First what has arrived: a connection that has not read its request yet would be closed without an answer.
            let served = Pin::new(&mut *connection).poll(cx).map(Some);
            if served.is_ready() {
                return served;
            }
            if answers.is_quiet() {
                return Poll::Ready(None);
            }
            if ending || end.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            ending = true;
            Pin::new(&mut *connection).graceful_shutdown();
            Pin::new(&mut *connection).poll(cx).map(Some)
        });
        if let Some(served) = served.await {
            return Ok(served?);
        }
        let Some(taken_down) = take_down(connection) else { return Ok(()) };
        (guarded, service) = taken_down;
        trim::freed();
        if ending {
            return Ok(guarded.shutdown().await?);
        }
        let next = poll_fn(|cx| match guarded.poll_quiet(cx) {
            Poll::Pending => end.as_mut().poll(cx).map(|()| Ok(false)),
            next => next,
        });
        if !next.await? {
            return Ok(guarded.shutdown().await?);
        }
    }
}

/// What is left of hyper's part of a connection: nothing, if it has become another protocol's. A function, so that nothing
/// else lives on while the connection is quiet.
#[allow(clippy::boxed_local, reason = "the box ends here as well")]
fn take_down<S, H, B>(
    connection: Box<UpgradeableConnection<TokioIo<Box<Guarded<S>>>, H>>,
) -> Option<(Box<Guarded<S>>, H)>
where
    S: AsyncRead + AsyncWrite + ReadClosed + Unpin,
    H: HttpService<Incoming, ResBody = B, Error = Infallible>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let parts = connection.into_parts()?;
    let mut guarded = parts.io.into_inner();
    guarded.give_back(&parts.read_buf);
    Some((guarded, parts.service))
}
