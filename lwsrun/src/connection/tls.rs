//! The TLS handshake: the server name picks the vhost, the vhost the keys.

use std::io;

use schemas::plan::{ListenerId, VhostId};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::server::Acceptor;
use tokio_rustls::server::TlsStream;

use super::Serving;

/// A connection after its handshake.
pub(super) struct Secured<S> {
    /// The encrypted stream. Boxed: rustls's state is kilobytes, and every future that holds the stream would be.
    pub(super) stream: Box<TlsStream<S>>,
    /// The vhost whose keys were used.
    pub(super) vhost: VhostId,
    /// Whether HTTP/2 was agreed on; HTTP/1.1 otherwise, also for clients that say nothing of it.
    pub(super) http2: bool,
}

/// Shakes hands, within one deadline (`timeout-secs`) for all of it.
///
/// An unknown name, or none, gets the listener's first vhost, as in lwsws.
///
/// # Errors
/// If the handshake fails or takes too long.
pub(super) async fn handshake<S>(stream: S, serving: &Serving, listener: ListenerId) -> io::Result<Secured<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let handshake = async {
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let vhost = serving.vhost(listener, start.client_hello().server_name());
        let config = serving.config(vhost).ok_or_else(|| io::Error::other("the vhost has no keys"))?;
        let stream = Box::new(start.into_stream(config).await?);
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Secured { stream, vhost, http2 })
    };
    tokio::time::timeout(serving.waits.timeout, handshake)
        .await
        .unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
}
