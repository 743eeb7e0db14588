//! Websockets through a proxy: the upgrade is asked of the upstream, and then bytes are passed on as they come. Frames
//! are not looked at, so subprotocols, extensions and pings are between client and upstream. Upstreams are asked in the way
//! of HTTP/1.1, whichever way the client asked.
//!
//! A tunnel without a byte for `proxy-websocket-timeout` is closed, and so is one of which one side has ended while the
//! other goes on for [`HALF_CLOSED`]. A drain closes all at once: what stands between two frames is not known here.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::answer::{self, Source};
use super::connect::{Offer, connect};
use super::exchange::response;
use super::fault::{Fault, Trouble};
use super::forward::Forward;
use super::http1::Http1;
use super::origin::Origin;
use super::pool;
use super::sending::Sending;
use super::upload::Upload;
use crate::connection::{Begun, HandedOver, Patience, Tunnel, Unwrap, Watch};
use crate::response::handler::ws;
use crate::shutdown::Drain;

/// How long the 101 may take to be written.
const HAND_OVER: Duration = Duration::from_secs(15);

/// How long one side may go on after the other has ended.
const HALF_CLOSED: Duration = Duration::from_secs(10);

/// A client's wish for a websocket, and its connection, once it has been granted.
pub(super) struct Upgrade {
    client: OnUpgrade,
    unwrap: Option<Unwrap>,
    /// The wish came in the way of HTTP/2 (RFC 8441): this is the key that upstreams of HTTP/1.1 are asked with instead.
    key: Option<String>,
}

impl Upgrade {
    /// Of a request that asks for a websocket; `None` for all others, whatever else they want to upgrade to.
    pub(super) fn of(request: &mut Request<Body>) -> Option<Self> {
        if !ws::asks_for_websocket(request) {
            return None;
        }
        let key = (request.version() == Version::HTTP_2).then(generate_key);
        let unwrap = request.extensions().get().cloned();
        Some(Self { client: hyper::upgrade::on(request), unwrap, key })
    }

    /// The key that was made here, if the client's way needs none.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Whether the upstream answered the key that was made here. That of a client is the client's to check.
    fn is_answered(&self, headers: &HeaderMap) -> bool {
        let accept = self.key.as_ref().map(|key| derive_accept_key(key.as_bytes()));
        accept.is_none_or(|accept| {
            headers.get(SEC_WEBSOCKET_ACCEPT).is_some_and(|value| value == accept.as_str())
        })
    }

    /// Begins to pass bytes on between client and upstream, which has granted the wish with these headers; the answer
    /// for the client, in its version.
    ///
    /// # Errors
    /// If it was not this wish that was granted.
    pub(super) fn grant(
        self,
        mut headers: HeaderMap,
        upstream: Box<Http1>,
        idle: Duration,
        drain: Drain,
    ) -> Result<Response<Body>, Fault> {
        if !self.is_answered(&headers) {
            return Err(Fault::Switched);
        }
        let status = if self.key.is_some() {
            headers.remove(SEC_WEBSOCKET_ACCEPT);
            StatusCode::OK
        } else {
            StatusCode::SWITCHING_PROTOCOLS
        };
        tokio::spawn(pass_on(self.client, self.unwrap, upstream, idle, drain));
        Ok(response(status, headers, Body::empty()))
    }
}

/// Asks the upstream for a websocket. Its refusal is an answer like any other.
pub(super) async fn open(
    origin: &Arc<Origin>,
    forward: &Forward,
    watch: Watch,
    trouble: &Arc<Trouble>,
) -> Result<Opened, Fault> {
    let ticket = pool::ticket(origin)?;
    let deadline = Instant::now() + origin.limits().connect;
    let connecting = connect(origin, Offer::Http1, deadline);
    let (stream, _) = watch.unless_gone(connecting).await.unwrap_or(Err(Fault::ClientGone))?;
    let mut connection = Http1::new(stream, ticket, origin.limits());
    forward.write(origin, connection.begin(forward.framing()));
    let mut upload = Upload::None;
    let sending = Sending {
        upload: &mut upload,
        progress: None,
        of_head: false,
        watch: &watch,
        limits: origin.limits(),
    };
    let head = connection.send(sending).await.map_err(|unanswered| unanswered.fault)?;
    if head.status != StatusCode::SWITCHING_PROTOCOLS {
        let body = answer::body(Source::Http1(connection), origin, watch, trouble);
        return Ok(Opened::Refused(response(head.status, head.headers, body)));
    }
    if !head.upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket")) {
        return Err(Fault::Switched);
    }
    Ok(Opened::Switched(head.headers, connection))
}

/// What became of the wish for a websocket.
pub(super) enum Opened {
    Refused(Response<Body>),
    Switched(HeaderMap, Box<Http1>),
}

/// Says in the answer to the client what the upstream said.
pub(super) fn switch(answer: &mut Response<Body>) {
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        let headers = answer.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
}

/// Passes bytes on between both, until one of them, the clock or the drain ends it.
async fn pass_on(
    client: OnUpgrade,
    unwrap: Option<Unwrap>,
    upstream: Box<Http1>,
    idle: Duration,
    drain: Drain,
) {
    let (upstream, first, _ticket) = upstream.into_parts();
    let mut both = match timeout(HAND_OVER, client).await {
        Ok(Ok(client)) => {
            let HandedOver { stream, ahead } = Unwrap::apply(unwrap, client);
            let patience = Patience { idle: Some(idle), half_closed: HALF_CLOSED };
            Box::new(Tunnel::new((stream, ahead.into()), (upstream, first.into()), patience))
        }
        Ok(Err(error)) => return tracing::debug!("websocket not opened: {error}"),
        Err(_) => return tracing::debug!("websocket not opened: the answer was not taken"),
    };
    let mut begun = pin!(Begun::new(&drain));
    let ended = poll_fn(|cx| {
        if begun.as_mut().poll(cx).is_ready() { Poll::Ready(Ok(())) } else { Pin::new(&mut *both).poll(cx) }
    });
    if let Err(error) = ended.await {
        tracing::debug!("a websocket through a proxy ended: {error}");
    }
}
