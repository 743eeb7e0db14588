//! New connections to an upstream: its name looked up, connected, TLS if it is `https://`.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::fault::Fault;
use super::origin::{Address, Origin, Security};
use crate::connection::ReadClosed;

/// A connection to an upstream.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<Self>>),
}

/// What is spoken on a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

/// Which versions may be spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// HTTP/2 too, if the upstream chooses it in a TLS handshake.
    All,
    /// For what only HTTP/1.1 can.
    Http1,
}

/// Connects before `deadline`, which is in the time of the mount for connecting.
pub(super) async fn connect(
    origin: &Origin,
    offer: Offer,
    deadline: Instant,
) -> Result<(Stream, Version), Fault> {
    let connecting = async {
        let stream = match origin.address() {
            Address::Unix(path) => Stream::Unix(UnixStream::connect(path).await.map_err(Fault::Connect)?),
            Address::Ip(address) => tcp(&[*address], deadline).await?,
            Address::Name(name, port) => {
                // By the system's resolver, on the runtime's pool for what blocks.
                let found = tokio::net::lookup_host((&**name, *port)).await.map_err(Fault::Name)?;
                tcp(&found.collect::<Vec<_>>(), deadline).await?
            }
        };
        match origin.security() {
            Security::Clear => Ok((stream, Version::Http1)),
            Security::Unusable(why) => Err(Fault::NoTls(why.clone())),
            Security::Tls(configs, name) => {
                let config = if offer == Offer::All { &configs.all } else { &configs.http1 };
                secure(stream, config, name).await
            }
        }
    };
    timeout_at(deadline, connecting).await.unwrap_or(Err(Fault::ConnectTimeout(origin.limits().connect)))
}

/// Connects to the first address that takes it. Each gets its share of the time, so that a dead one does not use it up.
async fn tcp(addresses: &[SocketAddr], deadline: Instant) -> Result<Stream, Fault> {
    let mut failure = io::Error::other("its name stands for no address");
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        let now = Instant::now();
        let share = now + deadline.saturating_duration_since(now) / left.max(1);
        left -= 1;
        match timeout_at(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Requests are written in one go; waiting for more to send would only delay their last packet.
                let _ = stream.set_nodelay(true);
                return Ok(Stream::Tcp(stream));
            }
            Ok(Err(error)) => failure = error,
            Err(_) => failure = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(Fault::Connect(failure))
}

async fn secure(
    stream: Stream,
    config: &Arc<ClientConfig>,
    name: &ServerName<'static>,
) -> Result<(Stream, Version), Fault> {
    let connector = TlsConnector::from(Arc::clone(config));
    let stream = connector.connect(name.clone(), stream).await.map_err(Fault::Tls)?;
    let version =
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") { Version::Http2 } else { Version::Http1 };
    Ok((Stream::Tls(Box::new(stream)), version))
}

/// The same call for whatever the stream is.
macro_rules! on {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream.get_mut() {
            Self::Tcp($inner) => $call,
            Self::Unix($inner) => $call,
            Self::Tls($inner) => $call,
        }
    };
}

impl ReadClosed for Stream {
    fn is_read_closed(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_read_closed(),
            Self::Unix(stream) => stream.is_read_closed(),
            Self::Tls(stream) => stream.get_ref().0.is_read_closed(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        on!(self, stream => Pin::new(stream).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on!(self, stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on!(self, stream => Pin::new(stream).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
