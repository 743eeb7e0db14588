//! Drain: everything that lives as long as a connection learns of the end, and the end waits for it.
//!
//! One [`Drain`] reaches every connection and websocket session. Whoever holds one keeps the drain from being
//! complete; whoever awaits [`Drain::begun`] learns that it is time to finish.

use tokio::sync::{mpsc, watch};

/// The handle that a connection or session holds while it lives. Cheap to clone, works across runtimes.
#[derive(Debug, Clone)]
pub struct Drain {
    begun: watch::Receiver<bool>,
    _alive: mpsc::Sender<()>,
}

/// The other end: begins the drain and waits for it.
#[derive(Debug)]
pub(crate) struct DrainControl {
    begin: watch::Sender<bool>,
    handle: Drain,
    gone: mpsc::Receiver<()>,
}

impl Drain {
    /// Waits until the drain begins; at once if it has begun.
    pub async fn begun(&self) {
        let mut begun = self.begun.clone();
        // An error says that the control is gone, which is the end as well.
        let _ = begun.wait_for(|begun| *begun).await;
    }

    /// Whether the drain has begun. Costs one load of an atomic.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        // The only change that is ever made is the begin, and nobody marks it as seen in `self.begun`.
        !matches!(self.begun.has_changed(), Ok(false))
    }
}

impl DrainControl {
    pub(crate) fn new() -> Self {
        let (begin, begun) = watch::channel(false);
        let (alive, gone) = mpsc::channel(1);
        Self { begin, handle: Drain { begun, _alive: alive }, gone }
    }

    /// A handle for something that the drain waits for.
    pub(crate) fn handle(&self) -> Drain {
        self.handle.clone()
    }

    /// Begins the drain and waits until all handles are dropped.
    pub(crate) async fn drain(self) {
        let Self { begin, handle, mut gone } = self;
        begin.send_replace(true);
        drop(handle);
        // Nothing is ever sent: this ends when the last sender is gone.
        let _ = gone.recv().await;
    }
}
