//! A deadline that moves often: the runtime's timer is set anew only when it fires too early.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The timer of one connection, used for one wait after the other.
#[derive(Debug)]
pub(crate) struct Timer {
    deadline: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl Timer {
    pub(crate) fn new(wait: Duration) -> Self {
        let deadline = Instant::now() + wait;
        Self { deadline, sleep: Box::pin(sleep_until(deadline)) }
    }

    /// Begins a wait.
    pub(crate) fn restart(&mut self, wait: Duration) {
        self.deadline = Instant::now() + wait;
        if self.sleep.deadline() > self.deadline {
            self.sleep.as_mut().reset(self.deadline);
        }
    }

    /// Whether the wait has lasted too long.
    pub(crate) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        while self.sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= self.deadline {
                return true;
            }
            self.sleep.as_mut().reset(self.deadline);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use super::*;

    async fn over(timer: &mut Timer) {
        poll_fn(|cx| if timer.is_over(cx) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_restart_counts() {
        let start = Instant::now();
        let mut timer = Timer::new(Duration::from_secs(10));
        tokio::time::advance(Duration::from_secs(5)).await;
        timer.restart(Duration::from_secs(10));
        over(&mut timer).await;
        assert_eq!(start.elapsed().as_secs(), 15);
        timer.restart(Duration::from_secs(60));
        timer.restart(Duration::from_secs(2));
        over(&mut timer).await;
        assert_eq!(start.elapsed().as_secs(), 17);
    }
}
