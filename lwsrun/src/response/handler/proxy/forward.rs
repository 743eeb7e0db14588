//! A client's request made into the upstream's.
//!
//! - Fields that are for one connection only are not passed on (RFC 9110, section 7.6.1): `Connection` and what it
//!   names, and their like. `TE: trailers` is said anew, since trailers are passed on.
//! - `Host` is the upstream's own authority, as its configuration expects it. The client's is in `X-Forwarded-Host`.
//! - `X-Forwarded-For` and `Forwarded` (RFC 7239) are added to what came: the last entry is ours, and the only one that
//!   an upstream can trust. `X-Forwarded-Proto` and `X-Forwarded-Host` are ours alone.
//! - `Via` (RFC 9110, section 7.6.3) names this server, and tells a circle from a chain.

use std::io::Write as _;
use std::net::IpAddr;

use axum::body::Body;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, FORWARDED, HOST, HeaderName, SEC_WEBSOCKET_KEY, TE,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body::Body as _;

use super::fault::Fault;
use super::hop_by_hop::is_hop_by_hop;
use super::http1::{Framing, put_field};
use super::origin::{Limits, Origin};
use super::tunnel::Upgrade;
use super::upload::Upload;
use crate::connection::ConnectionFacts;
use crate::response::number::{ADDRESS, address};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// How often a request may have passed servers of this kind. More is a circle.
const MOST_PASSAGES: usize = 10;

/// This server in `Via`.
const PSEUDONYM: &str = "lwsrun";

/// A request for the upstream: what the client said, and what is said beside it or instead. It can be written any number of
/// times, for either version.
pub(super) struct Forward {
    /// Whether the client speaks TLS.
    tls: bool,
    /// The client; `None` behind a unix socket.
    peer: Option<IpAddr>,
    method: Method,
    target: PathAndQuery,
    /// The client's.
    headers: HeaderMap,
    /// What the client called this server.
    host: Option<HeaderValue>,
    said: Said,
    /// Whether the client waits for permission to send content.
    expects: bool,
    framing: Framing,
    /// A websocket is asked for; with this key, if not with the client's.
    websocket: Option<Option<Box<str>>>,
}

/// Takes the fields of a request one by one. A value comes in parts.
trait Fields {
    fn put(&mut self, name: &HeaderName, value: &[&[u8]]);

    fn put_number(&mut self, name: &HeaderName, number: u64);
}

impl Forward {
    /// The request for the upstream, and its content.
    ///
    /// # Errors
    /// If it goes in a circle, has more content than the mount allows, or has content and asks for a websocket.
    pub(super) fn new(
        request: Request<Body>,
        target: PathAndQuery,
        facts: &ConnectionFacts,
        limits: &Limits,
        upgrade: Option<&Upgrade>,
    ) -> Result<(Self, Upload), Fault> {
        let (parts, body) = request.into_parts();
        if upgrade.is_some() && !body.is_end_stream() {
            return Err(Fault::UpgradeWithContent);
        }
        let upload = Upload::new(body, &parts.headers, limits)?;
        let headers = parts.headers;
        let said = Said::by(&headers);
        if said.passages >= MOST_PASSAGES {
            return Err(Fault::Circle);
        }
        let authority = parts.uri.authority();
        let host = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
        let forward = Self {
            tls: facts.tls,
            peer: facts.peer.map(|peer| peer.ip().to_canonical()),
            method: if upgrade.is_some() { Method::GET } else { parts.method },
            target,
            host: host.or_else(|| headers.get(HOST).cloned()),
            said,
            expects: upload.waits_for_permission(),
            framing: upload.framing(),
            headers,
            websocket: upgrade.map(|upgrade| upgrade.key().map(Into::into)),
        };
        Ok((forward, upload))
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// How its content is framed over HTTP/1.1.
    pub(super) fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether the client speaks TLS.
    pub(super) fn is_over_tls(&self) -> bool {
        self.tls
    }

    /// Its head for HTTP/1.1.
    pub(super) fn write(&self, origin: &Origin, text: &mut Vec<u8>) {
        text.extend_from_slice(self.method.as_str().as_bytes());
        text.push(b' ');
        text.extend_from_slice(self.target.as_str().as_bytes());
        text.extend_from_slice(b" HTTP/1.1\r\n");
        text.put(&HOST, &[origin.authority().as_bytes()]);
        self.fields(text);
        match self.framing {
            Framing::Chunked => text.put(&TRANSFER_ENCODING, &[b"chunked"]),
            Framing::None | Framing::Length(_) => self.length(text),
        }
        match &self.websocket {
            Some(key) => {
                text.put(&CONNECTION, &[b"Upgrade"]);
                text.put(&UPGRADE, &[b"websocket"]);
                if let Some(key) = key {
                    text.put(&SEC_WEBSOCKET_KEY, &[key.as_bytes()]);
                }
            }
            // RFC 9110, section 10.1.4: what `TE` says is for this connection.
            None if self.said.trailers => text.put(&CONNECTION, &[b"te"]),
            None => {}
        }
        text.extend_from_slice(b"\r\n");
    }

    /// Its head for HTTP/2, where scheme and authority are part of the target, and there is no `Host`.
    pub(super) fn request(&self, origin: &Origin) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        let mut parts = Uri::from(self.target.clone()).into_parts();
        parts.scheme = Some(Scheme::HTTPS);
        parts.authority = origin.url_authority();
        // An authority that cannot be in a URL cannot have been connected to.
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        self.fields(request.headers_mut());
        self.length(request.headers_mut());
        request
    }

