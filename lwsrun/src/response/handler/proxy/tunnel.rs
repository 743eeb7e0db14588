//! Websockets through a proxy: the upgrade is asked of the upstream, and then bytes are passed on as they come. Frames
//! are not looked at, so subprotocols, extensions and pings are between client and upstream. Upstreams are asked in the way
//! of HTTP/1.1, whichever way the client asked.
//!
//! A tunnel without a byte for `proxy-websocket-timeout` is closed, and so is one of which one side has ended while the
//! other goes on for [`HALF_CLOSED`]. A drain closes all at once: what stands between two frames is not known here.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::answer::{self, Source};
use super::connect::{Offer, Stream, connect};
use super::exchange::{response, unless_gone};
use super::fault::{Fault, Trouble};
use super::forward::Forward;
use super::http1::{Http1, Sending};
use super::origin::Origin;
use super::pool;
use super::timer::Timer;
use super::upload::Upload;
use crate::connection::{Begun, HandedOver, Transport, Unwrap, Watch};
use crate::response::handler::ws;
use crate::shutdown::Drain;

/// How long the 101 may take to be written.
const HAND_OVER: Duration = Duration::from_secs(15);

/// How long one side may go on after the other has ended.
const HALF_CLOSED: Duration = Duration::from_secs(10);

/// What is read at once, in bytes.
const PIECE: usize = 16 << 10;

thread_local! {
    /// Room for what is read, so that idle tunnels need none.
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A client's wish for a websocket, and its connection, once it has been granted.
pub(super) struct Upgrade {
    client: OnUpgrade,
    unwrap: Option<Unwrap>,
    /// The wish came in the way of HTTP/2 (RFC 8441): this is the key that upstreams of HTTP/1.1 are asked with instead.
    key: Option<String>,
}

impl Upgrade {
    /// Of a request that asks for a websocket; `None` for all others, whatever else they want to upgrade to.
    pub(super) fn of(request: &mut Request<Body>) -> Option<Self> {
        if !ws::asks_for_websocket(request) {
            return None;
        }
        let key = (request.version() == Version::HTTP_2).then(generate_key);
        let unwrap = request.extensions().get().cloned();
        Some(Self { client: hyper::upgrade::on(request), unwrap, key })
    }

    /// The key that was made here, if the client's way needs none.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Whether the upstream answered the key that was made here. That of a client is the client's to check.
    fn is_answered(&self, headers: &HeaderMap) -> bool {
        let accept = self.key.as_ref().map(|key| derive_accept_key(key.as_bytes()));
        accept.is_none_or(|accept| {
            headers.get(SEC_WEBSOCKET_ACCEPT).is_some_and(|value| value == accept.as_str())
        })
    }

    /// Begins to pass bytes on between client and upstream, which has granted the wish with these headers; the answer
    /// for the client, in its version.
    ///
    /// # Errors
    /// If it was not this wish that was granted.
    pub(super) fn grant(
        self,
        mut headers: HeaderMap,
        upstream: Box<Http1>,
        idle: Duration,
        drain: Drain,
    ) -> Result<Response<Body>, Fault> {
        if !self.is_answered(&headers) {
            return Err(Fault::Switched);
        }
        let status = if self.key.is_some() {
            headers.remove(SEC_WEBSOCKET_ACCEPT);
            StatusCode::OK
        } else {
            StatusCode::SWITCHING_PROTOCOLS
        };
        tokio::spawn(pass_on(self.client, self.unwrap, upstream, idle, drain));
        Ok(response(status, headers, Body::empty()))
    }
}

/// Asks the upstream for a websocket. Its refusal is an answer like any other.
pub(super) async fn open(
    origin: &Arc<Origin>,
    forward: &Forward,
    watch: Watch,
    trouble: &Arc<Trouble>,
) -> Result<Opened, Fault> {
    let ticket = pool::ticket(origin)?;
    let connecting = async { Ok(connect(origin, Offer::Http1).await?.0) };
    let stream = unless_gone(&watch, connecting).await?;
    let mut connection = Http1::new(stream, ticket, origin.limits());
    forward.write(origin, connection.begin(forward.framing()));
    let mut upload = Upload::None;
    let sending = Sending {
        upload: &mut upload,
        progress: None,
        of_head: false,
        watch: &watch,
        limits: origin.limits(),
    };
    let head = connection.send(sending).await.map_err(|unanswered| unanswered.fault)?;
    if head.status != StatusCode::SWITCHING_PROTOCOLS {
        let body = answer::body(Source::Http1(connection), origin, watch, trouble);
        return Ok(Opened::Refused(response(head.status, head.headers, body)));
    }
    if !head.upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket")) {
        return Err(Fault::Switched);
    }
    Ok(Opened::Switched(head.headers, connection))
}

