//! Websockets: any path of a vhost opens one, whatever its mount is.
//!
//! [`Upgrade`] is put around a mount's handler. A request that does not ask for a websocket costs one look at its method
//! and one for the `Upgrade` header. One that asks, by an upgrade of HTTP/1.1 (RFC 6455) or an extended CONNECT of
//! HTTP/2 (RFC 8441), is answered here: 101 or 200 and a session, or
//!
//! | status | when |
//! |---|---|
//! | 400 | it has a body, no good key, or a list of protocols that cannot be read |
//! | 401 | the protocol has `basic-auth`, and the credentials are not in its file |
//! | 403 | it names no protocol, and `disable-no-protocol-ws-upgrades` is set; its Host is not what `strict-host-check` wants; its Origin is none of the protocol's `origins` |
//! | 404 | the vhost lists none of its protocols, or none that has websockets; or it names none and the vhost has no `default` that has them |
//! | 405 | it is not a GET |
//! | 426 | it is of another version than 13 |
//! | 500 | the protocol did not start |
//! | 501 | the protocol is not built in, or has a key that is not honoured; a CONNECT to something else than a websocket |
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
mod farewell;
mod fault;
mod frames;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod open;
mod screen;
mod session;
mod stream;
mod strict_host;
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
use futures_util::future::{BoxFuture, Either};
use http::header::{ALLOW, CONNECTION, ORIGIN, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderValue, Request, Response};
use schemas::plan::{Seconds, Vhost};
use tower::Service;

use crate::protocol::{Running, Unserved, VhostProtocols};
use crate::request::admit;
use crate::request::protect::{Entry, challenge};
use crate::response::error::Refusal;
use crate::response::log::User;
use crate::shutdown::Drain;
pub(crate) use strict_host::StrictHost;
pub(crate) use upgrade::asks_for_websocket;
use upgrade::{Handshake, WrongUpgrade, handshake};

/// Silence before a ping, where `ws-pingpong-secs` does not say.
const SILENCE: Duration = Duration::from_secs(40);

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
    /// `strict-host-check`.
    strict: Option<StrictHost>,
    silence: Option<Duration>,
    drain: Arc<Drain>,
}

/// Answers requests that ask for a websocket, and hands all others on.
#[derive(Clone)]
pub(crate) struct Upgrade<S> {
    inner: S,
    vhost: VhostUpgrades,
}

/// A request that may open a websocket.
struct Admitted {
    request: Request<Body>,
    handshake: Handshake,
    running: Arc<Running>,
}

impl VhostUpgrades {
    /// From the vhost's started protocols and `ws-pingpong-secs`, in which 0 means no pings. Each session holds the
    /// drain handle while it lives, and so does this: the drain is complete only when it is dropped.
    pub(crate) fn new(
        vhost: &Vhost<'_>,
        strict: Option<StrictHost>,
        protocols: VhostProtocols,
        pingpong: Option<Seconds>,
        drain: Drain,
    ) -> Self {
        let silence = pingpong.map_or(SILENCE, Duration::from);
        let silence = (!silence.is_zero()).then_some(silence);
        let must_name = vhost.disable_no_protocol_ws_upgrades;
        Self(Arc::new(Shared { protocols, must_name, strict, silence, drain: Arc::new(drain) }))
    }

    /// A protocol by its name, for `callback://` mounts; `None` if the vhost does not list it.
    pub(crate) fn instance(&self, name: &str) -> Option<Result<Arc<Running>, Unserved>> {
        self.0.protocols.find(name).cloned()
    }

    /// Whether a request may open a websocket, credentials aside; if not, the answer to it.
    fn admit(&self, request: Request<Body>) -> Result<Admitted, Box<Response<Body>>> {
        let handshake = handshake(&request).map_err(refused)?;
        if self.0.strict.as_ref().is_some_and(|strict| !strict.is_named(&request)) {
            return Err(refused(WrongUpgrade::Host));
        }
        let chosen = self.choose(handshake.protocols.as_deref()).map_err(refused)?;
        let running = chosen.as_ref().map(Arc::clone).map_err(|unserved| Box::new(unserved.response()))?;
        if let Some(origins) = &running.terms.origins {
            // One that is no text is none that is listed.
            let origin = request.headers().get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
            if !origins.admit(origin, admit::host(&request).ok().flatten()) {
                return Err(refused(WrongUpgrade::Origin));
            }
        }
        Ok(Admitted { request, handshake, running })
    }

    /// The protocol that a client gets.
    fn choose(&self, wanted: Option<&[String]>) -> Result<&Result<Arc<Running>, Unserved>, WrongUpgrade> {
        let Shared { protocols, must_name, .. } = &*self.0;
        let opens =
            |found: &&Result<Arc<Running>, _>| found.as_ref().map_or(true, |running| running.terms.opens);
        match wanted {
            Some(names) => {
                let mut found = names.iter().filter_map(|name| protocols.find(name));
                found.find(opens).ok_or(WrongUpgrade::NoProtocol)
            }
            None if *must_name => Err(WrongUpgrade::NoneNamed),
            None => protocols.default().filter(opens).ok_or(WrongUpgrade::NoDefault),
        }
    }

    /// Opens the session, and gives the answer that says so.
    fn open(&self, admitted: Admitted) -> Response<Body> {
        open::open(admitted, self.0.silence, Arc::clone(&self.0.drain))
    }
}

impl<S> Upgrade<S> {
    /// Around the handler of a mount.
    pub(crate) fn new(inner: S, vhost: VhostUpgrades) -> Self {
        Self { inner, vhost }
    }
}

type Answered = Result<Response<Body>, Infallible>;

impl<S> Service<Request<Body>> for Upgrade<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, Either<Ready<Answered>, BoxFuture<'static, Answered>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if !asks_for_websocket(&request) {
            return Either::Left(self.inner.call(request));
        }
        let at_once = |response| Either::Right(Either::Left(ready(Ok(response))));
        let admitted = match self.vhost.admit(request) {
            Ok(admitted) => admitted,
            Err(refusal) => return at_once(*refusal),
        };
        let Some(door) = &admitted.running.terms.door else { return at_once(self.vhost.open(admitted)) };
        match door.entry(admitted.request.headers()) {
            Entry::Admitted(user) => at_once(named(self.vhost.open(admitted), user)),
            Entry::Refused => at_once(challenge()),
            Entry::Unknown(given) => {
                let (door, vhost) = (door.clone(), self.vhost.clone());
                let answer = async move {
                    match door.look(given).await {
                        Ok(user) => Ok(named(vhost.open(admitted), user)),
                        Err(refusal) => Ok(refusal),
                    }
                };
                Either::Right(Either::Right(Box::pin(answer)))
            }
        }
    }
}

/// Names the user to the log.
fn named(mut response: Response<Body>, user: User) -> Response<Body> {
    response.extensions_mut().insert(user);
    response
}

/// The answer to a wrong upgrade.
fn refused(wrong: WrongUpgrade) -> Box<Response<Body>> {
    let mut response = Box::new(wrong.refusal().explained(&wrong.to_string()));
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
