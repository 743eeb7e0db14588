//! The clock of a conversation: when to ping a silent peer, and when to give one up.
//!
//! * Silent for the configured time: a ping. Silent for [`ANSWER`] after that: it is gone.
//! * It takes nothing of what is written to it for [`STALLED`]: it is gone, however lively it is otherwise.
//! * A close is not answered in time: it is gone.
//!
//! Any byte that comes counts as life, since no pong can come in the middle of a long frame; so does any that it takes
//! while the socket is full. Nobody is silent who is not listened to: while the protocol has enough, nothing is read.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// How long a pinged peer has to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// How long a peer may take nothing of what is written to it.
pub(super) const STALLED: Duration = Duration::from_secs(60);

/// How far ahead the clock is set where nothing is due.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// See the module. One timer, set again only when it has fired or something is due earlier.
pub(super) struct Watch {
    silence: Option<Duration>,
    /// When it gave a sign of life last or, if that is later, was pinged.
    since: Instant,
    received: u64,
    pinged: bool,
    /// Since when the socket is full, and how much it had taken then.
    blocked: Option<(Instant, u64)>,
    /// The last moment of a conversation that is closing.
    end: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The peer must be pinged.
    Ping,
    /// The peer is gone.
    End,
}

impl Watch {
    pub(super) fn new(silence: Option<Duration>) -> Self {
        let now = Instant::now();
        let timer = Box::pin(sleep_until(now + silence.unwrap_or(IDLE)));
        Self { silence, since: now, received: 0, pinged: false, blocked: None, end: None, timer }
    }

    /// Notes how many bytes came and went so far, whether the socket is full, and whether nothing is read from it
    /// since the protocol has enough.
    pub(super) fn note(&mut self, received: u64, sent: u64, blocked: bool, unread: bool) {
        let takes = self.blocked.is_some_and(|(_, then)| then != sent);
        if received != self.received || takes || unread {
            self.received = received;
            self.since = Instant::now();
            if std::mem::take(&mut self.pinged) {
                // The next ping may be due before the end that was.
                self.hurry();
            }
        }
        match self.blocked {
            _ if !blocked => self.blocked = None,
            Some((_, then)) if then == sent => {}
            _ => {
                self.blocked = Some((Instant::now(), sent));
                self.hurry();
            }
        }
    }

    /// Ends the conversation after that time at the latest. Of several ends the earliest counts.
    pub(super) fn end_within(&mut self, time: Duration) {
        let end = Instant::now() + time;
        self.end = Some(self.end.map_or(end, |earlier| earlier.min(end)));
        self.hurry();
    }

    /// Waits until something is due.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Due> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            let (at, due) = self.next(now);
            if at > now {
                self.timer.as_mut().reset(at);
                continue;
            }
            if due == Due::Ping {
                (self.pinged, self.since) = (true, now);
            }
            return Poll::Ready(due);
        }
    }

    /// Sets the timer to what is due next, if that is earlier.
    fn hurry(&mut self) {
        let (at, _) = self.next(Instant::now());
        if at < self.timer.deadline() {
            self.timer.as_mut().reset(at);
        }
    }

    /// What is due next, and when.
    fn next(&self, now: Instant) -> (Instant, Due) {
        if let Some(end) = self.end {
            return (end, Due::End);
        }
        let silent = match self.silence {
            Some(_) if self.pinged => (self.since + ANSWER, Due::End),
            Some(silence) => (self.since + silence, Due::Ping),
            None => (now + IDLE, Due::Ping),
        };
        match self.blocked {
            Some((since, _)) if since + STALLED < silent.0 => (since + STALLED, Due::End),
            _ => silent,
        }
    }
}
