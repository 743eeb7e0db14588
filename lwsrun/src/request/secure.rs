//! What a vhost demands of the connection that a request comes on: TLS, as its own policy allows it, and a client
//! certificate of its own kind.
//!
//! A request names its vhost, and may name another one than the handshake did. It reaches that one only if the
//! handshake could have been made with it: what was agreed on (version, suite, group, HTTP/2) is allowed there, and the
//! same trust store vouches for clients. In clear it reaches none that did not allow that.

use axum::body::Body;
use http::header::{CONNECTION, STRICT_TRANSPORT_SECURITY};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use schemas::plan::{Vhost, VhostId};

use super::admit;
use crate::boot::tls::alpn;
use crate::boot::tls::policy::Allowed;
use crate::connection::ConnectionFacts;
use crate::response::error::{Refusal, redirect};

/// The demands of a vhost.
#[derive(Debug)]
pub(crate) struct Demands {
    vhost: VhostId,
    in_clear: InClear,
    /// What handshakes may agree on; `None`: the vhost has no keys.
    allowed: Option<Allowed>,
    /// The trust store that the client's certificate must be checked against; `None`: no certificate is asked for.
    trust: Option<Box<str>>,
}

/// What becomes of HTTP in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InClear {
    /// It is what the listener speaks.
    Spoken,
    /// `allow-http-on-https`: served, as if the listener spoke it.
    Allowed,
    /// `redirect-http`: sent to the same URL with TLS.
    Redirected,
    /// Refused.
    Refused,
}

impl Demands {
    /// The demands of a vhost. `redirect-http` wins over `allow-http-on-https`, and neither counts without
    /// `allow-non-tls`, as in lwsws. `default_alpn` is the key `default-alpn`.
    pub(crate) fn new(id: VhostId, vhost: &Vhost<'_>, default_alpn: Option<&str>) -> Self {
        let in_clear = if vhost.tls.is_none() {
            InClear::Spoken
        } else if vhost.allow_non_tls && vhost.redirect_http {
            InClear::Redirected
        } else if vhost.allow_non_tls && vhost.allow_http_on_https {
            InClear::Allowed
        } else {
            InClear::Refused
        };
        let trust = vhost.tls.as_ref().filter(|tls| tls.client_cert_required).and_then(|tls| tls.ca);
        let allowed = vhost.tls.as_ref().map(|tls| Allowed::by(tls, alpn(tls, default_alpn)));
        Self { vhost: id, in_clear, allowed, trust: trust.map(Box::from) }
    }

    /// The answer to a request on a connection that does not meet the demands; `None` if it does.
    pub(crate) fn refusal<B>(
        &self,
        connection: &ConnectionFacts,
        request: &Request<B>,
    ) -> Option<Response<Body>> {
        if !connection.tls {
            match self.in_clear {
                InClear::Spoken | InClear::Allowed => {}
                InClear::Redirected => return Some(to_https(request)),
                InClear::Refused => return Some(needs_tls(request.version())),
            }
        }
        (!self.could_have_made(connection)).then(|| {
            Refusal::Misdirected.explained("This connection was not made for that host. Make one of its own.")
        })
    }

    /// Whether the connection is one that the vhost could have made itself.
    fn could_have_made(&self, connection: &ConnectionFacts) -> bool {
        if connection.sni_vhost == Some(self.vhost) {
            return true;
        }
        let allows = |agreed| self.allowed.as_ref().is_none_or(|allowed| allowed.allows(agreed));
        let shown = connection.client.as_ref().map(|client| &*client.trust);
        shown == self.trust.as_deref() && connection.agreed.as_ref().is_none_or(allows)
    }

    /// Takes from an answer in clear what may stand in answers over TLS only (RFC 6797, section 7.2).
    pub(crate) fn in_clear<B>(&self, connection: &ConnectionFacts, response: &mut Response<B>) {
        if !connection.tls && self.in_clear != InClear::Spoken {
            response.headers_mut().remove(STRICT_TRANSPORT_SECURITY);
        }
    }
}

