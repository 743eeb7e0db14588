//! How long a peer may take, in one direction of a connection: to ask again, to finish a head, to send content, to
//! take an answer.
//!
//! It is asked only when there is something to wait for, so a request that comes in one piece costs no look at the
//! clock. The limits stand in `lwsrun/LIMITS.md`.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::limits::Rate;

/// A connection is quiet when nothing came for so long, or for a fourth of the time that it may be idle.
const QUIET: Duration = Duration::from_secs(1);

/// A timer that fires later than this was not waited for.
const LATE: Duration = Duration::from_secs(1);

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// A request, for so long.
    Request(Duration),
    /// A request, for as long as a connection that may be idle for so long is not quiet yet. Nothing is noted when a
    /// request comes but that one came, so it counts as quiet after up to twice [`QUIET`].
    Quiet(Duration),
    /// The end of a head, for so long since its beginning.
    Head(Duration),
    /// Content of a request, at a rate over the time in which it is waited for.
    Content(Rate),
    /// Room for an answer, at a rate over the time in which there is more for the client.
    Room(Rate),
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Pace {
    wait: Option<Wait>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Bytes since the timer was set.
    bytes: u64,
    /// How often the timer fired without a byte between.
    silent: u32,
}

impl Pace {
    /// Bytes came, or went.
    pub(super) fn moved(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.silent = 0;
    }

    /// Bytes went, perhaps none.
    pub(super) fn progressed(&mut self, bytes: usize) {
        if bytes > 0 {
            self.moved(bytes);
        }
    }

    /// The peer has taken all that there was for it, which is enough until the timer fires.
    pub(super) fn has_caught_up(&mut self) {
        self.bytes = u64::MAX;
        self.silent = 0;
    }

    /// A head is complete: the time of the next one begins anew.
    pub(super) fn complete(&mut self) {
        if matches!(self.wait, Some(Wait::Head(_))) {
            self.wait = None;
        }
    }

    /// Waits, and says whether it has lasted too long.
    pub(super) fn is_over(&mut self, wait: Wait, context: &mut Context<'_>) -> bool {
        let step = wait.step();
        if self.timer.is_none() || self.wait != Some(wait) {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(step)));
            timer.as_mut().reset(Instant::now() + step);
            (self.wait, self.bytes, self.silent) = (Some(wait), 0, 0);
        }
        let Some(timer) = &mut self.timer else { return false };
        while timer.as_mut().poll(context).is_ready() {
            let now = Instant::now();
            self.silent += 1;
            let over = match wait {
                Wait::Quiet(_) => self.silent > 1,
                Wait::Request(_) | Wait::Head(_) => true,
                // If nobody waited for it, it is not the peer's fault.
                Wait::Content(rate) | Wait::Room(rate) => {
                    self.bytes < rate.bytes() && now < timer.deadline() + LATE
                }
            };
            if over {
                return true;
            }
            self.bytes = 0;
            timer.as_mut().reset(now + step);
        }
        false
    }
}

impl Wait {
    fn step(self) -> Duration {
        match self {
            Self::Quiet(limit) => (limit / 4).clamp(Duration::from_millis(1), QUIET),
            Self::Request(limit) | Self::Head(limit) => limit,
            Self::Content(rate) | Self::Room(rate) => rate.over,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use super::*;

    fn content(a_second: u64) -> Wait {
        Wait::Content(Rate { a_second, over: Duration::from_secs(30) })
    }

    fn room(a_second: u64) -> Wait {
        Wait::Room(Rate { a_second, over: Duration::from_secs(60) })
    }

    /// Waits until it is over; gives the seconds that it took. Each `every` seconds `bytes` move.
    async fn over(wait: Wait, every: f64, bytes: usize, most: u64) -> Option<f64> {
        let start = Instant::now();
        let mut pace = Pace::default();
        let mut moves = tokio::time::interval(Duration::from_secs_f64(every));
        let waiting = poll_fn(|context| {
            while moves.poll_tick(context).is_ready() {
                pace.moved(bytes);
            }
            if pace.is_over(wait, context) { Poll::Ready(()) } else { Poll::Pending }
        });
        let waited = tokio::time::timeout(Duration::from_secs(most), waiting).await;
        waited.ok().map(|()| start.elapsed().as_secs_f64())
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_its_measure() {
        let limit = Duration::from_secs(8);
        // A head must be complete in time, however steadily it comes.
        assert_eq!(over(Wait::Head(limit), 1.0, 100, 100).await.map(f64::round), Some(8.0));
        assert_eq!(over(Wait::Request(limit), 1.0, 100, 100).await.map(f64::round), Some(8.0));
        // What comes begins the wait for silence anew.
        let quiet = over(Wait::Quiet(limit), 1000.0, 1, 100).await.unwrap();
        assert!((1.0..=2.1).contains(&quiet), "{quiet}");
        let quiet = over(Wait::Quiet(limit / 16), 1000.0, 1, 100).await.unwrap();
        assert!((0.1..=0.3).contains(&quiet), "{quiet}");
        assert_eq!(over(Wait::Quiet(limit), 0.9, 1, 100).await, None);
        // Slow is allowed, slower is not.
        assert_eq!(over(content(64), 1.0, 100, 600).await, None);
        assert_eq!(over(content(64), 1.0, 50, 600).await.map(f64::round), Some(30.0));
        assert_eq!(over(content(49), 1.0, 50, 600).await, None);
        assert_eq!(over(content(0), 1000.0, 1, 600).await, None, "however slow");
        assert_eq!(over(room(64), 50.0, 8000, 600).await, None);
        assert_eq!(over(room(64), 1.0, 10, 600).await.map(f64::round), Some(60.0));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_blamed_for_what_was_not_waited_for() {
        let mut pace = Pace::default();
        let mut ask = async || poll_fn(|context| Poll::Ready(pace.is_over(content(64), context))).await;
        assert!(!ask().await);
        // A handler took its time before it wanted more.
        tokio::time::advance(Duration::from_secs(300)).await;
        assert!(!ask().await);
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(ask().await);
    }
}