/// What became of the wish for a websocket.
pub(super) enum Opened {
    Refused(Response<Body>),
    Switched(HeaderMap, Box<Http1>),
}

/// Says in the answer to the client what the upstream said.
pub(super) fn switch(answer: &mut Response<Body>) {
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        let headers = answer.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
}

/// Passes bytes on between both, until one of them, the clock or the drain ends it.
async fn pass_on(
    client: OnUpgrade,
    unwrap: Option<Unwrap>,
    upstream: Box<Http1>,
    idle: Duration,
    drain: Drain,
) {
    let (upstream, first, _ticket) = upstream.into_parts();
    let mut both = match timeout(HAND_OVER, client).await {
        Ok(Ok(client)) => Box::new(Tunnel::new(Unwrap::apply(unwrap, client), upstream, first.into(), idle)),
        Ok(Err(error)) => return tracing::debug!("websocket not opened: {error}"),
        Err(_) => return tracing::debug!("websocket not opened: the answer was not taken"),
    };
    let mut begun = pin!(Begun::new(&drain));
    let ended =
        poll_fn(|cx| if begun.as_mut().poll(cx).is_ready() { Poll::Ready(Ok(())) } else { both.poll(cx) });
    if let Err(error) = ended.await {
        tracing::debug!("a websocket through a proxy ended: {error}");
    }
}

struct Tunnel {
    client: Box<dyn Transport>,
    upstream: Stream,
    up: Direction,
    down: Direction,
    timer: Timer,
    idle: Duration,
}

/// Bytes that go one way.
#[derive(Default)]
struct Direction {
    /// What was read and could not be written yet.
    rest: Vec<u8>,
    written: usize,
    unflushed: bool,
    ended: bool,
}

impl Tunnel {
    /// `first` came of the upstream already.
    fn new(client: HandedOver, upstream: Stream, first: Vec<u8>, idle: Duration) -> Self {
        let (up, down) = (Direction::beginning(client.ahead.into()), Direction::beginning(first));
        Self { client: client.stream, upstream, up, down, timer: Timer::new(idle), idle }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { client, upstream, up, down, timer, idle } = self;
        let mut moved = false;
        let up = up.poll(client, upstream, &mut moved, cx)?;
        let down = down.poll(upstream, client, &mut moved, cx)?;
        if up.is_ready() && down.is_ready() {
            return Poll::Ready(Ok(()));
        }
        if moved {
            let half = up.is_ready() || down.is_ready();
            timer.restart(if half { HALF_CLOSED.min(*idle) } else { *idle });
        }
        if timer.is_over(cx) { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending }
    }
}

impl Direction {
    /// With what was read already.
    fn beginning(rest: Vec<u8>) -> Self {
        Self { unflushed: !rest.is_empty(), rest, ..Self::default() }
    }

    /// Ready when what comes from `from` has ended and `to` knows it.
    fn poll<R, W>(
        &mut self,
        from: &mut R,
        to: &mut W,
        moved: &mut bool,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            while self.written < self.rest.len() {
                match ready!(Pin::new(&mut *to).poll_write(cx, &self.rest[self.written..]))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    count => self.written += count,
                }
                (*moved, self.unflushed) = (true, true);
            }
            if !self.rest.is_empty() {
                // An idle tunnel keeps no room.
                (self.rest, self.written) = (Vec::new(), 0);
            }
            if self.ended {
                return Pin::new(to).poll_shutdown(cx);
            }
            let read = ROOM.with_borrow_mut(|room| {
                room.resize(PIECE, 0);
                let mut piece = ReadBuf::new(room);
                ready!(Pin::new(&mut *from).poll_read(cx, &mut piece))?;
                Poll::Ready(self.take(piece.filled(), to, cx))
            });
            match read {
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => *moved = true,
                Poll::Pending => {
                    if self.unflushed {
                        ready!(Pin::new(&mut *to).poll_flush(cx))?;
                        self.unflushed = false;
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Writes what was read, as far as that goes at once.
    fn take<W>(&mut self, piece: &[u8], to: &mut W, cx: &mut Context<'_>) -> io::Result<()>
    where
        W: AsyncWrite + Unpin,
    {
        if piece.is_empty() {
            self.ended = true;
            return Ok(());
        }
        self.unflushed = true;
        let written = match Pin::new(to).poll_write(cx, piece)? {
            Poll::Ready(count) => count,
            Poll::Pending => 0,
        };
        self.rest.extend_from_slice(&piece[written..]);
        Ok(())
    }
}
