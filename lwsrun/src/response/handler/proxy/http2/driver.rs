//! Reads and writes for all requests of a connection, and asks an upstream that may be gone whether it is there.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::Connection;
use h2::{Ping, PingPong};

use crate::response::handler::proxy::connect::Stream;
use crate::response::handler::proxy::fault::Fault;
use crate::response::handler::proxy::origin::Limits;
use crate::response::handler::proxy::pool::Ticket;
use crate::response::handler::proxy::timer::Timer;

/// How many requests at once an upstream allows that has not said so yet: a number that none can say.
pub(super) const NOT_TOLD: usize = usize::MAX - 1;

/// How often an upstream is asked whether it is there, and how long it has at least to say so.
const PING: Duration = Duration::from_secs(15);

/// A connection.
pub(super) struct Driver {
    connection: Connection<Stream, Bytes>,
    pings: Option<PingPong>,
    /// An answer to a ping is due.
    asked: bool,
    /// How long that may take: one that is busy with an answer may read nothing meanwhile, for as long as it may be silent.
    patience: Duration,
    round: Timer,
    _ticket: Ticket,
}

impl Driver {
    pub(super) fn new(mut connection: Connection<Stream, Bytes>, ticket: Ticket, limits: &Limits) -> Self {
        let pings = connection.ping_pong();
        let patience = PING.max(limits.answer).max(limits.idle);
        Self { connection, pings, asked: false, patience, round: Timer::new(PING), _ticket: ticket }
    }

    /// Waits until the upstream has told its settings: how many requests it takes at once is known then.
    pub(super) async fn settle(&mut self) -> Result<(), Fault> {
        poll_fn(|cx| match Pin::new(&mut self.connection).poll(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Err(Fault::Closed)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(Fault::Broken(error))),
            Poll::Pending if self.connection.max_concurrent_send_streams() == NOT_TOLD => Poll::Pending,
            Poll::Pending => Poll::Ready(Ok(())),
        })
        .await
    }

    /// Drives the connection to its end.
    pub(super) async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Poll::Ready(ended) = Pin::new(&mut self.connection).poll(cx) {
            if let Err(error) = ended {
                tracing::debug!("an upstream's connection ended: {error}");
            }
            return Poll::Ready(());
        }
        let Some(pings) = &mut self.pings else { return Poll::Pending };
        if self.asked && matches!(pings.poll_pong(cx), Poll::Ready(Ok(_))) {
            self.asked = false;
            self.round.restart(PING);
        }
        while self.round.is_over(cx) {
            if self.asked {
                tracing::debug!("an upstream does not answer a ping: its connection is closed");
                return Poll::Ready(());
            }
            // One that is closing sends none, and may take as long as the answer to one.
            self.asked = true;
            let _ = pings.send_ping(Ping::opaque());
            self.round.restart(self.patience);
        }
        Poll::Pending
    }
}
