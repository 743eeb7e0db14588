//! One request and its answer.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use axum::body::Body;
use http::{Method, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use hyper::ext::on_informational;

use super::answer::{Answer, Driver};
use super::fault::{Fault, Trouble};
use super::http1::Unanswered;
use super::http2::absolute;
use super::origin::Origin;
use super::pool::{self, Lease};
use super::upload::{Progress, Upload};
use crate::connection::Watch;

/// Sends a request to the upstream, and gives its answer as soon as there is a head of it.
pub(super) async fn exchange(
    origin: &Arc<Origin>,
    request: Request<()>,
    upload: Upload,
    watch: Watch,
    trouble: &Arc<Trouble>,
) -> Result<Response<Body>, Fault> {
    let progress = upload.progress();
    let waits = upload.waits_for_permission();
    let repeatable = progress.is_none() && is_idempotent(request.method());
    let mut request = request.map(|()| upload);
    if let (true, Some(progress)) = (waits, progress.clone()) {
        on_informational(&mut request, move |interim| progress.informed(interim.status()));
    }
    let mut lease = unless_gone(&watch, pool::lease(origin, repeatable)).await?;
    let mut again = true;
    let (answer, driver) = loop {
        let copy = (again && repeatable && lease.is_reused()).then(|| copy(&request));
        match send(lease, request, progress.as_deref(), &watch, origin).await {
            Ok(answered) => break answered,
            Err(Unanswered { fault, unsent, stale }) => {
                let repeat = unsent.or(copy.filter(|_| stale)).filter(|_| std::mem::take(&mut again));
                request =
                    repeat.ok_or_else(|| progress.as_deref().and_then(Progress::fault).unwrap_or(fault))?;
            }
        }
        // On a connection of its own: others that are idle have most likely been closed as well.
        lease = unless_gone(&watch, Box::pin(pool::new(origin))).await?;
    };
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Fault::Switched);
    }
    let driver = match (driver, &progress) {
        (Driver::Http1(connection), Some(progress)) if progress.is_running(waits) => {
            let limits = origin.limits();
            Driver::Elsewhere(connection.detach(Arc::clone(progress), limits.answer.max(limits.idle)))
        }
        (driver, _) => driver,
    };
    Ok(with_body(answer, driver, origin, watch, trouble))
}

impl Lease {
    fn is_reused(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.idle_since.is_some(),
            Self::Http2(http2) => http2.reused,
        }
    }
}

async fn send(
    lease: Lease,
    request: Request<Upload>,
    progress: Option<&Progress>,
    watch: &Watch,
    origin: &Origin,
) -> Result<(Response<Incoming>, Driver), Unanswered> {
    match lease {
        Lease::Http1(mut connection) => {
            let answer = connection.send(request, progress, watch, origin.limits()).await?;
            Ok((answer, Driver::Http1(connection)))
        }
        Lease::Http2(mut http2) => {
            let (answer, timer) = http2.send(absolute(request, origin), progress, watch, origin).await?;
            Ok((answer, Driver::Elsewhere(timer)))
        }
    }
}

/// The answer with its content on the way.
fn with_body(
    answer: Response<Incoming>,
    driver: Driver,
    origin: &Arc<Origin>,
    watch: Watch,
    trouble: &Arc<Trouble>,
) -> Response<Body> {
    let (parts, content) = answer.into_parts();
    let body = if content.is_end_stream() {
        driver.release(origin.id());
        Body::empty()
    } else {
        Body::new(Answer::new(content, driver, Arc::clone(origin), watch, Arc::clone(trouble)))
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = parts.status;
    *answer.headers_mut() = parts.headers;
    answer
}

/// A request without content, once more.
fn copy(request: &Request<Upload>) -> Request<Upload> {
    let mut copy = Request::new(Upload::None);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// Methods that may be sent twice (RFC 9110, section 9.2.2).
fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE | Method::TRACE
    )
}

/// What is done for a client, for as long as it is there.
pub(super) async fn unless_gone<T>(
    watch: &Watch,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let mut work = pin!(work);
    poll_fn(|cx| if watch.is_gone() { Poll::Ready(Err(Fault::ClientGone)) } else { work.as_mut().poll(cx) })
        .await
}