/// The same URL with `https`: the host as it was sent, port included, path and query.
fn to_https<B>(request: &Request<B>) -> Response<Body> {
    match admit::host(request) {
        Ok(Some(host)) => {
            let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
            redirect(StatusCode::MOVED_PERMANENTLY, &format!("https://{host}{target}"))
        }
        Ok(None) => Refusal::BadRequest.explained("A redirect to https needs a Host header."),
        Err(refusal) => refusal.response(),
    }
}

fn needs_tls(version: Version) -> Response<Body> {
    let mut response =
        Refusal::BadRequest.explained("This port speaks https, and the request came without TLS.");
    // HTTP/2 has no such field.
    if version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

#[cfg(test)]
mod tests {
    use http::header::{HOST, LOCATION};
    use schemas::plan::Tls;

    use super::*;
    use crate::boot::testing::{self, tls, vhost};
    use crate::connection::ClientCertificate;

    fn connection(tls: bool, trust: Option<&str>) -> ConnectionFacts {
        let client = trust.map(|trust| ClientCertificate { trust: trust.into(), subject: "CN=anna".into() });
        ConnectionFacts { tls, sni_vhost: tls.then_some(VhostId(1)), client, ..testing::connection() }
    }

    fn answer(vhost: &Vhost<'_>, connection: &ConnectionFacts) -> Option<Response<Body>> {
        let request = Request::builder().uri("/a/b?c=d&e=f").header(HOST, "a.test:81").body(()).unwrap();
        Demands::new(VhostId(0), vhost, None).refusal(connection, &request)
    }

    fn status(vhost: &Vhost<'_>, connection: &ConnectionFacts) -> Option<u16> {
        answer(vhost, connection).map(|response| response.status().as_u16())
    }

    #[test]
    fn a_certificate_for_one_policy_opens_no_other() {
        let open = Vhost { tls: Some(tls("c", "k")), ..vhost() };
        let closed = |ca| {
            let tls = Tls { client_cert_required: true, ca: Some(ca), ..tls("c", "k") };
            Vhost { tls: Some(tls), ..vhost() }
        };
        assert_eq!(status(&open, &connection(true, None)), None);
        assert_eq!(status(&closed("x"), &connection(true, Some("x"))), None);
        for (vhost, trust) in [(&closed("x"), None), (&closed("x"), Some("y")), (&open, Some("x"))] {
            assert_eq!(status(vhost, &connection(true, trust)), Some(421), "{trust:?}");
        }
        // Nor does asking in clear.
        let both = Vhost { allow_non_tls: true, allow_http_on_https: true, ..closed("x") };
        assert_eq!(status(&both, &connection(false, None)), Some(421));
    }

    #[test]
    fn clear_text_on_a_tls_port_is_refused_redirected_or_served() {
        let keys = Vhost { tls: Some(tls("c", "k")), ..vhost() };
        let clear = connection(false, None);
        assert_eq!(status(&keys, &clear), Some(400));
        assert_eq!(answer(&keys, &clear).unwrap().headers()[CONNECTION], "close");
        let alone = Vhost { redirect_http: true, allow_http_on_https: true, ..keys.clone() };
        assert_eq!(status(&alone, &clear), Some(400), "nothing counts without `allow-non-tls`");
        let both = Vhost { allow_non_tls: true, ..alone };
        let response = answer(&both, &clear).unwrap();
        assert_eq!(response.status(), 301);
        assert_eq!(response.headers()[LOCATION], "https://a.test:81/a/b?c=d&e=f");
        let served = Vhost { redirect_http: false, ..both };
        assert_eq!(status(&served, &clear), None);
        assert_eq!(status(&vhost(), &clear), None, "a listener without TLS");
    }

    #[test]
    fn transport_security_is_not_promised_in_clear() {
        let mut response = Response::new(Body::empty());
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=1"));
        let demands = Demands::new(VhostId(0), &Vhost { tls: Some(tls("c", "k")), ..vhost() }, None);
        demands.in_clear(&connection(true, None), &mut response);
        assert!(response.headers().contains_key(STRICT_TRANSPORT_SECURITY));
        demands.in_clear(&connection(false, None), &mut response);
        assert!(!response.headers().contains_key(STRICT_TRANSPORT_SECURITY));
    }
}
