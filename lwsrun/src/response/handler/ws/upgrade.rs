//! Whether a request asks to become a websocket, and whether it asks rightly (RFC 6455, section 4.2.1; for HTTP/2 RFC
//! 8441, section 5).

use axum::body::Body;
use http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Version};
use http_body::Body as _;
use hyper::ext::Protocol;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::response::error::Refusal;

/// Most subprotocols that a client may list.
const MOST_PROTOCOLS: usize = 32;

/// Longest name of a subprotocol.
const LONGEST_PROTOCOL: usize = 128;

/// A right request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Handshake {
    /// `Sec-WebSocket-Accept` of the answer; `None` in HTTP/2, which has none.
    pub(super) accept: Option<HeaderValue>,
    /// Subprotocols in the order of the client's preference; `None` if it sent no list.
    pub(super) protocols: Option<Vec<String>>,
}

/// What is wrong with a request to upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum WrongUpgrade {
    /// Another method than GET.
    #[error("a websocket is opened with GET")]
    Method,
    /// It has a body, so it is in doubt where the frames begin.
    #[error("a request to open a websocket has no body")]
    Body,
    /// A CONNECT to something else.
    #[error("websocket is the only protocol that can be connected to here")]
    Protocol,
    /// Another version, or none.
    #[error("websockets are spoken here in version 13 only")]
    Version,
    /// No key, several, or not 16 bytes in base64.
    #[error("Sec-WebSocket-Key must be given once, 16 bytes in base64")]
    Key,
    /// Another Host than `strict-host-check` wants.
    #[error("websockets are opened here under the name and port of this host only")]
    Host,
    /// An Origin that the protocol does not list.
    #[error("pages of this origin may not open a websocket here")]
    Origin,
    /// Subprotocols that cannot be read.
    #[error("Sec-WebSocket-Protocol must be a list of at most 32 names")]
    Protocols,
    /// The vhost lists none of the subprotocols.
    #[error("none of the asked websocket protocols is offered here")]
    NoProtocol,
    /// The client names no subprotocol and the vhost has no default.
    #[error("name a websocket protocol in Sec-WebSocket-Protocol, there is no default here")]
    NoDefault,
    /// The same, where `disable-no-protocol-ws-upgrades` is set.
    #[error("websockets are refused here without a protocol named in Sec-WebSocket-Protocol")]
    NoneNamed,
}

impl WrongUpgrade {
    pub(super) fn refusal(self) -> Refusal {
        match self {
            Self::Method => Refusal::MethodNotAllowed,
            Self::Body | Self::Key | Self::Protocols => Refusal::BadRequest,
            Self::Version => Refusal::UpgradeRequired,
            Self::NoProtocol | Self::NoDefault => Refusal::NotFound,
            Self::NoneNamed | Self::Host | Self::Origin => Refusal::Forbidden,
            Self::Protocol => Refusal::NotImplemented,
        }
    }
}

/// Whether the request asks for a websocket. If not it is an ordinary one, whatever else its `Upgrade` names.
///
/// HTTP/1.0 cannot upgrade, and without `Connection: upgrade` the field was meant for another hop (RFC 9110,
/// section 7.8). An extended CONNECT asks in any case: there is nothing else that it could be here.
pub(crate) fn asks_for_websocket(request: &Request<Body>) -> bool {
    is_extended_connect(request) || asks_to_upgrade(request)
}

/// The same, in the way of HTTP/1.1.
pub(crate) fn asks_to_upgrade(request: &Request<Body>) -> bool {
    let headers = request.headers();
    headers.contains_key(UPGRADE)
        && request.version() == Version::HTTP_11
        && has_token(headers, &UPGRADE, "websocket")
        && has_token(headers, &CONNECTION, "upgrade")
}

fn is_extended_connect(request: &Request<Body>) -> bool {
    request.version() == Version::HTTP_2
        && request.method() == Method::CONNECT
        && request.extensions().get::<Protocol>().is_some()
}