    /// `Content-Length`, where it is known.
    fn length(&self, out: &mut impl Fields) {
        match self.framing {
            // Some say that there is none, and some upstreams want to hear it.
            Framing::None => {
                if let Some(length) = self.headers.get(CONTENT_LENGTH).filter(|length| !length.is_empty()) {
                    out.put(&CONTENT_LENGTH, &[length.as_bytes()]);
                }
            }
            Framing::Length(length) => out.put_number(&CONTENT_LENGTH, length),
            Framing::Chunked => {}
        }
    }

    /// All fields but those that depend on the version.
    fn fields(&self, out: &mut impl Fields) {
        for (name, value) in &self.headers {
            if self.is_passed_on(name) {
                out.put(name, &[value.as_bytes()]);
            }
        }
        if self.said.cookies {
            self.join_cookies(out);
        }
        let proto: &[u8] = if self.tls { b"https" } else { b"http" };
        let host = self.host.as_ref().map(HeaderValue::as_bytes);
        self.tell_who_asks(out, host, proto);
        out.put(&X_FORWARDED_PROTO, &[proto]);
        if let Some(host) = host {
            out.put(&X_FORWARDED_HOST, &[host]);
        }
        self.add(out, &VIA, &[b"1.1 ", PSEUDONYM.as_bytes()]);
        if self.said.trailers {
            out.put(&TE, &[b"trailers"]);
        }
    }

    /// `X-Forwarded-For` and `Forwarded`.
    fn tell_who_asks(&self, out: &mut impl Fields, host: Option<&[u8]>, proto: &[u8]) {
        let mut text = [0; ADDRESS];
        // Who is behind a unix socket is not known, so what it says about its client stays the last word.
        let address = self.peer.map_or(&b"unknown"[..], |peer| address(&mut text, peer));
        if self.peer.is_some() {
            self.add(out, &X_FORWARDED_FOR, &[address]);
        }
        let (open, close): (&[u8], &[u8]) =
            if matches!(self.peer, Some(IpAddr::V6(_))) { (b"\"[", b"]\"") } else { (b"", b"") };
        // It was admitted as a host, so it holds no quote and no backslash.
        let (by, host, end): (&[u8], &[u8], &[u8]) = match host {
            Some(host) => (b";host=\"", host, b"\""),
            None => (b"", b"", b""),
        };
        self.add(out, &FORWARDED, &[b"for=", open, address, close, by, host, end, b";proto=", proto]);
    }

    /// Cookies, on one line, however they came (RFC 9113, section 8.2.3).
    fn join_cookies(&self, out: &mut impl Fields) {
        let lines: Vec<_> = self.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
        out.put(&COOKIE, &[&lines.join(&b"; "[..])]);
    }

