//! When a connection shall end because of the drain.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::shutdown::Drain;

/// How long an idle connection is left open after the drain has begun: for a request that had arrived by then, and that
/// the runtime has not told us of yet.
const ARRIVED: Duration = Duration::from_millis(20);

/// Resolves when a connection shall end because of the drain.
pub(super) async fn asked_to_end(drain: &Drain) {
    Begun::new(drain).await;
    // On the heap, so that connections do not carry a timer that they need once.
    Box::pin(tokio::time::sleep(ARRIVED)).await;
}

/// [`Drain::begun`] for a future that is polled once for each event of a connection, by one task only: it registers
/// the task once, and costs one load of an atomic from then on.
pub(crate) struct Begun<'a> {
    drain: &'a Drain,
    registered: Option<Pin<Box<dyn Future<Output = ()> + Send + 'a>>>,
}

impl<'a> Begun<'a> {
    pub(crate) fn new(drain: &'a Drain) -> Self {
        Self { drain, registered: None }
    }
}

impl Future for Begun<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.drain.has_begun() {
            return Poll::Ready(());
        }
        if self.registered.is_some() {
            return Poll::Pending;
        }
        let drain = self.drain;
        self.registered.insert(Box::pin(drain.begun())).as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shutdown::DrainControl;

    #[tokio::test]
    async fn the_drain_wakes_who_waits_for_it() {
        let control = DrainControl::new();
        let drain = control.handle();
        let waiting = tokio::spawn(async move { Begun::new(&drain).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        control.drain().await;
        waiting.await.unwrap();
    }
}
