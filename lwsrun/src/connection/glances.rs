//! How often it is looked whether a peer has closed behind what nobody reads: nothing else would tell.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// The time from one look to the next.
const GLANCE: Duration = Duration::from_secs(1);

/// When to look next; set by the first question.
#[derive(Debug, Default)]
pub(super) struct Glances(Option<Pin<Box<Sleep>>>);

impl Glances {
    /// Whether it is time to look. Whoever asks is woken when it is.
    pub(super) fn is_due(&mut self, cx: &mut Context<'_>) -> bool {
        let next = self.0.get_or_insert_with(|| Box::pin(sleep(GLANCE)));
        let mut is_due = false;
        while next.as_mut().poll(cx).is_ready() {
            next.as_mut().reset(Instant::now() + GLANCE);
            is_due = true;
        }
        is_due
    }
}
