//! The graceful end of a connection.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::shutdown::Drain;

/// Runs `serving`, and asks it to finish once `signal` resolves. It is on the heap, since the future that runs it would
/// hold room for it more than once.
pub(super) async fn finish_when<C: Future>(
    mut serving: Pin<Box<C>>,
    signal: impl Future<Output = ()>,
    finish: impl Fn(Pin<&mut C>),
) -> C::Output {
    let mut signal = pin!(signal);
    let mut finishing = false;
    poll_fn(move |cx| {
        // First what has arrived: a connection that has not read its request yet would be closed without an answer.
        let served = serving.as_mut().poll(cx);
        if served.is_ready() || finishing || signal.as_mut().poll(cx).is_pending() {
            return served;
        }
        finishing = true;
        finish(serving.as_mut());
        serving.as_mut().poll(cx)
    })
    .await
}

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
    async fn the_drain_reaches_a_waiting_connection() {
        let control = DrainControl::new();
        let drain = control.handle();
        let (finished, wait) = tokio::sync::watch::channel(false);
        let connection = tokio::spawn(async move {
            let mut wait = wait;
            let waiting = async { wait.wait_for(|finished| *finished).await.map(|finished| *finished) };
            let finish = |_: Pin<&mut _>| {
                finished.send_replace(true);
            };
            finish_when(Box::pin(waiting), Begun::new(&drain), finish).await
        });
        tokio::task::yield_now().await;
        control.drain().await;
        assert!(connection.await.unwrap().unwrap());
    }
}
