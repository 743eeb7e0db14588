//! How many requests of HTTP/2 wait at once: for their content, a protocol, a program, another server.
//!
//! Connections are bounded by themselves, and one of HTTP/1 has one request at a time; it is not looked at. Each
//! connection of HTTP/2 may have one that waits as well. What it has beyond that comes out of a pool of its worker,
//! of which no connection gets more than a part of what is left: few greedy ones cannot take all of it, and one that
//! comes late gets something. Answers that are ready at once, as those from files are, never count.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

/// The pool of a worker where the config has no `limit-requests`.
pub(crate) const MOST: usize = 4096;

/// A connection gets at most this part of what is left of the pool.
const PART: usize = 8;

thread_local! {
    /// What is taken of the pool of this thread's worker. A request stays on the thread that took it.
    static TAKEN: Cell<usize> = const { Cell::new(0) };
}

/// What one connection has.
#[derive(Debug)]
pub(crate) struct Share {
    /// The pool of each worker, in requests.
    pool: usize,
    /// The number of its requests that wait.
    waiting: AtomicUsize,
}

/// A request that waits.
#[derive(Debug)]
struct Waiting<'a>(&'a Share);

impl Share {
    pub(crate) fn new(pool: usize) -> Self {
        Self { pool, waiting: AtomicUsize::new(0) }
    }

    fn begin(&self) -> Option<Waiting<'_>> {
        let count = self.waiting.load(Ordering::Relaxed);
        let taken = TAKEN.get();
        if count > self.pool.saturating_sub(taken) / PART {
            return None;
        }
        self.waiting.store(count + 1, Ordering::Relaxed);
        if count > 0 {
            TAKEN.set(taken + 1);
        }
        Some(Waiting(self))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let count = self.0.waiting.load(Ordering::Relaxed);
        self.0.waiting.store(count.saturating_sub(1), Ordering::Relaxed);
        if count > 1 {
            TAKEN.set(TAKEN.get().saturating_sub(1));
        }
    }
}

/// Waits for an answer, if its connection may have one more that waits; `None` if not. Without a share it may.
/// The answer's future is large and stays where it is.
pub(crate) async fn bounded<F: Future>(share: Option<&Share>, mut answer: Pin<&mut F>) -> Option<F::Output> {
    let Some(share) = share else { return Some(answer.await) };
    let mut waiting = None;
    poll_fn(|context| {
        if let Poll::Ready(answer) = answer.as_mut().poll(context) {
            return Poll::Ready(Some(answer));
        }
        if waiting.is_none() {
            waiting = share.begin();
        }
        if waiting.is_some() { Poll::Pending } else { Poll::Ready(None) }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    fn take(share: &Share, most: usize) -> Vec<Waiting<'_>> {
        std::iter::from_fn(|| share.begin()).take(most).collect()
    }

    #[test]
    fn greedy_connections_leave_something_for_the_others() {
        // As many as took all of it when each request counted, and far more.
        for (connections, left) in [(33, 16), (1000, 1)] {
            let shares: Vec<Share> = (0..connections).map(|_| Share::new(MOST)).collect();
            let greedy: Vec<_> = shares.iter().flat_map(|share| take(share, 128)).collect();
            assert!(greedy.len() > connections && TAKEN.get() <= MOST, "{connections}");
            let late = Share::new(MOST);
            assert!(take(&late, 128).len() >= left, "{connections}");
        }
        assert_eq!(TAKEN.get(), 0, "all of it comes back");
    }

    #[test]
    fn every_connection_may_have_one_that_waits() {
        TAKEN.set(MOST);
        let share = Share::new(MOST);
        assert_eq!(take(&share, 128).len(), 1);
        TAKEN.set(0);
    }

    #[test]
    fn what_is_ready_does_not_count() {
        TAKEN.set(MOST);
        let share = Share::new(MOST);
        let _one = share.begin().unwrap();
        assert_eq!(bounded(Some(&share), pin!(ready(1))).now_or_never(), Some(Some(1)));
        assert_eq!(bounded(Some(&share), pin!(pending::<i32>())).now_or_never(), Some(None));
        assert_eq!(bounded(None, pin!(pending::<i32>())).now_or_never(), None);
        TAKEN.set(0);
    }
}
