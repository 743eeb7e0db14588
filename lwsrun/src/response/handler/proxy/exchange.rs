//! One request and its answer.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, Method, Response, StatusCode};

use super::answer::{self, Source};
use super::fault::{Fault, Trouble};
use super::forward::Forward;
use super::http1::Head;
use super::origin::Origin;
use super::pool::{self, Lease};
use super::relay::{Exchanging, Relayed};
use super::sending::{Sending, Unanswered};
use super::timer::Timer;
use super::upload::{Progress, Upload};
use crate::connection::Watch;

/// Sends a request to the upstream, and gives its answer as soon as there is a head of it.
pub(super) async fn exchange(
    origin: &Arc<Origin>,
    forward: &Forward,
    upload: &mut Upload,
    watch: Watch,
    trouble: &Arc<Trouble>,
) -> Result<Response<Body>, Fault> {
    let progress = upload.progress();
    let waits = upload.waits_for_permission();
    let repeatable = progress.is_none() && is_idempotent(forward.method());
    let mut lease =
        watch.unless_gone(pool::lease(origin, repeatable)).await.unwrap_or(Err(Fault::ClientGone))?;
    let mut again = true;
    let answered = loop {
        let sending = Sending {
            upload,
            progress: progress.as_deref(),
            of_head: forward.method() == Method::HEAD,
            watch: &watch,
            limits: origin.limits(),
        };
        match send(lease, origin, forward, sending).await {
            Ok(answered) => break answered,
            Err(Unanswered { fault, unsent, stale }) => {
                let repeats = unsent || stale && repeatable;
                if !(repeats && std::mem::take(&mut again)) {
                    return Err(progress.as_deref().and_then(Progress::fault).unwrap_or(fault));
                }
            }
        }
        // On a new connection: others that are idle have most likely been closed as well.
        lease = watch.unless_gone(Box::pin(pool::new(origin))).await.unwrap_or(Err(Fault::ClientGone))?;
    };
    let Answered { status, headers, source } = answered;
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Fault::Switched);
    }
    let source = match progress.filter(|progress| !waits || progress.is_permitted()) {
        Some(progress) => match source {
            Source::Http1(connection) => relay(connection, upload, progress, origin, Source::Http1),
            Source::Http2(stream) => relay(stream, upload, progress, origin, Source::Http2),
            source => source,
        },
        None => source,
    };
    Ok(response(status, headers, answer::body(source, origin, watch, trouble)))
}

/// The answer's content, with a task for both directions if the request has not ended.
fn relay<E: Exchanging>(
    exchange: Box<E>,
    upload: &mut Upload,
    progress: Arc<Progress>,
    origin: &Origin,
    alone: impl FnOnce(Box<E>) -> Source,
) -> Source {
    if exchange.has_sent_all() {
        return alone(exchange);
    }
    let limits = origin.limits();
    let upload = std::mem::replace(upload, Upload::None);
    match Relayed::start(exchange, upload, progress, limits.answer.max(limits.idle)) {
        Some(relayed) => Source::Relayed(relayed, Timer::new(limits.idle)),
        None => Source::Nowhere,
    }
}

/// The head of an answer, and where its content comes from.
struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    source: Source,
}

async fn send(
    lease: Lease,
    origin: &Origin,
    forward: &Forward,
    sending: Sending<'_>,
) -> Result<Answered, Unanswered> {
    match lease {
        Lease::Http1(mut connection) => {
            forward.write(origin, connection.begin(forward.framing()));
            let Head { status, headers, .. } = connection.send(sending).await?;
            Ok(Answered { status, headers, source: Source::Http1(connection) })
        }
        Lease::Http2(connection) => {
            // Large: requests of HTTP/1.1 need not carry the room for it.
            let asking = Box::pin(connection.send(forward.request(origin), forward.framing(), sending));
            let (head, stream) = asking.await?.into_parts();
            Ok(Answered { status: head.status, headers: head.headers, source: Source::Http2(stream) })
        }
    }
}

/// An answer put together.
pub(super) fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Methods that may be sent twice (RFC 9110, section 9.2.2).
fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}
