//! Websockets: any path of a vhost opens one, whatever its mount is.
//!
//! [`Upgrade`] is put around a mount's handler. A request that does not ask for a websocket costs one look for the
//! `Upgrade` header. One that asks is answered here: 101 and a session, or
//!
//! | status | when |
//! |---|---|
//! | 400 | it has a body, no good key, or a list of protocols that cannot be read |
//! | 403 | it names no protocol, and `disable-no-protocol-ws-upgrades` is set |
//! | 404 | the vhost lists none of its protocols; or it names none and the vhost has no `default` |
//! | 405 | it is not a GET |
//! | 426 | it is of another version than 13 |
//! | 500 | the protocol did not start |
//! | 501 | the protocol is not built in, or has a key that is not honoured |
//!
//! Differs from lwsws: it drops these without an answer, and accepts a client without a protocol where there is no
//! default, to do nothing. An `Upgrade` to anything else is ignored, where lwsws answers 403.
//!
//! Of the protocols that a client lists, the first that the vhost lists is taken. One that is listed but cannot be
//! served is answered 501, not passed over: the client prefers it, and the config promises it.
//!
//! Messages are compressed where client and protocol want it, see [`deflate`].

mod conversation;
mod deflate;
mod fault;
mod frames;
mod session;
mod stream;
#[cfg(test)]
mod tests;
mod upgrade;
mod watch;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use futures_util::future::Either;
use http::header::{
    ALLOW, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use schemas::plan::{Seconds, Vhost};
use tokio::time::timeout;
use tower::Service;

use crate::protocol::{Opening, Running, Unserved, VhostProtocols};
use crate::response::error::Refusal;
use crate::response::log;
use crate::shutdown::Drain;
use deflate::Deflate;
use session::{Serving, SharedDrain, Turns};
pub(crate) use upgrade::asks;
use upgrade::{Handshake, WrongUpgrade, handshake};

/// Silence before a ping, where `ws-pingpong-secs` does not say.
const SILENCE: Duration = Duration::from_secs(40);

/// How long the 101 may take to be written.
const HAND_OVER: Duration = Duration::from_secs(15);

/// Address of the client: an extension of the requests that ask to upgrade. Without it protocols see none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What the upgrades of a vhost have in common. Cheap to clone.
#[derive(Clone)]
pub(crate) struct VhostUpgrades(Arc<Shared>);

struct Shared {
    protocols: VhostProtocols,
    /// `disable-no-protocol-ws-upgrades`.
    must_name: bool,
    silence: Option<Duration>,
    drain: SharedDrain,
}

/// Answers requests that ask for a websocket, and hands all others on.
#[derive(Clone)]
pub(crate) struct Upgrade<S> {
    inner: S,
    vhost: VhostUpgrades,
}

impl VhostUpgrades {
    /// From the vhost's started protocols and `ws-pingpong-secs`, in which 0 means no pings. Each session holds the
    /// drain handle while it lives, and so does this: the drain is complete only when it is dropped.
    pub(crate) fn new(
        vhost: &Vhost<'_>,
        protocols: VhostProtocols,
        pingpong: Option<Seconds>,
        drain: Drain,
    ) -> Self {
        let silence = pingpong.map_or(SILENCE, Duration::from);
        let silence = (!silence.is_zero()).then_some(silence);
        let must_name = vhost.disable_no_protocol_ws_upgrades;
        Self(Arc::new(Shared { protocols, must_name, silence, drain: SharedDrain::new(drain) }))
    }

    /// A protocol by its name, for `callback://` mounts; `None` if the vhost does not list it.
    pub(crate) fn instance(&self, name: &str) -> Option<Result<Arc<Running>, Unserved>> {
        self.0.protocols.find(name).cloned()
    }

    /// Answers a request that asks for a websocket.
    fn answer(&self, mut request: Request<Body>) -> Response<Body> {
        let handshake = match handshake(&request) {
            Ok(handshake) => handshake,
            Err(wrong) => return refuse(wrong),
        };
        let running = match self.choose(handshake.protocols.as_deref()) {
            Ok(Ok(running)) => Arc::clone(running),
            Ok(Err(unserved)) => return unserved.response(),
            Err(wrong) => return refuse(wrong),
        };
        let upgrade = hyper::upgrade::on(&mut request);
        let deflate = running.deflate.then(|| Deflate::agree(request.headers())).flatten();
        let response = switching(&handshake, &running, deflate.as_ref());
        let opening = opening(request, &running);
        let protocol = Turns::begin(running, opening);
        let Shared { silence, drain, .. } = &*self.0;
        tokio::spawn(hand_over(upgrade, protocol, *silence, deflate, drain.clone()));
        response
    }

    /// The protocol that a client gets.
    fn choose(&self, wanted: Option<&[String]>) -> Result<&Result<Arc<Running>, Unserved>, WrongUpgrade> {
        let Shared { protocols, must_name, .. } = &*self.0;
        match wanted {
            Some(names) => names.iter().find_map(|name| protocols.find(name)).ok_or(WrongUpgrade::NoProtocol),
            None if *must_name => Err(WrongUpgrade::NoneNamed),
            None => protocols.default().ok_or(WrongUpgrade::NoDefault),
        }
    }
}

impl<S> Upgrade<S> {
    /// Around the handler of a mount.
    pub(crate) fn new(inner: S, vhost: VhostUpgrades) -> Self {
        Self { inner, vhost }
    }
}

impl<S> Service<Request<Body>> for Upgrade<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if asks(&request) {
            Either::Right(ready(Ok(self.vhost.answer(request))))
        } else {
            Either::Left(self.inner.call(request))
        }
    }
}

