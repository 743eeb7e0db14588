//! Named protocols: what a vhost's `ws-protocols` lists and `callback://` mounts lead to.
//!
//! A [`Protocol`] is known to the server by its name. For each vhost that lists it, it is started once with the
//! options of the config and gives an [`Instance`], which has the websocket sessions and HTTP callbacks of that
//! vhost. Protocols are found in a [`Registry`]; [`Registry::default`] holds those that are built in:
//!
//! | name | what it does |
//! |---|---|
//! | `dumb-increment-protocol` | counts, 20 times a second |
//! | `lws-echo` | sends every message back |
//! | `lws-mirror-protocol` | sends what one member says to all members |
//! | `lws-server-status` | tells what the server has done and what it serves |
//! | `lws-status` | tells all members who the members are |
//! | `protocol-post-demo` | shows what a form sent |
//! | `raw-proxy` | hands connections that are not HTTP to another server |
//!
//! Every protocol has these options, which the server takes care of:
//!
//! | option | what it says | without it |
//! |---|---|---|
//! | `basic-auth` | a file of `user:password` lines, one of which a client must give | anybody may |
//! | `origins` | values of `Origin`, one of which a page must have: a list, or parted by blanks; `self` is the host asked | any page may |
//! | `permessage-deflate` | whether messages are compressed (RFC 7692) for clients that offer it | the echo, the mirror and the status are, the counter is not, others say for themselves |
//! | `max-message-size` | longest message of a client in bytes, up to 256 MiB; more is closed with 1009 | 1 MiB |
//! | `max-frame-size` | longest frame of a client in bytes; more is closed with 1009 | as `max-message-size` |
//!
//! What the server takes care of, so that a protocol need not: the upgrade, clients that leave, pings, the closing handshake,
//! limits on sizes and queues, the end of the server (code 1001). A protocol that panics costs the session it was in,
//! with code 1011 and a line in the log.
//!
//! # Example
//!
//! An echo, with an option that says how long a message may be:
//!
//! ```
//! use std::sync::Arc;
//!
//! use lwsrun::protocol::{
//!     BoxFuture, CloseCode, Instance, Opening, Options, Protocol, Registry, Session, StartError, VhostContext,
//! };
//!
//! struct Echo;
//!
//! struct EchoInstance {
//!     longest: usize,
//! }
//!
//! impl Protocol for Echo {
//!     fn name(&self) -> &str {
//!         "echo"
//!     }
//!
//!     fn start(&self, _: VhostContext, options: Options) -> Result<Arc<dyn Instance>, StartError> {
//!         let longest = options.number("longest")?.unwrap_or(4096);
//!         Ok(Arc::new(EchoInstance { longest }))
//!     }
//! }
//!
//! impl Instance for EchoInstance {
//!     fn session(self: Arc<Self>, _: Opening, mut session: Session) -> BoxFuture<'static, ()> {
//!         Box::pin(async move {
//!             while let Some(message) = session.next().await {
//!                 if message.len() > self.longest {
//!                     return session.close(CloseCode::TOO_BIG, "over `longest`");
//!                 }
//!                 if session.send(message).await.is_err() {
//!                     return;
//!                 }
//!             }
//!         })
//!     }
//! }
//!
//! let registry = Registry::default().with(Echo);
//! assert!(registry.names().any(|name| name == "echo"));
//! ```

mod callback;
mod dumb_increment;
mod echo;
mod ended;
mod json;
pub(crate) mod link;
mod message;
mod mirror;
mod options;
mod post_demo;
mod query;
mod raw_proxy;
mod registry;
mod server_status;
mod session;
mod sessions;
mod status;
mod terms;
mod vhost;

use std::sync::Arc;

use http::Response;

pub use axum::body::Body;
pub use bytes::Bytes;
pub use callback::{CallbackRequest, InterpretRequest};
pub use ended::Ended;
pub use futures_util::future::BoxFuture;
pub use message::{CloseCode, Message, Text};
pub use options::{OptionValue, Options, StartError, VhostContext};
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use post_demo::fuzz as post_demo_fuzz;
pub(crate) use raw_proxy::onward;
pub use registry::Registry;
pub use session::{Closed, Opening, Sender, Session, TrySendError};
pub use sessions::Sessions;
pub(crate) use vhost::{Running, Unserved, VhostProtocols, unserved};

use crate::response::error::Refusal;

