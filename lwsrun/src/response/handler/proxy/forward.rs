//! A client's request made into the upstream's.
//!
//! - Fields that are for one connection only are not passed on (RFC 9110, section 7.6.1): `Connection` and what it
//!   names, and their like. `TE: trailers` is said anew, since trailers are passed on.
//! - `Host` is the upstream's own authority, as its configuration expects it. The client's is in `X-Forwarded-Host`.
//! - `X-Forwarded-For` and `Forwarded` (RFC 7239) are added to what came: the last entry is ours, and the only one that
//!   an upstream can trust. `X-Forwarded-Proto` and `X-Forwarded-Host` are ours alone.
//! - `Via` (RFC 9110, section 7.6.3) names this server, and tells a circle from a chain.

use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::body::Body;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    TE, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body::Body as _;

use super::fault::Fault;
use super::origin::Origin;
use super::tunnel::Upgrade;
use super::upload::Upload;
use crate::connection::ConnectionFacts;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
/// CGI programs behind the upstream would take it for a setting of their own ("httpoxy").
const PROXY: HeaderName = HeaderName::from_static("proxy");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Fields that are for one connection only, whether `Connection` names them or not.
const OF_ONE_CONNECTION: [HeaderName; 10] = [
    CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    PROXY,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    HTTP2_SETTINGS,
];

/// How often a request may have passed servers of this kind. More is a circle.
const MOST_PASSAGES: usize = 10;

/// This server in `Via`.
const PSEUDONYM: &str = "lwsrun";

/// What a request is forwarded with.
pub(super) struct Forward<'a> {
    pub(super) origin: &'a Origin,
    pub(super) facts: &'a ConnectionFacts,
}

impl Forward<'_> {
    /// The request for the upstream, and its content.
    ///
    /// # Errors
    /// If it goes in a circle, or has more content than the mount allows.
    pub(super) fn request(
        &self,
        request: Request<Body>,
        target: PathAndQuery,
    ) -> Result<(Request<()>, Upload), Fault> {
        let (mut parts, body) = request.into_parts();
        let upload = Upload::new(body, &parts.headers, self.origin.limits())?;
        if !upload.waits_for_permission() {
            parts.headers.remove(EXPECT);
        }
        self.prepare(&mut parts.headers, &parts.uri)?;
        let mut forwarded = Request::new(());
        *forwarded.method_mut() = parts.method;
        *forwarded.uri_mut() = Uri::from(target);
        *forwarded.headers_mut() = parts.headers;
        Ok((forwarded, upload))
    }

    /// The request that asks the upstream for a websocket.
    pub(super) fn upgrade(
        &self,
        request: Request<Body>,
        target: PathAndQuery,
        upgrade: &Upgrade,
    ) -> Result<Request<()>, Fault> {
        let (mut parts, body) = request.into_parts();
        if !body.is_end_stream() {
            return Err(Fault::UpgradeWithContent);
        }
        self.prepare(&mut parts.headers, &parts.uri)?;
        upgrade.ask(&mut parts.headers);
        let mut forwarded = Request::new(());
        *forwarded.uri_mut() = Uri::from(target);
        *forwarded.headers_mut() = parts.headers;
        Ok(forwarded)
    }

    fn prepare(&self, headers: &mut HeaderMap, uri: &Uri) -> Result<(), Fault> {
        let trailers = strip(headers);
        let host = uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
        let host = match host {
            Some(host) => {
                headers.insert(HOST, self.origin.authority().clone());
                Some(host)
            }
            None => headers.insert(HOST, self.origin.authority().clone()),
        };
        let proto = if self.facts.tls { "https" } else { "http" };
        self.tell_who_asks(headers, host.as_ref(), proto);
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(proto));
        match host {
            Some(host) => headers.insert(X_FORWARDED_HOST, host),
            None => headers.remove(X_FORWARDED_HOST),
        };
        if trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        self.tell_the_way(headers)
    }

    /// `X-Forwarded-For` and `Forwarded`.
    fn tell_who_asks(&self, headers: &mut HeaderMap, host: Option<&HeaderValue>, proto: &str) {
        let mut text = String::with_capacity(96);
        let Some(peer) = self.facts.peer.map(canonical) else {
            // Who is behind a unix socket is not known, so what it says about its client stays the last word.
            describe(&mut text, "unknown", host, proto);
            append(headers, FORWARDED, &text);
            return;
        };
        let _ = write!(text, "{peer}");
        append(headers, X_FORWARDED_FOR, &text);
        text.clear();
        match peer {
            std::net::IpAddr::V4(peer) => describe(&mut text, peer, host, proto),
            std::net::IpAddr::V6(peer) => describe(&mut text, format_args!("\"[{peer}]\""), host, proto),
        }
        append(headers, FORWARDED, &text);
    }

    /// `Via`.
    fn tell_the_way(&self, headers: &mut HeaderMap) -> Result<(), Fault> {
        if !headers.contains_key(VIA) {
            headers.insert(VIA, HeaderValue::from_static("1.1 lwsrun"));
            return Ok(());
        }
        let passages = headers.get_all(VIA).iter().filter_map(|line| line.to_str().ok());
        let passages = passages.flat_map(|line| line.split(',')).filter(|entry| entry.contains(PSEUDONYM));
        if passages.count() >= MOST_PASSAGES {
            return Err(Fault::Circle);
        }
        append(headers, VIA, "1.1 lwsrun");
        Ok(())
    }
}

