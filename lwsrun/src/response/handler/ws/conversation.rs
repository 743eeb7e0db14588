//! The conversation: moves messages between a websocket and a protocol's queues, answers pings and closes, and
//! notices when the other end is gone.
//!
//! It takes turns with the protocol in one task: read until nothing is there or the protocol has enough, let the
//! protocol work, write what it queued with one flush. One write for many messages is what makes it fast.
//!
//! The frame decoder and the encoder keep the largest buffers that they ever needed. So both are made anew when the
//! conversation rests after a message over [`LARGE`], and after a silence. It rests only where the last look found
//! nothing more: what the decoder holds then is part of a frame at most.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message as Wire};

use super::deflate::{Deflate, Inflated, UNPACKED};
use super::fault::close_for;
use super::frames::{PIECE, Rest};
use super::session::Held;
use super::stream::ReadAhead;
use super::watch::{Due, Watch};
use crate::protocol::link::{Link, MESSAGES, Order};
use crate::protocol::{CloseCode, Ended, Message, Text};

/// How long the other end has to answer a close.
pub(super) const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// First memory of the frame decoder. It takes this much at once out of what was read ahead.
const READ_BUFFER: usize = 128;

/// Frames are collected up to this before they are written.
const WRITE_BUFFER: usize = 16 * 1024;

/// Room in the write buffer for a piece that overshoots, pings and a close.
const WRITE_BUFFER_MOST: usize = WRITE_BUFFER + PIECE + 4096;

/// Longest message for which the buffers of decoder and encoder are kept while nothing happens, in bytes.
pub(super) const LARGE: usize = 4096;

/// Turns after which others on this thread get theirs.
const TURNS: usize = 16;

/// See the module.
pub(super) struct Conversation<S> {
    socket: WebSocketStream<Inflated<S>>,
    link: Arc<Link>,
    phase: Phase,
    /// The message that is being written.
    rest: Option<Box<Rest>>,
    /// Bits of the window to compress with, where that is agreed.
    bits: Option<u8>,
    /// A close to be sent once all that is queued has been.
    closing: Option<Box<Order>>,
    /// What the other end did wrong. It is told so once what it said before has been answered.
    failing: Option<(CloseCode, &'static str)>,
    /// The socket took not all of what was written to it last.
    blocked: bool,
    /// Decoder and encoder hold more memory than they need at rest.
    worn: bool,
    /// Why reading stopped last.
    read: Read,
    watch: Watch,
}

/// How far the conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Our close is sent, the other end's awaited.
    Closing,
    /// The other end has closed, our answer is being written.
    Answering,
    /// The other end broke the rules and is told so, without awaiting an answer.
    Leaving,
    /// Over.
    Over(Ending),
}

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// A close was exchanged, or at least sent.
    Closed,
    /// The connection broke, or the other end did not answer.
    Lost,
}

