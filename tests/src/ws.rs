//! Websocket clients that are not ours: tungstenite, over TCP, TLS, or a stream of HTTP/2 that hyper makes, with a bound
//! on every wait.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http_body_util::Empty;
use hyper::ext::Protocol;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request, StatusCode};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use crate::PATIENCE;

/// How long the thread of a socket goes on before it looks whether the socket is still there.
const SHIFT: Duration = Duration::from_millis(100);

/// An open websocket.
pub struct WebSocket {
    runtime: Arc<Runtime>,
    stream: WebSocketStream<Box<dyn Transport>>,
}

/// What frames travel on.
trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Transport for S {}

/// How to reach a port of 127.0.0.1.
#[derive(Debug, Clone)]
pub enum Way {
    /// In clear.
    Plain,
    /// With TLS, as a client of that config and a server of that name.
    Tls(Arc<ClientConfig>, &'static str),
}

impl WebSocket {
    /// Opens a websocket at a port of 127.0.0.1, asking for a subprotocol.
    ///
    /// # Panics
    /// If the server does not open it, or not with that subprotocol.
    #[must_use]
    pub fn open(port: u16, path: &str, protocol: &str) -> Self {
        let (socket, response) = Self::try_open(port, path, Some(protocol))
            .unwrap_or_else(|error| panic!("no websocket `{protocol}` at {path}: {error}"));
        assert_eq!(
            response.headers().get("sec-websocket-protocol").map(HeaderValue::as_bytes),
            Some(protocol.as_bytes())
        );
        socket
    }

    /// Opens a websocket at a port of 127.0.0.1, and returns what the server answered too.
    ///
    /// # Errors
    /// What the server answered instead, or how it broke the handshake.
    pub fn try_open(port: u16, path: &str, protocol: Option<&str>) -> Result<(Self, Response), Box<Error>> {
        let more: Vec<_> = protocol.map(|name| ("sec-websocket-protocol", name)).into_iter().collect();
        Self::open_with(&Way::Plain, port, path, &more)
    }

    /// The same, by any way and with any header fields.
    ///
    /// # Errors
    /// As [`try_open`](Self::try_open).
    ///
    /// # Panics
    /// If a field cannot be one, or the server takes too long.
    pub fn open_with(
        way: &Way,
        port: u16,
        path: &str,
        fields: &[(&'static str, &str)],
    ) -> Result<(Self, Response), Box<Error>> {
        let runtime = runtime();
        let mut request = format!("ws://127.0.0.1:{port}{path}").into_client_request()?;
        for (name, value) in fields {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).expect("a field's value"));
        }
        let opened = runtime.block_on(async {
            let connect = async {
                let stream = way.connect(port).await.map_err(Error::Io)?;
                tokio_tungstenite::client_async(request, stream).await
            };
            tokio::time::timeout(PATIENCE, connect).await.expect("an answer to the handshake")
        });
        let (stream, response) = opened?;
        Ok((Self { runtime, stream }, response))
    }

    /// Opens a websocket as a stream of a new HTTP/2 connection (RFC 8441), to `host` as the authority.
    ///
    /// # Errors
    /// The status, if the server refuses.
    ///
    /// # Panics
    /// If the server does not speak HTTP/2, or takes too long.
    pub fn open_http2(
        way: &Way,
        port: u16,
        target: &str,
        protocol: &'static str,
        fields: &[(&'static str, &str)],
    ) -> Result<(Self, hyper::Response<hyper::body::Incoming>), StatusCode> {
        let runtime = runtime();
        let mut request = Request::connect(target).version(hyper::Version::HTTP_2);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.extension(Protocol::from_static(protocol));
        let request = request.body(Empty::<Bytes>::new()).expect("a request");
        let opened = runtime.block_on(async {
            let connect = async {
                let stream = TokioIo::new(way.connect(port).await.expect("a connection"));
                let (mut sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
                        .await
                        .expect("HTTP/2");
                tokio::spawn(connection);
                let mut response = sender.send_request(request).await.expect("an answer");
                if !response.status().is_success() {
                    return Err(response.status());
                }
                let upgraded = hyper::upgrade::on(&mut response).await.expect("a stream");
                let stream: Box<dyn Transport> = Box::new(TokioIo::new(upgraded));
                Ok((WebSocketStream::from_raw_socket(stream, Role::Client, None).await, response))
            };
            tokio::time::timeout(PATIENCE, connect).await.expect("an answer to CONNECT")
        });
        let (stream, response) = opened?;
        Ok((Self { runtime, stream }, response))
    }

    /// Sends a message.
    ///
    /// # Panics
    /// If the server does not take it.
    pub fn send(&mut self, message: impl Into<Message>) {
        let sent = self
            .runtime
            .block_on(async { tokio::time::timeout(PATIENCE, self.stream.send(message.into())).await });
        sent.expect("the server reads").expect("the websocket is open");
    }

    /// The next message; `None` once the websocket is closed.
    ///
    /// # Panics
    /// If neither comes.
    pub fn receive(&mut self) -> Option<Message> {
        let next = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, self.stream.next()).await });
        next.expect("a message").and_then(Result::ok)
    }

    /// The next message, which is text.
    ///
    /// # Panics
    /// If it is something else.
    pub fn text(&mut self) -> String {
        match self.receive() {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("a text message was due, not {other:?}"),
        }
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebSocket")
    }
}

impl Way {
    async fn connect(&self, port: u16) -> std::io::Result<Box<dyn Transport>> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        match self {
            Self::Plain => Ok(Box::new(stream)),
            Self::Tls(config, name) => {
                let name = ServerName::try_from(*name).expect("a server name");
                Ok(Box::new(TlsConnector::from(Arc::clone(config)).connect(name, stream).await?))
            }
        }
    }
}

/// A runtime with a thread that keeps connections going while the test does something else.
fn runtime() -> Arc<Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let runtime = Arc::new(runtime);
    let driven = Arc::downgrade(&runtime);
    std::thread::spawn(move || {
        while let Some(runtime) = driven.upgrade() {
            runtime.block_on(async { tokio::time::sleep(SHIFT).await });
        }
    });
    runtime
}
