//! The upstream of one mount: where it is, how it is reached, and what it may take.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderValue;
use http::uri::Authority;
use rustls_pki_types::ServerName;
use schemas::plan::{ProxyLimits, Upstream, UpstreamAddress};

use crate::boot::tls::client::{ClientConfigs, Configs};

/// `proxy-connect-timeout` where the mount has none: for looking up a name, connecting and a TLS handshake, together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// `proxy-answer-timeout`: for the upstream to take a request and begin its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// `proxy-idle-timeout`: for the next piece of an answer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// `proxy-websocket-timeout`: without a byte in either direction.
const WEBSOCKET_TIMEOUT: Duration = Duration::from_secs(3600);

/// `proxy-connections`: of one worker, in use or idle.
const CONNECTIONS: usize = 512;

/// The upstream of one mount.
#[derive(Debug)]
pub(crate) struct Origin {
    /// Unlike that of any other, also of later generations.
    id: u64,
    name: Box<str>,
    authority: HeaderValue,
    address: Address,
    security: Security,
    limits: Limits,
}

/// Where an upstream is.
#[derive(Debug)]
pub(super) enum Address {
    /// A name that is looked up for each connection.
    Name(Box<str>, u16),
    Ip(SocketAddr),
    Unix(Box<Path>),
}

/// How an upstream is spoken to.
#[derive(Debug)]
pub(super) enum Security {
    Clear,
    Tls(Arc<ClientConfigs>, ServerName<'static>),
    /// TLS that cannot be had, and why.
    Unusable(String),
}

/// What a mount's upstream may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) connect: Duration,
    pub(super) answer: Duration,
    pub(super) idle: Duration,
    pub(super) websocket: Duration,
    pub(super) connections: usize,
    /// The most bytes of a request's content; `None`: any number.
    pub(super) content: Option<u64>,
}

impl Origin {
    /// The upstream of a mount. `tls`, for `https://`, is the vhost's TLS for outgoing connections, or why there is none.
    pub(crate) fn new(upstream: &Upstream<'_>, limits: &ProxyLimits, tls: Option<Configs>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (authority, name) = names(upstream);
        let server_name = match upstream.address {
            UpstreamAddress::Host { host, .. } => ServerName::try_from(host.to_owned()),
            UpstreamAddress::Unix { .. } => ServerName::try_from("localhost"),
        };
        let security = match (tls, server_name) {
            (None, _) => Security::Clear,
            (Some(Ok(configs)), Ok(name)) => Security::Tls(configs, name),
            (Some(Err(why)), _) => Security::Unusable(why),
            (Some(Ok(_)), Err(error)) => Security::Unusable(error.to_string()),
        };
        let address = match upstream.address {
            UpstreamAddress::Unix { path } => Address::Unix(Path::new(path).into()),
            UpstreamAddress::Host { host, port } => match host.parse::<IpAddr>() {
                Ok(address) => Address::Ip(SocketAddr::new(address, port)),
                Err(_) => Address::Name(host.into(), port),
            },
        };
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            name: name.into(),
            // A host that cannot be a value cannot be looked up either.
            authority: HeaderValue::try_from(authority)
                .unwrap_or_else(|_| HeaderValue::from_static("localhost")),
            address,
            security,
            limits: Limits::new(limits),
        }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// What to call it in the log.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its `Host`.
    pub(super) fn authority(&self) -> &HeaderValue {
        &self.authority
    }

    /// The same for a URL, if it can be in one.
    pub(super) fn url_authority(&self) -> Option<Authority> {
        Authority::try_from(self.authority.as_bytes()).ok()
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn security(&self) -> &Security {
        &self.security
    }

    /// Whether it is spoken to by TLS.
    pub(super) fn is_secure(&self) -> bool {
        !matches!(self.security, Security::Clear)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// The authority of an upstream, without the port that its scheme implies, and its name for the log.
fn names(upstream: &Upstream<'_>) -> (String, String) {
    let scheme = if upstream.tls { "https" } else { "http" };
    match upstream.address {
        UpstreamAddress::Unix { path } => ("localhost".to_owned(), format!("{scheme}://+{path}")),
        UpstreamAddress::Host { host, port } => {
            let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
            let implied = if upstream.tls { 443 } else { 80 };
            let authority = if port == implied { host } else { format!("{host}:{port}") };
            let name = format!("{scheme}://{authority}");
            (authority, name)
        }
    }
}

impl Limits {
    fn new(limits: &ProxyLimits) -> Self {
        let ProxyLimits {
            connect_timeout,
            answer_timeout,
            idle_timeout,
            websocket_timeout,
            connections,
            body_limit,
        } = limits;
        Self {
            connect: connect_timeout.map_or(CONNECT_TIMEOUT, Into::into),
            answer: answer_timeout.map_or(ANSWER_TIMEOUT, Into::into),
            idle: idle_timeout.map_or(IDLE_TIMEOUT, Into::into),
            websocket: websocket_timeout.map_or(WEBSOCKET_TIMEOUT, Into::into),
            connections: connections.and_then(|count| usize::try_from(count).ok()).unwrap_or(CONNECTIONS),
            content: *body_limit,
        }
    }
}