/// Waits until the connection is ours, and serves the session.
async fn hand_over(
    upgrade: OnUpgrade,
    protocol: Turns,
    silence: Option<Duration>,
    deflate: Option<Deflate>,
    drain: SharedDrain,
) {
    let upgraded = match timeout(HAND_OVER, upgrade).await {
        Ok(Ok(upgraded)) => upgraded,
        Ok(Err(error)) => return tracing::debug!("websocket not opened: {error}"),
        Err(_) => return tracing::debug!("websocket not opened: the answer was not taken"),
    };
    // What was read after the request is in there, and is read first.
    // A task of its own, so that what the hand-over needed is not held by the session.
    tokio::spawn(Serving::new(TokioIo::new(upgraded), protocol, silence, deflate, drain).await);
}

fn opening(request: Request<Body>, running: &Running) -> Opening {
    let (parts, _) = request.into_parts();
    Opening {
        peer: parts.extensions.get::<Peer>().map(|peer| peer.0),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        vhost: Arc::clone(&running.vhost),
        protocol: Arc::clone(&running.protocol),
    }
}

/// 101. The protocol is named only to those who named some, as RFC 6455 wants it.
fn switching(handshake: &Handshake, running: &Running, deflate: Option<&Deflate>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.extensions_mut().insert(log::Protocol(Arc::clone(&running.protocol)));
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, handshake.accept.clone());
    // It equals a name that came in a header, so it can be in one.
    if handshake.protocols.is_some()
        && let Ok(name) = HeaderValue::from_str(&running.protocol)
    {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, name);
    }
    if let Some(agreed) = deflate.and_then(Deflate::header) {
        headers.insert(SEC_WEBSOCKET_EXTENSIONS, agreed);
    }
    response
}

fn refuse(wrong: WrongUpgrade) -> Response<Body> {
    let mut response = wrong.refusal().explained(&wrong.to_string());
    let headers = response.headers_mut();
    match wrong {
        WrongUpgrade::Version => {
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        }
        WrongUpgrade::Method => {
            headers.insert(ALLOW, HeaderValue::from_static("GET"));
        }
        _ => {}
    }
    response
}

impl Unserved {
    /// The answer to whoever asks for the protocol.
    pub(crate) fn response(self) -> Response<Body> {
        let refusal = match self {
            Self::NotBuiltIn | Self::NotHonoured => Refusal::NotImplemented,
            Self::Failed => Refusal::Internal,
        };
        refusal.explained(&self.to_string())
    }
}