/// Why reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    /// Nothing is there.
    Dry,
    /// The protocol has enough.
    Full,
    /// It is someone else's turn.
    Enough,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    /// Begins on a stream that was upgraded.
    pub(super) async fn new(stream: ReadAhead<S>, link: Arc<Link>, held: Held) -> Self {
        let Held { silence, deflate, message, frame } = held;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(WRITE_BUFFER_MOST)
            .max_message_size(Some(message))
            // What is unpacked has frames of its own, without masks; what comes is looked at before that.
            .max_frame_size(Some(if deflate.is_some() { frame.max(UNPACKED) } else { frame }))
            .accept_unmasked_frames(deflate.is_some());
        let bits = deflate.as_ref().map(Deflate::bits);
        let stream = Inflated::new(stream, deflate);
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        let watch = Watch::new(silence);
        Self {
            socket,
            link,
            phase: Phase::Open,
            rest: None,
            bits,
            closing: None,
            failing: None,
            blocked: false,
            worn: false,
            read: Read::Enough,
            watch,
        }
    }

    /// Whether it rests, and is better made anew.
    pub(super) fn is_worn(&self) -> bool {
        self.worn
            && self.phase == Phase::Open
            && self.read == Read::Dry
            && self.failing.is_none()
            && !self.blocked
            && self.rest.is_none()
            && self.socket.get_ref().is_between_messages()
    }

    /// The same conversation, if it [is worn](Self::is_worn), with a new decoder and encoder, which hold no memory yet.
    pub(super) async fn renewed(self) -> Self {
        let config = *self.socket.get_config();
        let stream = self.socket.into_inner();
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        Self { socket, worn: false, ..self }
    }

    /// Goes on until the conversation is over. `turn` lets the protocol work.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut turn: impl FnMut(&mut Context<'_>),
    ) -> Poll<Ending> {
        self.link.awake();
        for _ in 0..TURNS {
            self.read = self.read(cx);
            turn(cx);
            self.write(cx);
            self.keep_watch(cx);
            if let Phase::Over(ending) = self.phase {
                self.link.end();
                return Poll::Ready(ending);
            }
            let more = match self.read {
                Read::Dry => false,
                Read::Full => !self.link.is_full(),
                Read::Enough => true,
            };
            if !more && self.link.sleep(cx.waker(), self.blocked) {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// The stream, for a last look when the conversation is over.
    pub(super) fn into_stream(self) -> ReadAhead<S> {
        self.socket.into_inner().into_inner()
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Read {
        for _ in 0..MESSAGES {
            match self.phase {
                Phase::Leaving | Phase::Over(_) => return Read::Dry,
                Phase::Open if self.failing.is_some() => return Read::Dry,
                Phase::Open if self.link.is_full() => return Read::Full,
                Phase::Open | Phase::Closing | Phase::Answering => {}
            }
            match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => return Read::Dry,
                Poll::Ready(Some(Ok(wire))) => self.received(wire, cx),
                Poll::Ready(Some(Err(error))) => match close_for(&error) {
                    Some((code, reason)) if self.phase == Phase::Open => self.fail(code, reason),
                    _ => self.phase = Phase::Over(Ending::Lost),
                },
                Poll::Ready(None) => self.phase = Phase::Over(Ending::Closed),
            }
        }
        Read::Enough
    }

    fn received(&mut self, wire: Wire, cx: &Context<'_>) {
        self.worn |= wire.len() > LARGE;
        let message = match wire {
            Wire::Text(text) => Message::Text(Text::from_wire(text)),
            Wire::Binary(bytes) => Message::Binary(bytes),
            // The answer to a ping is written by the next read or flush.
            Wire::Ping(_) | Wire::Pong(_) | Wire::Frame(_) => return,
            // In answer to our own, the next read tells the end.
            Wire::Close(frame) if self.phase == Phase::Open => {
                self.link.note(closed_by_client(frame));
                self.begin_end(Phase::Answering);
                return;
            }
            Wire::Close(_) => return,
        };
        // What comes after our close is of no interest.
        if self.phase == Phase::Open {
            self.link.deliver(message, cx.waker());
        }
    }

    /// Writes what is queued, and flushes once.
    fn write(&mut self, cx: &mut Context<'_>) {
        if let Some(order) = self.link.order() {
            self.take_order(order);
        }
        // Nothing is added to what the socket did not take, so the write buffer stays within its bounds.
        if self.blocked {
            self.flush(cx);
        }
        if self.phase == Phase::Open && !self.blocked {
            self.write_queued(cx);
            self.flush(cx);
        }
        if matches!(self.phase, Phase::Closing | Phase::Leaving) {
            self.flush(cx);
        }
        if self.phase == Phase::Leaving && !self.blocked {
            self.phase = Phase::Over(Ending::Closed);
        }
    }

    fn write_queued(&mut self, cx: &mut Context<'_>) {
        loop {
            match Pin::new(&mut self.socket).poll_ready(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return self.phase = Phase::Over(Ending::Lost),
                Poll::Pending => return,
            }
            let next = || self.link.take().map(|message| Rest::new(message, self.bits));
            let Some(rest) = self.rest.take().map(|rest| *rest).or_else(next) else { break };
            let (frame, rest) = rest.next();
            self.rest = rest.map(Box::new);
            self.worn |= frame.len() > LARGE;
            self.send(frame);
        }
        if let Some((code, reason)) = self.failing.take() {
            self.send_close(code, reason, Phase::Leaving);
        } else if let Some(order) = self.closing.take() {
            self.send_close(order.code, &order.reason, Phase::Closing);
        }
    }

    /// Hands a frame to the encoder, which must have room for it.
    fn send(&mut self, frame: Wire) {
        if Pin::new(&mut self.socket).start_send(frame).is_err() {
            self.phase = Phase::Over(Ending::Lost);
        }
    }

    fn flush(&mut self, cx: &mut Context<'_>) {
        // In these phases reading flushes, or nothing is left to flush.
        if matches!(self.phase, Phase::Answering | Phase::Over(_)) {
            return self.blocked = false;
        }
        match Pin::new(&mut self.socket).poll_flush(cx) {
            Poll::Pending => self.blocked = true,
            Poll::Ready(Ok(())) => self.blocked = false,
            Poll::Ready(Err(_)) => self.phase = Phase::Over(Ending::Lost),
        }
    }

    fn take_order(&mut self, order: Order) {
        if self.phase != Phase::Open {
            return;
        }
        self.watch.end_within(CLOSE_WAIT);
        if order.discard {
            self.send_close(order.code, &order.reason, Phase::Closing);
        } else {
            self.closing = Some(Box::new(order));
        }
    }

    /// Notes what the other end did wrong. From then on nothing is read; the protocol has one more turn.
    fn fail(&mut self, code: CloseCode, reason: &'static str) {
        tracing::debug!(code = code.get(), "websocket closed: {reason}");
        self.watch.end_within(CLOSE_WAIT);
        self.link.note(Ended::Refused { code });
        self.failing = Some((code, reason));
    }

    /// A close always finds room in the write buffer, see [`WRITE_BUFFER_MOST`].
    fn send_close(&mut self, code: CloseCode, reason: &str, then: Phase) {
        self.begin_end(then);
        let frame = CloseFrame { code: code.get().into(), reason: cut(reason).into() };
        self.send(Wire::Close(Some(frame)));
    }

    fn begin_end(&mut self, phase: Phase) {
        self.phase = phase;
        self.rest = None;
        self.watch.end_within(CLOSE_WAIT);
        self.link.end();
    }

    fn keep_watch(&mut self, cx: &mut Context<'_>) {
        let stream = self.socket.get_ref().get_ref();
        let (received, sent) = (stream.received(), stream.sent());
        self.watch.note(received, sent, self.blocked, self.read == Read::Full);
        while !matches!(self.phase, Phase::Over(_)) {
            match self.watch.poll(cx) {
                Poll::Pending => return,
                Poll::Ready(Due::Ping) => {
                    self.link.trim();
                    self.worn = true;
                    self.send(Wire::Ping(Bytes::new()));
                    self.flush(cx);
                }
                Poll::Ready(Due::End) => {
                    self.link.note(Ended::TimedOut);
                    self.phase = Phase::Over(Ending::Lost);
                }
            }
        }
    }
}

fn closed_by_client(frame: Option<CloseFrame>) -> Ended {
    let (code, reason) =
        frame.map(|frame| (CloseCode::new(frame.code.into()), frame.reason.to_string())).unwrap_or_default();
    Ended::ByClient { code, reason }
}

/// Cuts a reason to what a close frame holds besides its code.
fn cut(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(123)]
}
