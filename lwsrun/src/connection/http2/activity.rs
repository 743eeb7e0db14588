//! What the streams of a connection do, as far as it matters for when to end it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

/// The shortest time for which a connection is kept: its requests come one by one.
const LEAST: Duration = Duration::from_secs(1);

/// Requests that a client may cancel before their answer begins, beyond those that were answered in between
/// (CVE-2023-44487). What is cancelled is started all the same: programs, connections to upstreams.
///
/// Who takes one answer for each request that it cancels is not stopped: it makes the server do no more than one that takes
/// both, has no more at once than [`MAX_STREAMS`](super::MAX_STREAMS), and looks like a page that is scrolled through.
const MAX_CANCELLED: u32 = 100;

/// What a connection's streams do, as far as it matters for when to end it.
///
/// A response whose body is still sent is not counted: all that idleness leads to is a GOAWAY, which lets streams
/// finish.
#[derive(Debug)]
pub(super) struct Activity {
    /// Requests that are being answered.
    active: AtomicU32,
    /// Begins and ends of requests.
    events: AtomicU64,
    /// Requests that were cancelled; each one that is answered makes up for one.
    cancelled: AtomicU32,
    /// How long the next request may take to come, in milliseconds, as the last answer has it; at first for ever.
    keep_alive: AtomicU64,
    /// That has changed.
    changed: Notify,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            active: AtomicU32::new(0),
            events: AtomicU64::new(0),
            cancelled: AtomicU32::new(0),
            keep_alive: AtomicU64::new(u64::MAX),
            changed: Notify::new(),
        }
    }
}

impl Activity {
    /// Counts a request, until what it returns is dropped.
    pub(super) fn begin(&self) -> Request<'_> {
        self.active.fetch_add(1, Ordering::Relaxed);
        self.events.fetch_add(1, Ordering::Relaxed);
        Request { activity: self, answered: false }
    }

    /// Begins and ends of requests so far.
    pub(super) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Whether the client makes work and does not want it.
    pub(super) fn is_flood(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) > MAX_CANCELLED
    }

    /// Resolves when nothing happened for as long as the last answer allows, and a second at least; at the latest after
    /// twice that.
    pub(super) async fn idle(&self) {
        loop {
            let before = self.events();
            let period = Duration::from_millis(self.keep_alive.load(Ordering::Relaxed)).max(LEAST);
            tokio::select! {
                () = sleep(period) => {}
                () = self.changed.notified() => continue,
            }
            if self.active.load(Ordering::Relaxed) == 0 && self.events() == before {
                return;
            }
        }
    }

    /// Resolves if no request came within `timeout`. hyper waits for the client's preface for ever.
    pub(super) async fn silent(&self, timeout: Duration) {
        sleep(timeout).await;
        if self.events() > 0 {
            std::future::pending::<()>().await;
        }
    }
}

/// A request that is being answered.
pub(super) struct Request<'a> {
    activity: &'a Activity,
    answered: bool,
}

impl Request<'_> {
    /// It was answered; the next one may take so long to come.
    pub(super) fn answered(&mut self, keep_alive: Duration) {
        self.answered = true;
        let Activity { cancelled, changed, .. } = self.activity;
        // Most often there is nothing to make up for, and this is one load.
        let _ = cancelled.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_sub(1));
        let keep_alive = u64::try_from(keep_alive.as_millis()).unwrap_or(u64::MAX);
        if self.activity.keep_alive.swap(keep_alive, Ordering::Relaxed) != keep_alive {
            changed.notify_one();
        }
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        self.activity.active.fetch_sub(1, Ordering::Relaxed);
        self.activity.events.fetch_add(1, Ordering::Relaxed);
        if !self.answered {
            self.activity.cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn idle_counts_from_the_last_event() {
        let activity = Activity::default();
        let start = tokio::time::Instant::now();
        let mut request = activity.begin();
        request.answered(Duration::from_secs(10));
        let work = async {
            sleep(Duration::from_secs(25)).await;
            drop(request);
        };
        tokio::join!(activity.idle(), work);
        // The request ended in the third period, so the fourth is the first quiet one.
        assert_eq!(start.elapsed().as_secs(), 40);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_answer_says_how_long() {
        let activity = Activity::default();
        let start = tokio::time::Instant::now();
        let work = async {
            sleep(Duration::from_secs(500)).await;
            activity.begin().answered(Duration::from_secs(100));
            sleep(Duration::from_secs(30)).await;
            activity.begin().answered(Duration::from_secs(5));
        };
        tokio::join!(activity.idle(), work);
        assert_eq!(start.elapsed().as_secs(), 535);
    }

    #[test]
    fn answers_make_up_for_what_was_cancelled_and_are_not_saved_up() {
        let activity = Activity::default();
        let answer = || activity.begin().answered(Duration::ZERO);
        (0..1000).for_each(|_| answer());
        (0..MAX_CANCELLED).for_each(|_| drop(activity.begin()));
        assert!(!activity.is_flood());
        answer();
        drop(activity.begin());
        assert!(!activity.is_flood());
        drop(activity.begin());
        assert!(activity.is_flood());
    }
}
