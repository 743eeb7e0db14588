//! Streams where they arise: each is polled once by the connection's own task, and becomes a task of its own only if
//! it has to wait.
//!
//! Most answers are ready at once, and a task for each would cost more than the answer. It is right because a future
//! that is polled again, by another task, wakes that one: none may rely on the waker of an earlier poll.
//!
//! A stream that was upgraded goes on in a task that sends what the upgrade's owner writes. [`Sending`] is the way to it.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Waker};

use hyper::rt::Executor;
use tokio::task::AbortHandle;

/// hyper's way to run the streams of a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct InPlace(Arc<Streams>);

/// What the streams of a connection share.
#[derive(Debug, Default)]
struct Streams {
    /// Of the stream that is being upgraded: hyper starts its sending in the same turn in which it is given the answer
    /// that says so.
    upgraded: Mutex<Option<Sending>>,
    /// Those that wait for something: to be answered, for more of an answer, for what is sent on an upgraded one.
    waiting: AtomicUsize,
}

/// A stream that waits, until it is dropped.
struct Waiting(Arc<Streams>);

/// What sends on a stream that was upgraded. It waits for the client for as long as that wants, even if nobody holds the
/// stream any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sending(Arc<OnceLock<AbortHandle>>);

impl InPlace {
    /// The next future sends on a stream that is upgraded now.
    pub(super) fn upgrades(&self, sending: Sending) {
        *self.0.upgraded.lock().unwrap_or_else(PoisonError::into_inner) = Some(sending);
    }

    /// Whether any stream waits for something other than the client to take its bytes.
    pub(super) fn is_waiting(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) > 0
    }
}

impl<F> Executor<F> for InPlace
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        let sending = self.0.upgraded.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut future: Pin<Box<F>> = Box::pin(future);
        if future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            let waiting = Waiting::new(&self.0);
            let task = tokio::spawn(async move {
                let _waiting = waiting;
                future.await;
            });
            if let Some(Sending(of_stream)) = sending {
                // It is given away once, so nothing is there.
                let _ = of_stream.set(task.abort_handle());
            }
        }
    }
}

impl Waiting {
    fn new(streams: &Arc<Streams>) -> Self {
        streams.waiting.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(streams))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Sending {
    /// Whether it has come to its end.
    pub(crate) fn is_over(&self) -> bool {
        self.0.get().is_some_and(AbortHandle::is_finished)
    }

    /// Stops it. If it had not come to its end, the stream is reset (`CANCEL`).
    pub(crate) fn stop(&self) {
        if let Some(task) = self.0.get() {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_is_ready_is_done_at_once_and_what_waits_is_done_later() {
        let (sender, mut done) = oneshot::channel();
        let executor = InPlace::default();
        executor.execute(async move { sender.send(1).unwrap() });
        assert_eq!(done.try_recv(), Ok(1));
        let (begin, begun) = oneshot::channel::<i32>();
        let (sender, done) = oneshot::channel();
        assert!(!executor.is_waiting());
        executor.execute(async move { sender.send(begun.await.unwrap()).unwrap() });
        assert!(executor.is_waiting());
        begin.send(2).unwrap();
        assert_eq!(done.await.unwrap(), 2);
        tokio::task::yield_now().await;
        assert!(!executor.is_waiting());
    }

    #[tokio::test]
    async fn sending_can_be_stopped() {
        let executor = InPlace::default();
        let sending = Sending::default();
        let (held, mut dropped) = oneshot::channel::<()>();
        executor.upgrades(sending.clone());
        executor.execute(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        let (other, mut goes_on) = oneshot::channel::<()>();
        executor.execute(async move {
            let _held = other;
            std::future::pending::<()>().await;
        });
        assert!(!sending.is_over());
        sending.stop();
        assert!((&mut dropped).await.is_err());
        while !sending.is_over() {
            tokio::task::yield_now().await;
        }
        assert!(goes_on.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
    }
}
