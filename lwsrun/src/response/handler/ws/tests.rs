//! Whole sessions: a client of the websocket library, an HTTP connection, the upgrade, a protocol. The clock is
//! tokio's and paused, so that hours pass at once and nothing depends on the machine's speed.

mod clock;
mod conduct;
mod counter;
mod deflate;
mod echo;
mod ended;
mod frames;
mod mirror;
mod rest;
mod status;
mod threads;
mod upgrade;

use std::sync::Arc;

use axum::body::Body;
use futures_util::StreamExt;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use schemas::plan::{self, Bind, Families, OptionValue, ProtocolOption, Seconds, Vhost};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};
use tokio_tungstenite::tungstenite::Message as Wire;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};
use tower::Service;

use super::{Peer, StrictHost, Upgrade, VhostUpgrades};
use crate::boot::testing::{PLACE, listener, vhost};
use crate::protocol::{BoxFuture, Instance, Opening, Options, Protocol, Registry, Session, StartError};
use crate::protocol::{VhostContext, VhostProtocols};
use crate::response::error::Refusal;
use crate::response::handler::refuse::Refuse;
use crate::shutdown::DrainControl;

const COUNTER: &str = "dumb-increment-protocol";
const ECHO: &str = "lws-echo";
const MIRROR: &str = "lws-mirror-protocol";
const STATUS: &str = "lws-status";

/// Headers, or changes to them.
pub(super) type Headers<'a, V = &'a str> = &'a [(&'a str, V)];

/// A vhost with protocols, and what ends it.
struct Site {
    upgrades: VhostUpgrades,
    drain: DrainControl,
    words: Vec<String>,
}

type Client<S = DuplexStream> = WebSocketStream<S>;

impl Site {
    /// The built-in protocols, without options.
    fn builtin() -> Self {
        let protocols = [COUNTER, ECHO, MIRROR, STATUS].into_iter().map(named).collect();
        Self::new(&Registry::default(), &Vhost { protocols, ..vhost() })
    }

    /// One protocol, whose sessions do this.
    fn doing<F>(work: impl Fn(Session) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let registry = Registry::empty().with(Doing(Arc::new(move |session| Box::pin(work(session)))));
        Self::new(&registry, &Vhost { protocols: vec![named("doing")], ..vhost() })
    }

    fn new(registry: &Registry, vhost: &Vhost<'_>) -> Self {
        Self::pinging(registry, vhost, None)
    }

    fn pinging(registry: &Registry, vhost: &Vhost<'_>, pingpong: Option<Seconds>) -> Self {
        let drain = DrainControl::new();
        let (protocols, words) =
            VhostProtocols::start(vhost, registry, None, |place| format!("site:{}", place.line));
        let bind = Bind::Any { port: 7681, families: Families::Both };
        let strict = StrictHost::new(vhost, Some(&listener(bind)));
        Self {
            upgrades: VhostUpgrades::new(vhost, strict, protocols, pingpong, drain.handle()),
            drain,
            words,
        }
    }

    fn service(&self) -> Upgrade<Refuse> {
        Upgrade::new(Refuse(Refusal::Unavailable), self.upgrades.clone())
    }

    /// Serves HTTP/1.1 on a stream.
    fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, stream: S) {
        let service = self.service();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(([127, 0, 0, 1], 4711).into()));
            service.clone().call(request)
        });
        let connection = hyper::server::conn::http1::Builder::new();
        tokio::spawn(connection.serve_connection(TokioIo::new(stream), service).with_upgrades());
    }

    /// A connection, in which at most `buffer` bytes are on their way in each direction.
    fn connection(&self, buffer: usize) -> DuplexStream {
        let (far, near) = duplex(buffer);
        self.serve(near);
        far
    }

    /// Opens a websocket that asks for a protocol.
    async fn open(&self, target: &str, protocol: &str) -> Client {
        self.open_on(self.connection(64 * 1024), target, protocol).await
    }

    async fn open_on<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        target: &str,
        protocol: &str,
    ) -> Client<S> {
        let mut request = format!("ws://a.test{target}").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        let (client, response) = client_async(request, stream).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], protocol);
        client
    }
}

/// A protocol in a vhost.
fn named(name: &str) -> plan::Protocol<'_> {
    plan::Protocol { name, default: false, raw: false, basic_auth: None, options: Vec::new(), place: PLACE }
}

fn option<'a>(name: &'a str, value: &'a str) -> ProtocolOption<'a> {
    ProtocolOption { name, value: OptionValue::Text(value) }
}

/// The next message that is not a ping.
async fn next<S: AsyncRead + AsyncWrite + Unpin>(client: &mut Client<S>) -> Wire {
    loop {
        match client.next().await.expect("the connection is open").unwrap() {
            Wire::Ping(_) => {}
            message => return message,
        }
    }
}

/// Code and reason of a close that must come next.
async fn closed<S: AsyncRead + AsyncWrite + Unpin>(client: &mut Client<S>) -> (u16, String) {
    match next(client).await {
        Wire::Close(Some(close)) => (close.code.into(), close.reason.to_string()),
        other => panic!("no close but {other:?}"),
    }
}

type Work = dyn Fn(Session) -> BoxFuture<'static, ()> + Send + Sync;

/// The protocol `doing`.
#[derive(Clone)]
struct Doing(Arc<Work>);

impl Protocol for Doing {
    fn name(&self) -> &str {
        "doing"
    }

    fn start(&self, _: VhostContext, _: Options) -> Result<Arc<dyn Instance>, StartError> {
        Ok(Arc::new(self.clone()))
    }
}

impl Instance for Doing {
    fn session(self: Arc<Self>, _: Opening, session: Session) -> BoxFuture<'static, ()> {
        self.0(session)
    }
}