/// An entry of `Forwarded`.
fn describe(text: &mut String, peer: impl std::fmt::Display, host: Option<&HeaderValue>, proto: &str) {
    let _ = write!(text, "for={peer}");
    // It was admitted as a host, so it holds no quote and no backslash.
    if let Some(host) = host.and_then(|host| host.to_str().ok()) {
        let _ = write!(text, ";host=\"{host}\"");
    }
    let _ = write!(text, ";proto={proto}");
}

/// The address that a client has for others: IPv4 on a socket for both families is IPv4.
fn canonical(peer: SocketAddr) -> std::net::IpAddr {
    peer.ip().to_canonical()
}

/// Adds an element to a list field, on one line.
fn append(headers: &mut HeaderMap, name: HeaderName, element: &str) {
    let mut lines = headers.get_all(&name).iter().filter_map(|line| line.to_str().ok()).peekable();
    let value = if lines.peek().is_none() {
        HeaderValue::from_str(element)
    } else {
        let mut list = lines.fold(String::new(), |list, line| list + line + ", ");
        list.push_str(element);
        HeaderValue::try_from(list)
    };
    if let Ok(value) = value {
        headers.insert(name, value);
    }
}

/// Takes out the fields that are for one connection only; whether trailers are welcome.
pub(super) fn strip(headers: &mut HeaderMap) -> bool {
    let trailers = headers.get_all(TE).iter().any(|line| {
        line.to_str()
            .is_ok_and(|line| line.split([',', ';']).any(|word| word.trim().eq_ignore_ascii_case("trailers")))
    });
    if headers.contains_key(CONNECTION) {
        for name in named(headers) {
            headers.remove(name);
        }
    }
    for name in &OF_ONE_CONNECTION {
        headers.remove(name);
    }
    trailers
}

/// The fields that `Connection` names. Those that frame the message or name its host are for every connection, whatever
/// it says.
fn named(headers: &HeaderMap) -> Vec<HeaderName> {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let words = lines.flat_map(|line| line.split(',')).map(str::trim);
    let names = words
        .filter(|word| !word.eq_ignore_ascii_case("keep-alive") && !word.eq_ignore_ascii_case("close"))
        .filter_map(|word| HeaderName::try_from(word).ok());
    names.filter(|name| *name != CONTENT_LENGTH && *name != HOST).collect()
}
