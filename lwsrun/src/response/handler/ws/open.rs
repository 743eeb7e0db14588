//! From an admitted request to a session: the answer, and the hand-over of the connection.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use tokio::time::timeout;

use super::deflate::Deflate;
use super::session::{Held, Serving, Turns};
use super::upgrade::Handshake;
use super::{Admitted, Peer};
use crate::connection::Unwrap;
use crate::protocol::{Opening, Running};
use crate::response::log;
use crate::shutdown::Drain;

/// How long the answer may take to be written.
const HAND_OVER: Duration = Duration::from_secs(15);

/// Opens the session. `silence` before a ping; `None` for none.
pub(super) fn open(admitted: Admitted, silence: Option<Duration>, drain: Arc<Drain>) -> Response<Body> {
    let Admitted { mut request, handshake, running } = admitted;
    let upgrade = hyper::upgrade::on(&mut request);
    let unwrap = request.extensions().get().cloned();
    let deflate = running.terms.deflate.then(|| Deflate::agree(request.headers())).flatten();
    let response = opened(&handshake, &running, deflate.as_ref());
    let held = Held { silence, deflate, message: running.terms.message, frame: running.terms.frame };
    let opening = opening(request, &running);
    let protocol = Turns::begin(running, opening, &drain);
    tokio::spawn(hand_over(upgrade, unwrap, protocol, held, drain));
    response
}

/// Waits until the connection is ours, and serves the session.
async fn hand_over(
    upgrade: OnUpgrade,
    unwrap: Option<Unwrap>,
    protocol: Turns,
    held: Held,
    drain: Arc<Drain>,
) {
    let upgraded = match timeout(HAND_OVER, upgrade).await {
        Ok(Ok(upgraded)) => upgraded,
        Ok(Err(error)) => return tracing::debug!("websocket not opened: {error}"),
        Err(_) => return tracing::debug!("websocket not opened: the answer was not taken"),
    };
    let transport = Unwrap::apply(unwrap, upgraded);
    // A task of its own, so that what the hand-over needed is not held by the session.
    tokio::spawn(Serving::new(transport.stream, transport.ahead, protocol, held, drain).await);
}

fn opening(request: Request<Body>, running: &Running) -> Opening {
    let (parts, _) = request.into_parts();
    Opening {
        peer: parts.extensions.get::<Peer>().map(|peer| peer.0),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        http2: parts.version == http::Version::HTTP_2,
        vhost: Arc::clone(&running.vhost),
        protocol: Arc::clone(&running.protocol),
    }
}

/// 101, or 200 in HTTP/2. The protocol is named only to those who named some, as RFC 6455 wants it.
fn opened(handshake: &Handshake, running: &Running, deflate: Option<&Deflate>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(log::Protocol(Arc::clone(&running.protocol)));
    if let Some(accept) = &handshake.accept {
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept.clone());
    }
    let headers = response.headers_mut();
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
