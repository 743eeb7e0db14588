//! A session from the hand-over to the last byte: one task that holds the conversation and the protocol.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, CatchUnwind, join};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::conversation::{Conversation, Ending};
use super::deflate::Deflate;
use super::farewell::see_off;
use super::stream::ReadAhead;
use crate::protocol::link::{Link, Order};
use crate::protocol::{CloseCode, Opening, Running, Session};
use crate::shutdown::Drain;

/// How long a protocol has to end its session once the conversation is over.
const GRACE: Duration = Duration::from_secs(5);

/// How long the other end has to close its side of the connection after the conversation.
const LINGER: Duration = Duration::from_secs(2);

/// A session at work: a future written by hand, since an async function would hold its largest parts twice, and
/// there may be many that are idle.
pub(super) struct Serving<S> {
    talking: Option<Talking<S>>,
    parting: Option<BoxFuture<'static, ()>>,
}

struct Talking<S> {
    conversation: Conversation<S>,
    protocol: Turns,
    /// The drain waits for the session. What tells it of the drain is in [`farewell`](super::farewell).
    drain: Arc<Drain>,
}

/// How a session is held.
pub(super) struct Held {
    /// How long the other end may be silent before it is pinged; `None`: for ever.
    pub(super) silence: Option<Duration>,
    /// What was agreed on compression.
    pub(super) deflate: Option<Deflate>,
    /// Longest message of the client, in bytes.
    pub(super) message: usize,
    /// Longest frame of the client, in bytes.
    pub(super) frame: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Serving<S> {
    /// A session on a stream that was upgraded, of which some was read already.
    pub(super) async fn new(stream: S, ahead: Bytes, protocol: Turns, held: Held, drain: Arc<Drain>) -> Self {
        let stream = ReadAhead::new(stream, ahead, held.frame);
        let conversation = Conversation::new(stream, Arc::clone(&protocol.link), held).await;
        let talking = Talking { conversation, protocol, drain };
        Self { talking: Some(talking), parting: None }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Future for Serving<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(talking) = &mut self.talking {
            match talking.poll(cx) {
                Poll::Ready(ending) => {
                    let parting = self.talking.take().map(|talking| talking.part(ending).boxed());
                    self.parting = parting;
                }
                // It is polled again, so that it is woken by what is new.
                Poll::Pending if talking.conversation.is_worn() => {
                    let renewed = self.talking.take().and_then(|talking| talking.renewed().now_or_never());
                    self.talking = renewed;
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        self.parting.as_mut().map_or(Poll::Ready(()), |parting| parting.poll_unpin(cx))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talking<S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        let Self { conversation, protocol, drain: _ } = self;
        conversation.poll(cx, |cx| {
            let _ = protocol.turn(cx);
        })
    }

    /// With its conversation made anew. This waits for nothing.
    async fn renewed(self) -> Self {
        Self { conversation: self.conversation.renewed().await, ..self }
    }

    /// Ends connection and protocol.
    async fn part(self, ending: Ending) {
        let Self { conversation, mut protocol, drain: _held } = self;
        let stream = conversation.into_stream();
        let parting = async {
            if ending == Ending::Closed {
                let _ = timeout(LINGER, part(stream)).await;
            }
        };
        let ending = timeout(GRACE, poll_fn(|cx| protocol.turn(cx)));
        let _ = join(parting, ending).await;
    }
}

/// Closes our side, and waits for the other: closing with bytes unread would reset the connection, and the close
/// frame might never be seen.
async fn part<S: AsyncRead + AsyncWrite + Unpin>(mut stream: ReadAhead<S>) -> std::io::Result<()> {
    stream.shutdown().await?;
    while poll_fn(|cx| stream.poll_discard(cx)).await? > 0 {}
    Ok(())
}

/// The protocol's part of a session.
pub(super) struct Turns {
    running: Arc<Running>,
    link: Arc<Link>,
    future: Option<CatchUnwind<AssertUnwindSafe<BoxFuture<'static, ()>>>>,
}

impl Turns {
    /// Begins a session, and gives the protocol its first turn, before the client is told that the websocket is
    /// open: what it joins it has joined then, so the client misses nothing of what is said once it knows.
    pub(super) fn begin(running: Arc<Running>, opening: Opening, drain: &Drain) -> Self {
        let link = Arc::new(Link::default());
        running.sessions.join(&link);
        see_off(&running, &link, drain);
        let instance = Arc::clone(&running.instance);
        let session = Session::new(Arc::clone(&link));
        let begun = catch_unwind(AssertUnwindSafe(|| instance.session(opening, session)));
        let mut turns = Self { running, link, future: None };
        match begun {
            Ok(future) => turns.future = Some(AssertUnwindSafe(future).catch_unwind()),
            Err(panic) => turns.panicked(&*panic),
        }
        // Nobody need be woken: the conversation gives the next turn as soon as there is one.
        let _ = turns.turn(&mut Context::from_waker(Waker::noop()));
        turns
    }

    /// Lets the protocol work; ready when its session is done.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(future) = &mut self.future else { return Poll::Ready(()) };
        let done = ready!(future.poll_unpin(cx));
        self.future = None;
        match done {
            Ok(()) => {
                self.link.close(Order::new(CloseCode::NORMAL, "", false));
            }
            Err(panic) => self.panicked(&*panic),
        }
        Poll::Ready(())
    }

    fn panicked(&self, panic: &(dyn Any + Send)) {
        let words = panic.downcast_ref::<&str>().copied();
        let words =
            words.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words");
        let Running { vhost, protocol, .. } = &*self.running;
        tracing::error!("vhost `{vhost}`: protocol `{protocol}` panicked, its session is closed: {words}");
        self.link.close(Order::new(CloseCode::INTERNAL, "internal error", true));
    }
}

impl Drop for Turns {
    /// Whoever still has the session or a sender learns of the end, also if the connection never came.
    fn drop(&mut self) {
        self.link.end();
        self.running.sessions.leave(&self.link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Transport;

    /// A task has some hundred bytes of its own, and comes in steps of 128.
    #[test]
    fn a_session_is_small() {
        let size = size_of::<Serving<Box<dyn Transport>>>();
        assert!(size <= 656, "{size} bytes make the task of each session larger than 768");
    }
}
