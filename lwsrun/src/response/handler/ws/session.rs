//! A session from the hand-over to the last byte: one task that holds the conversation and the protocol.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, CatchUnwind, join};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::conversation::{Conversation, Ending};
use super::stream::ReadAhead;
use crate::protocol::link::{Link, Order};
use crate::protocol::{CloseCode, Opening, Running, Session};
use crate::shutdown::Drain;

/// How long a protocol has to end its session once the conversation is over.
const GRACE: Duration = Duration::from_secs(5);

/// How long the other end has to close its side of the connection after the conversation.
const LINGER: Duration = Duration::from_secs(2);

/// Serves one session on a stream that was upgraded. `silence`: before a ping, `None` for never.
pub(super) async fn serve<S>(
    stream: S,
    running: Arc<Running>,
    opening: Box<Opening>,
    silence: Option<Duration>,
    drain: Drain,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let link = Arc::new(Link::default());
    let mut protocol = Turns::begin(running, opening, Arc::clone(&link));
    let mut conversation = Conversation::new(stream, &link, silence).await;
    let ending = {
        let mut begun = pin!(drain.begun());
        let mut told = false;
        poll_fn(|cx| {
            if !told && begun.as_mut().poll(cx).is_ready() {
                told = true;
                let reason = "server is going down".to_owned();
                link.close(Order { code: CloseCode::AWAY, reason, discard: false });
            }
            conversation.poll(cx, |cx| {
                let _ = protocol.turn(cx);
            })
        })
        .await
    };
    // In a box, because it is large, short-lived, and would make every idle session as large.
    let stream = conversation.into_stream();
    let parting = async {
        if ending == Ending::Closed {
            let _ = timeout(LINGER, part(stream)).await;
        }
    };
    let ending = timeout(GRACE, poll_fn(|cx| protocol.turn(cx)));
    let _ = Box::pin(join(parting, ending)).await;
}

/// Closes our side, and waits for the other: closing with bytes unread would reset the connection, and the close
/// frame might never be seen.
async fn part<S: AsyncRead + AsyncWrite + Unpin>(mut stream: ReadAhead<S>) -> std::io::Result<()> {
    stream.shutdown().await?;
    while poll_fn(|cx| stream.poll_discard(cx)).await? > 0 {}
    Ok(())
}

/// The protocol's part of a session.
struct Turns {
    running: Arc<Running>,
    link: Arc<Link>,
    future: Option<CatchUnwind<AssertUnwindSafe<BoxFuture<'static, ()>>>>,
}

impl Turns {
    fn begin(running: Arc<Running>, opening: Box<Opening>, link: Arc<Link>) -> Self {
        let instance = Arc::clone(&running.instance);
        let session = Session::new(Arc::clone(&link));
        let begun = catch_unwind(AssertUnwindSafe(|| instance.session(*opening, session)));
        let mut turns = Self { running, link, future: None };
        match begun {
            Ok(future) => turns.future = Some(AssertUnwindSafe(future).catch_unwind()),
            Err(panic) => turns.panicked(&*panic),
        }
        turns
    }

    /// Lets the protocol work; ready when its session is done.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(future) = &mut self.future else { return Poll::Ready(()) };
        let done = ready!(future.poll_unpin(cx));
        self.future = None;
        match done {
            Ok(()) => {
                self.link.close(Order { code: CloseCode::NORMAL, reason: String::new(), discard: false });
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
        self.link.close(Order {
            code: CloseCode::INTERNAL,
            reason: "internal error".to_owned(),
            discard: true,
        });
    }
}
