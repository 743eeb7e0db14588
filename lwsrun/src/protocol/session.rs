//! A protocol's end of a websocket.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderMap;

use super::link::{Link, Order, Refused};
use super::query::argument;
use super::{CloseCode, Ended, Message};

/// What was known when a websocket was opened. Holds all headers, so take what you need and drop it: an idle
/// session should hold little.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Opening {
    /// The client's address. `None` for unix sockets.
    pub peer: Option<SocketAddr>,
    /// The path asked for, in canonical form: beginning with `/`, no dot segments, only needed escapes.
    pub path: String,
    /// The query, as sent, without its `?`.
    pub query: Option<String>,
    /// The client's headers.
    pub headers: HeaderMap,
    /// Whether it is a stream of an HTTP/2 connection (RFC 8441).
    pub http2: bool,
    /// The vhost's `name`, as written in the config.
    pub vhost: Arc<str>,
    /// The protocol's name.
    pub protocol: Arc<str>,
}

impl Opening {
    /// The first URL argument of that name, decoded (`+` is a blank); empty where it has no value.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<Vec<u8>> {
        argument(self.query.as_deref()?, name)
    }

    /// The `User-Agent` header, if it is visible ASCII.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.headers.get(http::header::USER_AGENT)?.to_str().ok()
    }
}

/// A websocket, as a protocol sees it: whole messages in, whole messages out.
///
/// Fragments are put together, texts are valid UTF-8, and a message is at most 1 MiB long, or as the
/// option `max-message-size` says: the server has closed (1009) where a client sent more. At most 32 messages or 64 KiB wait to be read; then reading stops.
pub struct Session {
    sender: Sender,
}

/// Sends to the client of a session, from anywhere. Cheap to clone; does not keep the session open.
///
/// At most 32 messages or 256 KiB wait to be written (one message may go over, so any message can be sent).
#[derive(Clone)]
pub struct Sender {
    link: Arc<Link>,
}

/// The session is closed: the message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session is closed")]
pub struct Closed;

/// Why a message was not taken at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrySendError {
    /// Too much waits to be written. The message is handed back.
    #[error("the session's queue is full")]
    Full(Message),
    /// The session is closed.
    #[error("the session is closed")]
    Closed,
}

impl Session {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { sender: Sender::new(link) }
    }

    /// Waits for a message. `None` when the conversation is over: the client or this end has closed it, the
    /// connection broke, or the server is going down; [`ended`](Self::ended) says which. Cancel-safe.
    ///
    /// What the client said before it closed is given first, though nothing can be sent to it any more: a client that
    /// wants an answer waits for it before it closes.
    pub async fn next(&mut self) -> Option<Message> {
        poll_fn(|cx| self.sender.link.poll_next(cx)).await
    }

    /// A message that has come already, if any: to do in one go what came in one go.
    pub fn try_next(&mut self) -> Option<Message> {
        self.sender.link.try_next()
    }

    /// Waits for messages, and takes what has come, in a vector no longer than `most`.
    pub(super) async fn next_batch(&mut self, most: usize) -> Option<Vec<Message>> {
        poll_fn(|cx| self.sender.link.poll_batch(cx, most)).await
    }

    /// Why the conversation is over; `None` while it is not. Once [`next`](Self::next) has given `None` it is always known,
    /// and often earlier: while `next` still gives what the client said before it closed.
    ///
    /// # Example
    ///
    /// A session that says how its client has left:
    ///
    /// ```
    /// use lwsrun::protocol::{Ended, Session};
    ///
    /// async fn listen(mut session: Session) {
    ///     while let Some(message) = session.next().await {
    ///         println!("{} bytes", message.len());
    ///     }
    ///     match session.ended() {
    ///         Some(Ended::ByClient { code: Some(code), reason, .. }) => println!("closed: {} {reason:?}", code.get()),
    ///         Some(Ended::Lost | Ended::TimedOut) => println!("gone without a word"),
    ///         other => println!("{other:?}"),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.sender.ended()
    }

    /// Sends a message; see [`Sender::send`].
    ///
    /// # Errors
    /// If the session is closed.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Closed> {
        self.sender.send(message).await
    }

    /// Closes; see [`Sender::close`].
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.sender.close(code, reason);
    }

    /// Another handle that sends.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }
}

impl Sender {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    /// Queues a message, waiting for room where the client reads slower than it is sent to. Bound that wait if
    /// others wait for it. Dropped before it is done, nothing was sent.
    ///
    /// # Errors
    /// If the session is closed.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Closed> {
        let mut message = message.into();
        loop {
            match self.try_send(message) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Closed) => return Err(Closed),
                Err(TrySendError::Full(back)) => message = back,
            }
            self.eased().await;
        }
    }

    /// Queues a message if there is room.
    ///
    /// # Errors
    /// If there is none, or the session is closed.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.link.push(message.into()).map_err(|refused| match refused {
            Refused::Full(message) => TrySendError::Full(message),
            Refused::Closed => TrySendError::Closed,
        })
    }

    /// Waits until the client has read so much that half of the queue is free, or the session is closed.
    pub async fn eased(&self) {
        poll_fn(|cx| self.link.poll_eased(cx)).await;
    }

    /// Sends what is queued, then closes with a code and a reason; all of it within five seconds, or the connection
    /// is cut. The reason is cut to the 123 bytes that a close
    /// frame holds. Only the first close counts; messages after it are refused.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.link.close(Order::new(code, reason, false));
    }

    /// Closes without sending what is queued: for a client that does not read.
    pub fn close_now(&self, code: CloseCode, reason: &str) {
        self.link.close(Order::new(code, reason, true));
    }

    /// Why the session has ended; `None` while it is open.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.link.ended()
    }

    /// Whether the session takes no more messages.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.link.is_closed()
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }
}
