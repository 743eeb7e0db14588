//! From an accepted socket to requests: listen > peek > tls > version.

mod addresses;
mod client;
mod crowded;
mod finish;
mod glances;
mod guard;
mod http1;
mod http2;
mod limits;
pub(crate) mod listen;
mod pace;
mod peek;
mod presence;
mod raw;
mod read_closed;
mod sendfile;
mod silence;
mod slot;
pub(crate) mod timer;
mod tls;
pub(crate) mod trim;
mod tunnel;
mod turns;
mod upgraded;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use schemas::plan::{ListenerId, Plan, Seconds, VhostId};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

pub(crate) use client::ClientCertificate;
pub(crate) use finish::Begun;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use guard::fuzz;
pub(crate) use guard::{Cut, field_of};
pub(crate) use presence::{Presence, Watch};
pub(crate) use read_closed::ReadClosed;
pub(crate) use sendfile::{SLOT, SharedFile, chunk};
pub(crate) use silence::look_after_peers;
pub(crate) use tunnel::{Patience, Tunnel};
#[cfg(test)]
pub(crate) use upgraded::Transport;
pub(crate) use upgraded::{HandedOver, Unwrap};

use crate::boot::site::Site;
use crate::boot::tls::Keys;
use crate::boot::tls::policy::Agreed;
use crate::request::in_flight::Share;
use crate::shutdown::Drain;
use addresses::Addresses;
use limits::Limits;
use peek::{Peek, Spoken};
use raw::Raw;
use sendfile::{Sendfile, Socket};
use slot::{Slot, Slotted};

/// `timeout-secs` where the config has none (lwsws's own default).
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a drain waits for the first request of a connection that is open already: it may be on its way.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What requests are told of their connection.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionFacts {
    /// The listener that took it.
    pub(crate) listener: ListenerId,
    /// Whether it speaks TLS. Connections to a TLS listener may come in clear, see `request::secure`.
    pub(crate) tls: bool,
    /// The peer; `None` for unix sockets.
    pub(crate) peer: Option<SocketAddr>,
    /// The vhost whose certificate and TLS policy the handshake used.
    pub(crate) sni_vhost: Option<VhostId>,
    /// What that handshake agreed on; `None` in clear.
    pub(crate) agreed: Option<Agreed>,
    /// The client's certificate, where that policy demands one.
    pub(crate) client: Option<ClientCertificate>,
    /// Whether the client is still there.
    pub(crate) presence: Presence,
    /// What bounds requests that wait, where there can be several at once: with HTTP/2.
    pub(crate) share: Option<Arc<Share>>,
}

/// What all connections of a generation share: the site, the keys, and how long to wait. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Serving {
    site: Arc<Site>,
    keys: Keys,
    drain: Drain,
    /// `timeout-secs`: for the first byte, a TLS handshake, a request's head.
    timeout: Duration,
    limits: Limits,
    addresses: Addresses,
    /// For each listener, what becomes of connections that are not HTTP.
    raw: Arc<[Option<Raw>]>,
}

impl Serving {
    /// Puts together what connections need.
    pub(crate) fn new(plan: &Plan, site: Site, keys: Keys, drain: Drain) -> Self {
        let timeout = plan.global().timeout.filter(|&timeout| timeout != Seconds(0));
        let timeout = timeout.map_or(DEFAULT_TIMEOUT, Duration::from);
        let listeners = plan.listeners().listeners;
        let addresses = Addresses::new(plan.global().ip_limit_wsi);
        let limits = Limits::new(&plan.global(), timeout);
        let raw = listeners.iter().map(|listener| Raw::of(plan, listener)).collect();
        Self { site: Arc::new(site), keys, drain, timeout, limits, addresses, raw }
    }

    /// The vhost whose timers and keys count: that of the server name, else the listener's first.
    fn vhost(&self, listener: ListenerId, server_name: Option<&str>) -> VhostId {
        self.site.hosts(listener).select(server_name).0
    }

    /// What becomes of a listener's connections that are not HTTP.
    fn raw(&self, listener: ListenerId) -> Option<&Raw> {
        self.raw.get(listener.index()).and_then(Option::as_ref)
    }

    /// What tells of the drain, and keeps it waiting.
    pub(crate) fn drain(&self) -> &Drain {
        &self.drain
    }

    /// `timeout-secs`.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What a client may take of a connection.
    fn limits(&self) -> Limits {
        self.limits
    }
}

/// A connection whose version is known.
struct Connection {
    serving: Serving,
    facts: ConnectionFacts,
}

