//! A websocket client that is not ours: tungstenite, with a bound on every wait.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::PATIENCE;

/// An open websocket.
#[derive(Debug)]
pub struct WebSocket {
    runtime: Runtime,
    stream: WebSocketStream<TcpStream>,
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut request = format!("ws://127.0.0.1:{port}{path}").into_client_request()?;
        if let Some(protocol) = protocol {
            let value = HeaderValue::from_str(protocol).expect("a subprotocol is a token");
            request.headers_mut().insert("sec-websocket-protocol", value);
        }
        let opened = runtime.block_on(async {
            let connect = async {
                let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(Error::Io)?;
                tokio_tungstenite::client_async(request, stream).await
            };
            tokio::time::timeout(PATIENCE, connect).await.expect("an answer to the handshake")
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