    /// Adds an element to what the client said in a list field, on one line.
    fn add(&self, out: &mut impl Fields, name: &HeaderName, element: &[&[u8]]) {
        if !self.said.lists {
            return out.put(name, element);
        }
        let lines = self.headers.get_all(name);
        let mut parts: Vec<&[u8]> = lines.iter().flat_map(|line| [line.as_bytes(), b", "]).collect();
        parts.extend_from_slice(element);
        out.put(name, &parts);
    }

    /// Whether a field of the client's is said to the upstream in the same words.
    fn is_passed_on(&self, name: &HeaderName) -> bool {
        let own = match name.as_str() {
            _ if is_hop_by_hop(name) => true,
            "content-length" | "cookie" | "forwarded" | "host" | "via" | "x-forwarded-host"
            | "x-forwarded-proto" => true,
            "x-forwarded-for" => self.peer.is_some(),
            "expect" => !self.expects,
            name => is_ours_to_some(name),
        };
        !own && !self.said.named.contains(name)
    }
}

impl Fields for Vec<u8> {
    fn put(&mut self, name: &HeaderName, value: &[&[u8]]) {
        put_field(self, name.as_str(), value);
    }

    fn put_number(&mut self, name: &HeaderName, number: u64) {
        let _ = write!(self, "{name}: {number}\r\n");
    }
}

impl Fields for HeaderMap {
    fn put(&mut self, name: &HeaderName, value: &[&[u8]]) {
        // Made of values and of what can be in one.
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(value.concat())) {
            self.append(name, value);
        }
    }

    fn put_number(&mut self, name: &HeaderName, number: u64) {
        self.append(name, number.into());
    }
}

/// What a client's headers say that changes how they are passed on.
#[derive(Default)]
struct Said {
    /// Fields that `Connection` names.
    named: Vec<HeaderName>,
    /// Whether trailers are welcome.
    trailers: bool,
    /// How often the request has passed servers of this kind.
    passages: usize,
    /// Whether there are fields that something is added to.
    lists: bool,
    cookies: bool,
}

impl Said {
    /// In one pass: most headers have none of it.
    fn by(headers: &HeaderMap) -> Self {
        let mut said = Self::default();
        for (name, value) in headers {
            match name.as_str() {
                "connection" => said.named.extend(named(value)),
                "te" => said.trailers |= welcomes_trailers(value),
                "via" => {
                    said.passages += passages(value);
                    said.lists = true;
                }
                "forwarded" | "x-forwarded-for" => said.lists = true,
                "cookie" => said.cookies = true,
                _ => {}
            }
        }
        said
    }
}

/// Whether a name is that of a field of ours once `_` is read as `-`, which programs do whose variables hold no `-`.
fn is_ours_to_some(name: &str) -> bool {
    if !name.contains('_') {
        return false;
    }
    let name = name.replace('_', "-");
    matches!(name.as_str(), "content-length" | "transfer-encoding") || name.starts_with("x-forwarded-")
}

/// How many servers of this kind a `Via` names.
fn passages(line: &HeaderValue) -> usize {
    let entries = line.to_str().unwrap_or_default().split(',');
    entries.filter(|entry| entry.contains(PSEUDONYM)).count()
}

/// Whether `TE` says so.
fn welcomes_trailers(line: &HeaderValue) -> bool {
    let mut words = line.to_str().unwrap_or_default().split([',', ';']);
    words.any(|word| word.trim().eq_ignore_ascii_case("trailers"))
}

/// The fields that `Connection` names. Those that frame the message or name its host are for every connection, whatever
/// it says.
fn named(line: &HeaderValue) -> impl Iterator<Item = HeaderName> {
    let words = line.to_str().unwrap_or_default().split(',').map(str::trim);
    let names = words
        .filter(|word| !word.eq_ignore_ascii_case("keep-alive") && !word.eq_ignore_ascii_case("close"))
        .filter_map(|word| HeaderName::try_from(word).ok());
    names.filter(|name| *name != CONTENT_LENGTH && *name != HOST)
}