/// Checks a request that asks.
///
/// # Errors
/// What is wrong with it.
pub(super) fn handshake(request: &Request<Body>) -> Result<Handshake, WrongUpgrade> {
    let headers = request.headers();
    let http2 = is_extended_connect(request);
    if http2 && request.extensions().get::<Protocol>().map(Protocol::as_str) != Some("websocket") {
        return Err(WrongUpgrade::Protocol);
    }
    if !http2 && request.method() != Method::GET {
        return Err(WrongUpgrade::Method);
    }
    if !request.body().is_end_stream() {
        return Err(WrongUpgrade::Body);
    }
    if only(headers, &SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(WrongUpgrade::Version);
    }
    let accept = if http2 { None } else { Some(accept(headers).ok_or(WrongUpgrade::Key)?) };
    Ok(Handshake { accept, protocols: protocols(headers)? })
}

/// The answer to the key that the client made up.
fn accept(headers: &HeaderMap) -> Option<HeaderValue> {
    let key = only(headers, &SEC_WEBSOCKET_KEY).filter(|key| is_key(key))?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok()
}

/// Whether a list header has a token, in any case and on any line.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let lines = headers.get_all(name).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|element| element.trim_matches([' ', '\t']).eq_ignore_ascii_case(token))
}

/// The value of a header that stands exactly once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?.to_str().ok()?;
    lines.next().is_none().then_some(line)
}

/// Whether a key is 16 bytes in base64: 22 digits and two signs of padding.
fn is_key(key: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    key.len() == 24 && key.strip_suffix("==").is_some_and(|digits| digits.bytes().all(is_digit))
}

