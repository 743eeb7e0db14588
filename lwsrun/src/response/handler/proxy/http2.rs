//! An HTTP/2 connection to an upstream, for many requests at once. A task, the [`driver`], reads and writes for all of them;
//! each request has a [`stream`] of its own, writes its content by [`output`], and has its answer's in an [`inbox`].

mod driver;
mod inbox;
mod output;
mod stream;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use http::{Request, Response};
use tokio::time::{Instant, timeout_at};

use super::connect::Stream;
use super::fault::Fault;
use super::http1::Framing;
use super::origin::Limits;
use super::pool::Ticket;
use super::sending::{Sending, Unanswered};

use self::driver::Driver;
use self::output::Output;
use self::stream::Asking;
pub(super) use self::stream::Http2Answer;

/// How much of one answer the upstream may send ahead, in bytes. No more comes in one round trip: 3 MB/s where that takes 20 ms.
const STREAM_WINDOW: u32 = 64 << 10;

/// The same for all answers of a connection: each may fill its own window, so that no slow reader holds up another.
const CONNECTION_WINDOW: u32 = 100 * STREAM_WINDOW;

const _: () = assert!(CONNECTION_WINDOW as usize >= MAX_STREAMS * STREAM_WINDOW as usize);

/// The most requests at once. That is what RFC 9113, section 6.5.2, has upstreams allow at the least; with more, there are
/// more connections.
pub(super) const MAX_STREAMS: usize = 100;

/// The most requests after one another without the beginning of an answer: most of them were given up, and what is left of
/// them may still lie in front of a connection that takes nothing.
const MAX_UNANSWERED: usize = 2 * MAX_STREAMS;

/// How much of one request's content is kept until the upstream takes it, in bytes.
const MAX_SEND_BUFFER: usize = 64 << 10;

/// The largest head of an answer, in bytes as RFC 9113, section 6.5.2, counts them.
const MAX_HEAD: u32 = 64 << 10;

/// How many streams that were reset are remembered and for how long, so that what was on its way for them does no harm.
const MAX_RESET: usize = 10 * MAX_STREAMS;
const RESET_TIME: Duration = Duration::from_secs(5);

/// A connection; each clone sends requests on it. It closes when all are dropped and the last answer has ended.
#[derive(Clone)]
pub(super) struct Http2 {
    sender: SendRequest<Bytes>,
    pub(super) last_used: Instant,
    /// Whether it has carried a request before.
    pub(super) reused: bool,
    shared: Arc<Shared>,
}

/// What the requests of a connection share: each has one clone, one more is the pool's.
#[derive(Debug, Default)]
struct Shared {
    /// Requests since the last answer began.
    unanswered: AtomicUsize,
}

impl Http2 {
    /// Begins to speak on a connection, before `deadline`, which is in the time of the mount for connecting.
    pub(super) async fn new(
        stream: Stream,
        ticket: Ticket,
        deadline: Instant,
        limits: &Limits,
    ) -> Result<Self, Fault> {
        let mut builder = Builder::new();
        builder
            .initial_max_send_streams(driver::NOT_TOLD)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buffer_size(MAX_SEND_BUFFER)
            .max_header_list_size(MAX_HEAD)
            // It counts small frames that nobody has taken, of all streams together, and ends the connection of all; here they
            // are taken at once, whatever the clients do.
            .data_frame_budget(usize::MAX)
            .max_concurrent_reset_streams(MAX_RESET)
            .reset_stream_duration(RESET_TIME)
            .enable_push(false);
        let greeting = async {
            let (sender, connection) = builder.handshake(stream).await?;
            let mut driver = Driver::new(connection, ticket, limits);
            driver.settle().await?;
            Ok((sender, driver))
        };
        let (sender, driver) =
            timeout_at(deadline, greeting).await.unwrap_or(Err(Fault::ConnectTimeout(limits.connect)))?;
        tokio::spawn(driver.run());
        Ok(Self { sender, last_used: Instant::now(), reused: false, shared: Arc::default() })
    }

    /// The same for requests after the first.
    pub(super) fn again(&self) -> Self {
        Self { reused: true, ..self.clone() }
    }

    /// Whether it takes no more requests.
    pub(super) fn is_closed(&mut self) -> bool {
        // It is never full: nothing is sent that would have to wait.
        let ready = self.sender.poll_ready(&mut Context::from_waker(Waker::noop()));
        matches!(ready, std::task::Poll::Ready(Err(_)))
    }

    /// How many requests it takes at once.
    pub(super) fn share(&self) -> usize {
        self.sender.current_max_send_streams().min(MAX_STREAMS)
    }

    /// Whether it takes one more request. Beyond what the upstream allows at once they would wait in a queue that nobody
    /// bounds.
    pub(super) fn has_room(&mut self) -> bool {
        Arc::strong_count(&self.shared) <= self.share()
            && self.shared.unanswered.load(Ordering::Relaxed) < MAX_UNANSWERED
            && !self.is_closed()
    }

    /// Sends a request whose content is framed so, and waits for the head of its answer, while content goes out.
    pub(super) async fn send(
        mut self,
        request: Request<()>,
        framing: Framing,
        sending: Sending<'_>,
    ) -> Result<Response<Box<Http2Answer>>, Unanswered> {
        let sent = self.sender.send_request(request, Output::is_nothing(framing));
        // It is the connection that does not take it.
        let (response, stream) =
            sent.map_err(|error| Unanswered { fault: error.into(), unsent: true, stale: false })?;
        self.shared.unanswered.fetch_add(1, Ordering::Relaxed);
        Asking::new(self, response, Output::new(stream, framing), sending).answered().await
    }
}
