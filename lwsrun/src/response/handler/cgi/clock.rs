//! How long a program is waited for.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::feed::Progress;

/// How long the program is waited for. It runs only while nothing else is waited for.
#[derive(Debug)]
pub(super) struct Clock {
    pub(super) patience: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    runs: bool,
    seen: Progress,
}

impl Clock {
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, sleep: None, runs: false, seen: Progress::default() }
    }

    pub(super) fn stop(&mut self) {
        self.runs = false;
    }

    /// Ready once the program has neither given nor taken anything for too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, progress: Progress) -> Poll<()> {
        loop {
            let patience = self.patience;
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(patience)));
            if !self.runs {
                sleep.as_mut().reset(Instant::now() + patience);
                (self.runs, self.seen) = (true, progress);
            }
            ready!(sleep.as_mut().poll(cx));
            if progress == self.seen && !progress.waits {
                return Poll::Ready(());
            }
            self.runs = false;
        }
    }
}
