//! How many requests a worker answers at once. Files and redirects are answered where they stand; this bounds what waits
//! for something: slow protocols, and the many streams of many HTTP/2 connections.

use std::cell::Cell;

/// The most requests that a worker answers at once; more are answered 503.
pub(crate) const MOST: usize = 4096;

thread_local! {
    /// Of this thread's worker. A request stays on the thread that took it.
    static IN_FLIGHT: Cell<usize> = const { Cell::new(0) };
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct InFlight(());

impl InFlight {
    /// Counts a request; `None` if there are too many.
    pub(crate) fn begin() -> Option<Self> {
        let count = IN_FLIGHT.get();
        (count < MOST).then(|| {
            IN_FLIGHT.set(count + 1);
            Self(())
        })
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        IN_FLIGHT.set(IN_FLIGHT.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_makes_room() {
        let mut all: Vec<_> = (0..MOST).map(|_| InFlight::begin().unwrap()).collect();
        assert!(InFlight::begin().is_none());
        all.pop();
        assert!(InFlight::begin().is_some());
    }
}
