//! The client's certificate, for whoever answers its requests.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::ServerConnection;

use crate::boot::tls::certificate::Facts;

/// A client certificate that the handshake has verified.
///
/// A request has one among its extensions exactly if its vhost demands one (`client-cert-required`), so that its
/// being there is the result of the verification. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ClientCertificate {
    /// The trust store that it was checked against: the path in `host-ssl-ca`.
    pub(crate) trust: Arc<str>,
    /// Whose it is, as RFC 4514 writes names; without control characters.
    pub(crate) subject: Arc<str>,
}

impl ClientCertificate {
    /// What a handshake verified against the trust store `trust`.
    ///
    /// # Errors
    /// If there is none, or it is over by now: a resumed session brings the certificate of its first handshake.
    pub(super) fn of(handshake: &ServerConnection, trust: Arc<str>) -> io::Result<Self> {
        let certificate = handshake.peer_certificates().and_then(|chain| chain.first());
        let facts = certificate.and_then(Facts::of);
        let facts =
            facts.ok_or_else(|| io::Error::other("the client has no certificate that can be read"))?;
        if facts.not_after < SystemTime::now() {
            return Err(io::Error::other(format!("the certificate of `{}` is over", facts.subject)));
        }
        let client = Self { trust, subject: facts.subject.into() };
        tracing::debug!("a client has shown the certificate of `{}`", client.subject);
        Ok(client)
    }
}
