//! What the streams of a connection do, as far as it matters for when to end it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::sleep;

/// What a connection's streams do, as far as it matters for when to end it.
///
/// A response whose body is still sent is not counted: all that idleness leads to is a GOAWAY, which lets streams
/// finish.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Requests that are being answered.
    active: AtomicU32,
    /// Begins and ends of requests.
    events: AtomicU64,
}

impl Activity {
    /// Counts a request, until what it returns is dropped.
    pub(super) fn begin(&self) -> Request<'_> {
        self.active.fetch_add(1, Ordering::Relaxed);
        self.events.fetch_add(1, Ordering::Relaxed);
        Request(self)
    }

    /// Resolves when nothing happened for `keep_alive`, at the latest after twice that.
    pub(super) async fn idle(&self, keep_alive: Duration) {
        let period = keep_alive.max(Duration::from_secs(1));
        loop {
            let before = self.events.load(Ordering::Relaxed);
            sleep(period).await;
            if self.active.load(Ordering::Relaxed) == 0 && self.events.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }

    /// Resolves if no request came within `timeout`. hyper waits for the client's preface for ever.
    pub(super) async fn silent(&self, timeout: Duration) {
        sleep(timeout).await;
        if self.events.load(Ordering::Relaxed) > 0 {
            std::future::pending::<()>().await;
        }
    }
}

/// A request that is being answered.
pub(super) struct Request<'a>(&'a Activity);

impl Drop for Request<'_> {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
        self.0.events.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn idle_counts_from_the_last_event() {
        let activity = Activity::default();
        let start = tokio::time::Instant::now();
        let request = activity.begin();
        let work = async {
            sleep(Duration::from_secs(25)).await;
            drop(request);
        };
        tokio::join!(activity.idle(Duration::from_secs(10)), work);
        // The request ended in the third period, so the fourth is the first quiet one.
        assert_eq!(start.elapsed().as_secs(), 40);
    }
}
