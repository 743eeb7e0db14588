//! Streams where they arise: each is polled once by the connection's own task, and becomes a task of its own only if
//! it has to wait.
//!
//! Most answers are ready at once, and a task for each would cost more than the answer. It is right because a future
//! that is polled again, by another task, wakes that one: none may rely on the waker of an earlier poll.

use std::pin::Pin;
use std::task::{Context, Waker};

use hyper::rt::Executor;

/// hyper's way to run streams.
#[derive(Debug, Clone, Copy)]
pub(super) struct InPlace;

impl<F> Executor<F> for InPlace
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        let mut future: Pin<Box<F>> = Box::pin(future);
        if future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            tokio::spawn(future);
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
        InPlace.execute(async move { sender.send(1).unwrap() });
        assert_eq!(done.try_recv(), Ok(1));
        let (begin, begun) = oneshot::channel::<i32>();
        let (sender, done) = oneshot::channel();
        InPlace.execute(async move { sender.send(begun.await.unwrap()).unwrap() });
        begin.send(2).unwrap();
        assert_eq!(done.await.unwrap(), 2);
    }
}