/// Serves one accepted socket up to its end. What goes wrong is the peer's or the network's doing: a debug line.
async fn serve<S>(stream: S, facts: ConnectionFacts, serving: Serving, slot: Slot)
where
    S: Peek + Socket + Send + Sync + 'static,
{
    let peer = facts.peer;
    let served = serve_spoken(stream, facts, serving, slot).await;
    if let Err(error) = served {
        tracing::debug!(?peer, "connection ended: {error}");
    }
    trim::freed();
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// HTTP/1 is the rule, and idle most of the time. What else a connection may become is on the heap, so that those of HTTP/1 do
/// not carry the room for it.
async fn serve_spoken<S>(
    stream: S,
    facts: ConnectionFacts,
    serving: Serving,
    slot: Slot,
) -> Result<(), Failure>
where
    S: Peek + Socket + Send + Sync + 'static,
{
    let deadline = Instant::now() + serving.timeout;
    let raw = serving.raw(facts.listener);
    if let Some(raw) = raw.filter(|raw| raw.all && !facts.tls) {
        return serve_raw(stream, raw, &serving, slot).await;
    }
    let first = timeout_at(deadline, peek::spoken(&stream, facts.tls, raw.is_some()));
    let Some(spoken) = unless_drained(&serving.drain, first).await else { return Ok(()) };
    let plain = ConnectionFacts { tls: false, ..facts };
    match spoken?? {
        Spoken::Tls => serve_tls(Slotted::new(stream, slot), plain, serving, deadline).await?,
        Spoken::Http1 => {
            let stream = Slotted::new(Sendfile::new(stream), slot);
            http1::serve(stream, Connection { serving, facts: plain }, true).await?;
        }
        Spoken::Http2 => {
            Box::pin(http2::serve(Slotted::new(stream, slot), Connection { serving, facts: plain })).await?;
        }
        Spoken::Other => {
            if let Some(raw) = serving.raw(plain.listener) {
                serve_raw(stream, raw, &serving, slot).await?;
            }
        }
        Spoken::Nothing => {}
    }
    Ok(())
}

/// Hands a connection on. The drain lets it go on, as long as that lasts.
async fn serve_raw<S>(stream: S, raw: &Raw, serving: &Serving, slot: Slot) -> Result<(), Failure>
where
    S: Peek + Socket + Send + Sync + 'static,
{
    let another = slot.another();
    Ok(Box::pin(raw.serve(Slotted::new(stream, slot), another, serving.timeout())).await?)
}

async fn serve_tls<S>(
    stream: Slotted<S>,
    facts: ConnectionFacts,
    serving: Serving,
    deadline: Instant,
) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + ReadClosed + Unpin + Send + 'static,
{
    // On the heap, so that only handshakes hold what handshakes need.
    let handshake = timeout_at(deadline, Box::pin(tls::handshake(stream, &serving, facts.listener)));
    let Some(secured) = unless_drained(&serving.drain, handshake).await else { return Ok(()) };
    let tls::Secured { mut stream, vhost, client, agreed } = secured??;
    if let Some(raw) = serving.raw(facts.listener).filter(|raw| raw.all) {
        // It is the first vhost's, whatever name the handshake was made with.
        let demanded = serving.keys.trust(serving.vhost(facts.listener, None));
        if client.map(|client| client.trust) != demanded {
            return Err(
                "the handshake showed no client certificate of the kind that raw connections need".into()
            );
        }
        let another = stream.get_ref().0.another();
        return Ok(Box::pin(raw.serve(stream, another, serving.timeout())).await?);
    }
    let http2 = agreed.http2;
    let facts = ConnectionFacts { tls: true, sni_vhost: Some(vhost), agreed: Some(agreed), client, ..facts };
    let connection = Connection { serving, facts };
    if http2 {
        Box::pin(http2::serve(stream, connection)).await?;
    } else {
        // hyper has buffers of its own, which a connection that asks nothing yet does not need.
        let first = timeout(connection.serving.timeout, first_byte(&mut stream));
        match unless_drained(&connection.serving.drain, first).await {
            Some(Ok(first)) => first?,
            Some(Err(_)) | None => return Ok(stream.shutdown().await?),
        }
        http1::serve(stream, connection, false).await?;
    }
    Ok(())
}

/// Waits until there is something to read, or an end, and leaves it.
async fn first_byte(stream: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<()> {
    stream.fill_buf().await.map(drop)
}

/// What comes before the first request: once the drain has begun it gets [`LAST_WORDS`], and is not waited for longer.
async fn unless_drained<T>(drain: &Drain, work: impl Future<Output = T>) -> Option<T> {
    let over = async {
        drain.begun().await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        biased;
        done = work => Some(done),
        () = over => None,
    }
}

#[cfg(test)]
mod tests;
