//! `callback://` mounts: requests handed to a protocol of the vhost.
//!
//! The protocol works for as long as the client is there: see
//! [`Instance::callback`](crate::protocol::Instance::callback). HTTP/2 drops this service's future itself.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use schemas::plan::Mount;
use schemas::route::{canonical_path, decode_path};
use tower::Service;

use super::attended::attended;
use crate::connection::ConnectionFacts;
use crate::protocol::{CallbackRequest, Running};
use crate::response::error::Refusal;

/// The service of one callback mount.
#[derive(Clone)]
pub(crate) struct Callback {
    shared: Arc<Shared>,
}

struct Shared {
    protocol: Arc<Running>,
    /// Bytes of the mountpoint's canonical path, without a final slash.
    mountpoint: usize,
    pmo: Arc<[(Box<str>, Box<str>)]>,
}

impl Callback {
    /// A mount that leads to a protocol that runs.
    pub(crate) fn new(mount: &Mount<'_>, protocol: Arc<Running>) -> Self {
        let mountpoint = canonical_path(mount.mountpoint.as_bytes()).trim_end_matches('/').len();
        let pmo = mount.pmo.iter().map(|pair| (pair.name.into(), pair.value.into())).collect();
        Self { shared: Arc::new(Shared { protocol, mountpoint, pmo }) }
    }

    fn request(&self, request: Request<Body>) -> CallbackRequest {
        let (parts, body) = request.into_parts();
        let rest = parts.uri.path().get(self.shared.mountpoint..).filter(|rest| !rest.is_empty());
        CallbackRequest {
            method: parts.method,
            // The path is canonical, so what is left of it decodes.
            rest: rest.and_then(|rest| decode_path(rest).ok()).unwrap_or_default().into_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers,
            body,
            pmo: Arc::clone(&self.shared.pmo),
        }
    }
}

impl Service<Request<Body>> for Callback {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let protocol = Arc::clone(&self.shared.protocol);
        let watch = request.extensions().get::<ConnectionFacts>().map(|facts| facts.presence.watch());
        let request = self.request(request);
        Box::pin(async move {
            let answer = answer(&protocol, request);
            let answered = match &watch {
                Some(watch) => watch.unless_gone(answer).await,
                None => Some(answer.await),
            };
            Ok(match answered {
                Some(response) => response.map(|body| attended(body, watch)),
                // Nobody will read it.
                None => Refusal::ClientGone.response(),
            })
        })
    }
}

async fn answer(protocol: &Running, request: CallbackRequest) -> Response<Body> {
    let answer = async { Arc::clone(&protocol.instance).callback(request).await };
    let answered = std::panic::AssertUnwindSafe(answer).catch_unwind().await;
    answered.unwrap_or_else(|_| {
        Refusal::Internal.because(format!("protocol `{}` panicked in a callback", protocol.protocol))
    })
}
