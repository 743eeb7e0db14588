//! The TLS handshake: the server name picks the vhost, the vhost the keys.

use std::io;

use schemas::plan::{ListenerId, VhostId};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::server::Acceptor;
use tokio_rustls::server::TlsStream;

use super::{ClientCertificate, Serving};
use crate::boot::tls::policy::Agreed;

/// A connection after its handshake.
pub(super) struct Secured<S> {
    /// The encrypted stream. Boxed: rustls's state is kilobytes, and every future that holds the stream would be.
    pub(super) stream: Box<TlsStream<S>>,
    /// The vhost whose keys were used.
    pub(super) vhost: VhostId,
    /// The client's certificate, if its policy demands one.
    pub(super) client: Option<ClientCertificate>,
    /// What was agreed on.
    pub(super) agreed: Agreed,
}

/// The alert `unrecognized_name` (RFC 6066, section 3), fatal, in a record of TLS 1.2: rustls has no way to send it.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// Shakes hands. The caller sets the deadline.
///
/// An unknown name, or none, gets the listener's first vhost, as in lwsws. A vhost whose certificate is not there or
/// broken answers `unrecognized_name`.
///
/// # Errors
/// If the handshake fails.
pub(super) async fn handshake<S>(stream: S, serving: &Serving, listener: ListenerId) -> io::Result<Secured<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let vhost = serving.vhost(listener, start.client_hello().server_name());
    let Some(config) = serving.keys.config(vhost) else {
        start.io.write_all(&UNRECOGNIZED_NAME).await?;
        start.io.shutdown().await?;
        return Err(io::Error::other("the vhost has no certificate that can be used"));
    };
    let stream = Box::new(start.into_stream(config).await?);
    let session = stream.get_ref().1;
    let trust = serving.keys.trust(vhost);
    let client = trust.map(|trust| ClientCertificate::of(session, trust)).transpose()?;
    let agreed = Agreed::of(session);
    Ok(Secured { stream, vhost, client, agreed })
}
