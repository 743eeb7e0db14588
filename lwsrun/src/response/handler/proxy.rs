//! Proxy mounts: `http://HOST[:PORT]/PATH`, `https://…`, and `http://+/path/to.sock:/PATH` for a unix socket.
//!
//! The way of a request, one file for each step:
//!
//! 1. [`target`]: the path below the mountpoint is put below the upstream's. One that upstreams may read otherwise is
//!    refused (400), the mountpoint itself is sent to its slash.
//! 2. [`forward`]: fields that are for one connection only are taken out, the upstream is told who asked.
//! 3. [`pool`]: a connection that is idle, else a new one ([`connect`]), within limits.
//! 4. [`exchange`]: head and content go out, the head of the answer comes back. A request that is safe to repeat is
//!    repeated if an idle connection turns out to be closed.
//! 5. [`rewrite`]: locations and cookie paths of the upstream become those of the mount.
//! 6. [`answer`]: the content is handed on as it comes; its end puts the connection back.
//!
//! A websocket gets a connection of its own and becomes a [`tunnel`]. What goes wrong is a [`fault`]: words with the
//! mount's `file:line` in the log, and a status without them for the client.

mod answer;
mod connect;
mod exchange;
mod fault;
mod forward;
mod hop_by_hop;
mod http1;
mod http2;
mod origin;
mod pool;
mod relay;
mod rewrite;
mod sending;
mod target;
mod trailers;
mod tunnel;
mod upload;

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use futures_util::future::BoxFuture;
use http::header::ALLOW;
use http::{Method, Request, Response, StatusCode};
use schemas::plan::{Mount, Upstream};
use schemas::route::is_ambiguous;
use tower::Service;

use crate::connection::{ConnectionFacts, Watch, timer};
use crate::request::path::AsSent;
use crate::response::complaints::Complaints;
use crate::response::error::{METHODS, Refusal, redirect};
use crate::shutdown::Drain;
use exchange::exchange;
use fault::{Fault, Trouble};
use forward::Forward;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use http1::fuzz;
pub(crate) use origin::Origin;
use rewrite::Rewrite;
use target::Paths;
use tunnel::{Opened, Upgrade};
use upload::Upload;

/// The service of one proxy mount.
#[derive(Clone)]
pub(crate) struct Proxy {
    shared: Arc<Shared>,
}

struct Shared {
    origin: Arc<Origin>,
    paths: Paths,
    rewrite: Rewrite,
    trouble: Arc<Trouble>,
    drain: Drain,
}

impl Proxy {
    /// A mount that leads to `upstream`, which is reached through `origin`.
    pub(crate) fn new(
        mount: &Mount<'_>,
        upstream: &Upstream<'_>,
        origin: Origin,
        complaints: Arc<Complaints>,
        drain: Drain,
    ) -> Self {
        let paths = Paths::new(mount.mountpoint, upstream.path);
        let rewrite = Rewrite::new(&paths, &origin);
        let trouble = Arc::new(Trouble::new(origin.name(), complaints));
        Self { shared: Arc::new(Shared { origin: Arc::new(origin), paths, rewrite, trouble, drain }) }
    }
}

impl Service<Request<Body>> for Proxy {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        // All that can be done at once is, so that what waits is small.
        match shared.prepare(request) {
            Ok(Step::Answer(answer)) => Box::pin(ready(Ok(answer))),
            Ok(Step::Forward(forward, mut upload, watch)) => Box::pin(async move {
                let exchange = exchange(&shared.origin, &forward, &mut upload, watch, &shared.trouble);
                Ok(shared.finish(exchange.await, forward.is_over_tls()))
            }),
            Ok(Step::Upgrade(forward, upgrade, watch)) => Box::pin(async move {
                let opened = shared.open(&forward, upgrade, watch).await;
                let mut answer = shared.finish(opened, forward.is_over_tls());
                tunnel::switch(&mut answer);
                Ok(answer)
            }),
            Err(fault) => Box::pin(ready(Ok(shared.trouble.refuse(&fault)))),
        }
    }
}

/// What is to be done for a request.
enum Step {
    /// Nothing more than this.
    Answer(Response<Body>),
    Forward(Forward, Upload, Watch),
    Upgrade(Forward, Upgrade, Watch),
}

impl Shared {
    fn prepare(&self, mut request: Request<Body>) -> Result<Step, Fault> {
        if *request.method() == Method::TRACE {
            return Ok(Step::Answer(no_trace()));
        }
        let sent = request.extensions_mut().remove::<AsSent>();
        if sent.as_ref().is_some_and(|sent| is_ambiguous(sent.0.path())) {
            let words = "The path has a dot segment or an escaped slash, which is not passed on.";
            return Ok(Step::Answer(Refusal::BadRequest.explained(words)));
        }
        let upgrade = Upgrade::of(&mut request);
        if upgrade.is_none() && self.paths.wants_slash(request.uri().path()) {
            return Ok(Step::Answer(to_slash(&request)));
        }
        let Some(facts) = request.extensions_mut().remove::<ConnectionFacts>() else {
            return Ok(Step::Answer(Refusal::Internal.response()));
        };
        let target = self.paths.target(request.uri(), sent.as_ref()).ok_or(Fault::Target)?;
        let (forward, upload) =
            Forward::new(request, target, &facts, self.origin.limits(), upgrade.as_ref())?;
        let watch = facts.presence.watch();
        Ok(match upgrade {
            None => Step::Forward(forward, upload, watch),
            Some(upgrade) => Step::Upgrade(forward, upgrade, watch),
        })
    }

    /// Opens a websocket.
    async fn open(&self, forward: &Forward, upgrade: Upgrade, watch: Watch) -> Result<Response<Body>, Fault> {
        match tunnel::open(&self.origin, forward, watch, &self.trouble).await? {
            Opened::Refused(answer) => Ok(answer),
            Opened::Switched(headers, upstream) => {
                let idle = self.origin.limits().websocket;
                upgrade.grant(headers, upstream, idle, self.drain.clone())
            }
        }
    }

    /// What the client is told of an upstream's answer. `tls`: whether it speaks it.
    fn finish(&self, answered: Result<Response<Body>, Fault>, tls: bool) -> Response<Body> {
        match answered {
            Ok(answer) => self.rewrite.apply(answer, tls),
            Err(fault) => self.trouble.refuse(&fault),
        }
    }
}

/// TRACE has the upstream say back what it was sent: the client's credentials, and what this server and others added, to
/// whoever made the client ask (RFC 9110, section 9.3.8).
fn no_trace() -> Response<Body> {
    let mut response = Refusal::MethodNotAllowed.explained("TRACE is not passed on.");
    response.headers_mut().insert(ALLOW, METHODS);
    response
}

/// The mountpoint without its slash: relative links of what is there would lead beside the mount.
fn to_slash(request: &Request<Body>) -> Response<Body> {
    let uri = request.uri();
    let location = schemas::route::slash_location(uri.path(), uri.query());
    // 301 lets clients make a GET of it.
    let keeps_method = !matches!(*request.method(), Method::GET | Method::HEAD);
    let status = if keeps_method { StatusCode::PERMANENT_REDIRECT } else { StatusCode::MOVED_PERMANENTLY };
    redirect(status, &location)
}