fn protocols(headers: &HeaderMap) -> Result<Option<Vec<String>>, WrongUpgrade> {
    if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return Ok(None);
    }
    let mut names = Vec::new();
    for line in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        let line = line.to_str().map_err(|_| WrongUpgrade::Protocols)?;
        for name in line.split(',').map(|name| name.trim_matches([' ', '\t'])).filter(|name| !name.is_empty())
        {
            if names.len() == MOST_PROTOCOLS || name.len() > LONGEST_PROTOCOL {
                return Err(WrongUpgrade::Protocols);
            }
            names.push(name.to_owned());
        }
    }
    if names.is_empty() { Err(WrongUpgrade::Protocols) } else { Ok(Some(names)) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Headers;
    use super::*;

    const KEY: (&str, &str) = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    const VERSION: (&str, &str) = ("sec-websocket-version", "13");
    const ASKS: [(&str, &str); 2] = [("upgrade", "websocket"), ("connection", "Upgrade")];

    fn request(method: &str, headers: Headers<'_>) -> Request<Body> {
        let mut request = Request::builder().method(method).uri("/ws");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    #[test]
    fn who_asks() {
        let table: [(Headers<'_>, bool); 10] = [
            (&ASKS, true),
            (&[("upgrade", "WebSocket"), ("connection", "keep-alive, UPGRADE")], true),
            (&[("upgrade", "h2c , websocket"), ("connection", "upgrade")], true),
            (
                &[
                    ("upgrade", "h2c"),
                    ("upgrade", "websocket"),
                    ("connection", "x"),
                    ("connection", "upgrade"),
                ],
                true,
            ),
            (&[("upgrade", "gopher"), ("connection", "upgrade")], false),
            (&[("upgrade", "websocket2"), ("connection", "upgrade")], false),
            (&[("upgrade", "websocket")], false),
            (&[("upgrade", "websocket"), ("connection", "keep-alive")], false),
            (&[("connection", "upgrade")], false),
            (&[], false),
        ];
        for (headers, expected) in table {
            assert_eq!(asks_for_websocket(&request("GET", headers)), expected, "{headers:?}");
        }
        for version in [Version::HTTP_10, Version::HTTP_2] {
            let mut request = request("GET", &ASKS);
            *request.version_mut() = version;
            assert!(!asks_for_websocket(&request), "{version:?}");
        }
    }

    #[test]
    fn who_asks_rightly() {
        let ok = handshake(&request("GET", &[KEY, VERSION])).unwrap();
        // The example of RFC 6455, section 1.3.
        assert_eq!(ok.accept.unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(ok.protocols, None);

        let key = |key| ("sec-websocket-key", key);
        let table: [(&str, Headers<'_>, WrongUpgrade); 10] = [
            ("POST", &[KEY, VERSION], WrongUpgrade::Method),
            ("HEAD", &[KEY, VERSION], WrongUpgrade::Method),
            ("GET", &[KEY], WrongUpgrade::Version),
            ("GET", &[KEY, ("sec-websocket-version", "8")], WrongUpgrade::Version),
            ("GET", &[KEY, VERSION, ("sec-websocket-version", "8")], WrongUpgrade::Version),
            ("GET", &[VERSION], WrongUpgrade::Key),
            ("GET", &[VERSION, KEY, KEY], WrongUpgrade::Key),
            ("GET", &[VERSION, key("")], WrongUpgrade::Key),
            ("GET", &[VERSION, key("dGhlIHNhbXBsZSBub25jZ===")], WrongUpgrade::Key),
            ("GET", &[VERSION, key("dGhlIHNhbXBsZSBub25jZQ==x")], WrongUpgrade::Key),
        ];
        for (method, headers, wrong) in table {
            assert_eq!(handshake(&request(method, headers)), Err(wrong), "{method} {headers:?}");
        }

        let mut with_body = request("GET", &[KEY, VERSION]);
        *with_body.body_mut() = Body::from("x");
        assert_eq!(handshake(&with_body), Err(WrongUpgrade::Body));
    }

    #[test]
    fn extended_connects() {
        let connect = |protocol| {
            let mut request = request("CONNECT", &[VERSION, ("sec-websocket-protocol", "a")]);
            *request.version_mut() = Version::HTTP_2;
            request.extensions_mut().insert(Protocol::from_static(protocol));
            request
        };
        assert!(asks_for_websocket(&connect("websocket")) && asks_for_websocket(&connect("connect-udp")));
        let ok = Handshake { accept: None, protocols: Some(vec!["a".to_owned()]) };
        assert_eq!(handshake(&connect("websocket")), Ok(ok));
        assert_eq!(handshake(&connect("connect-udp")), Err(WrongUpgrade::Protocol));
        let mut old = connect("websocket");
        old.headers_mut().remove(SEC_WEBSOCKET_VERSION);
        assert_eq!(handshake(&old), Err(WrongUpgrade::Version));
        let mut plain = request("CONNECT", &[VERSION]);
        *plain.version_mut() = Version::HTTP_2;
        assert!(!asks_for_websocket(&plain), "without :protocol it is a tunnel, which is not made here");
    }

    #[test]
    fn lists_of_protocols() {
        let ask = |lines: &[&str]| {
            let lines = lines.iter().map(|line| ("sec-websocket-protocol", *line));
            let headers: Vec<_> = [KEY, VERSION].into_iter().chain(lines).collect();
            handshake(&request("GET", &headers)).map(|handshake| handshake.protocols.unwrap().join("|"))
        };
        assert_eq!(ask(&["a"]).as_deref(), Ok("a"));
        assert_eq!(ask(&["a, b\t,c", " d ,, "]).as_deref(), Ok("a|b|c|d"));
        assert_eq!(ask(&[""]), Err(WrongUpgrade::Protocols));
        assert_eq!(ask(&[","]), Err(WrongUpgrade::Protocols));
        assert_eq!(ask(&["a,".repeat(MOST_PROTOCOLS).as_str()]).as_deref().map(str::len), Ok(63));
        assert_eq!(ask(&["a,".repeat(MOST_PROTOCOLS + 1).as_str()]), Err(WrongUpgrade::Protocols));
        assert_eq!(ask(&["a".repeat(LONGEST_PROTOCOL + 1).as_str()]), Err(WrongUpgrade::Protocols));
    }
}
