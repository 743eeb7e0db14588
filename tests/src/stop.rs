//! Tells threads that work in the background of a test that it is over, also when it has failed.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the work shall stop.
#[derive(Debug, Default)]
pub struct Stop(AtomicBool);

/// Stops the work when it is dropped.
#[derive(Debug)]
pub struct Working<'a>(&'a Stop);

impl Stop {
    /// Whether it shall.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Lets the work go on for as long as this is kept: threads of a scope are waited for, whatever its test does.
    #[must_use]
    pub fn when_dropped(&self) -> Working<'_> {
        Working(self)
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::SeqCst);
    }
}