/// A protocol that vhosts can list. One value serves all vhosts.
pub trait Protocol: Send + Sync + 'static {
    /// Its name in `ws-protocols` and `callback://`, which is also the websocket subprotocol. Case matters.
    fn name(&self) -> &str;

    /// Starts it for one vhost, when that vhost is first asked for something. Called again for a new generation of
    /// the config; sessions of the old one stay with the old instance.
    ///
    /// # Errors
    /// If an option cannot be used. The words name the option; the server adds `file:line` and answers 500 to
    /// whoever asks for the protocol.
    fn start(&self, context: VhostContext, options: Options) -> Result<Arc<dyn Instance>, StartError>;

    /// Whether it has websocket sessions. Without, nobody is let in to one: whoever asks for it is answered as if the
    /// vhost did not list it, with 404 if no other protocol was asked for.
    fn websockets(&self) -> bool {
        true
    }

    /// Whether messages are compressed for clients that offer it, where the option `permessage-deflate` of the
    /// config does not say. Default: no. What is compressed tells by its length what is in it, so a message should
    /// not hold a secret beside words that others choose.
    fn permessage_deflate(&self) -> bool {
        false
    }
}

/// A protocol at work for one vhost. Its sessions run on all worker threads.
pub trait Instance: Send + Sync + 'static {
    /// Talks with one client. The session ends when the future does, with code 1000 if nothing was closed before.
    ///
    /// When [`Session::next`] has given `None` the conversation is over and the future should end; it is dropped
    /// five seconds later; [`Session::ended`] says why it is over. `opening` holds the headers of the client: keep what is
    /// needed of it, not all of it.
    ///
    /// Default: closes with 1003. A protocol that has no sessions says so by [`Protocol::websockets`], and is never asked
    /// for one.
    fn session(self: Arc<Self>, opening: Opening, session: Session) -> BoxFuture<'static, ()> {
        drop(opening);
        session.close(CloseCode::UNSUPPORTED, "this protocol has no websocket sessions");
        Box::pin(async {})
    }

    /// Answers an HTTP request to a `callback://` mount. Default: 501, the protocol does not speak HTTP.
    ///
    /// When the client leaves before it has its answer, the future is dropped where it waits, over HTTP/1.1 and HTTP/2,
    /// in clear and over TLS; and after it, in the same way, the body of the answer. (Where others notice at the next byte
    /// that they send, a client that has closed its own side of an HTTP/1.1 connection counts as one that has left; an end
    /// behind what it has sent and nobody reads is seen within a second.) So nothing runs on for nobody; a client that is
    /// lost without a word is noticed by the kernel after two minutes. What has to be
    /// done to its end is done in a task of its own, and whoever wants to know of the end holds something that is told by
    /// its `Drop`. lwsws tells protocols the same by `LWS_CALLBACK_CLOSED_HTTP`.
    ///
    /// # Example
    ///
    /// Waits for news for as long as the client does, and knows how many wait:
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// use http::Response;
    /// use lwsrun::protocol::{
    ///     Body, BoxFuture, CallbackRequest, Instance, Options, Protocol, StartError, VhostContext,
    /// };
    /// use tokio::sync::watch;
    ///
    /// struct OfNews;
    ///
    /// impl Protocol for OfNews {
    ///     fn name(&self) -> &str {
    ///         "news"
    ///     }
    ///
    ///     // It answers requests only.
    ///     fn websockets(&self) -> bool {
    ///         false
    ///     }
    ///
    ///     fn start(&self, _: VhostContext, _: Options) -> Result<Arc<dyn Instance>, StartError> {
    ///         Ok(Arc::new(News { latest: watch::Sender::default(), waiting: AtomicUsize::new(0) }))
    ///     }
    /// }
    ///
    /// struct News {
    ///     latest: watch::Sender<String>,
    ///     waiting: AtomicUsize,
    /// }
    ///
    /// /// One who waits, until it is dropped.
    /// struct Waiting(Arc<News>);
    ///
    /// impl Drop for Waiting {
    ///     fn drop(&mut self) {
    ///         self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    ///     }
    /// }
    ///
    /// impl Instance for News {
    ///     fn callback(self: Arc<Self>, _: CallbackRequest) -> BoxFuture<'static, Response<Body>> {
    ///         self.waiting.fetch_add(1, Ordering::Relaxed);
    ///         let mut latest = self.latest.subscribe();
    ///         let waiting = Waiting(self);
    ///         Box::pin(async move {
    ///             // Goes with the future, however that ends.
    ///             let _waiting = waiting;
    ///             let _ = latest.changed().await;
    ///             let text = latest.borrow().clone();
    ///             Response::new(Body::from(text))
    ///         })
    ///     }
    /// }
    /// ```
    fn callback(self: Arc<Self>, request: CallbackRequest) -> BoxFuture<'static, Response<Body>> {
        drop(request);
        Box::pin(async { Refusal::NotImplemented.explained("this protocol does not answer HTTP requests") })
    }

    /// Rewrites a file of a mount with `interpret`: `file` is its content as it is, the answer what the client gets,
    /// made piece by piece as it is taken, and dropped when the client leaves. Must not wait. Default: `None`, the
    /// protocol cannot, which is answered 501.
    fn interpret(self: Arc<Self>, request: InterpretRequest, file: Body) -> Option<Body> {
        drop((request, file));
        None
    }

    /// Called once, when the last session and request of this instance has ended and no new one can come.
    fn shutdown(&self) {}
}
