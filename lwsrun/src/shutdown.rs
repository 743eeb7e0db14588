//! Drain: everything that lives as long as a connection learns of the end, and the end waits for it.
//!
//! One [`Drain`] reaches every connection and websocket session. Whoever holds one keeps the drain from being
//! complete; whoever awaits [`Drain::begun`] learns that it is time to finish.
//!
//! SIGTERM and SIGINT begin it. It has a deadline, and a second signal ends it at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// The handle that a connection or session holds while it lives. Cheap to clone, works across runtimes.
#[derive(Debug, Clone)]
pub(crate) struct Drain {
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
    pub(crate) async fn begun(&self) {
        let mut begun = self.begun.clone();
        // An error says that the control is gone, which is the end as well.
        let _ = begun.wait_for(|begun| *begun).await;
    }

    /// Whether the drain has begun. Costs one load of an atomic.
    #[must_use]
    pub(crate) fn has_begun(&self) -> bool {
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

/// The signals that this process listens to.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Begins to listen, so that none of them ends the process any more. Needs a runtime.
    ///
    /// # Errors
    /// If a handler cannot be set.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal that asks for the end, and gives its name.
    pub(crate) async fn end(&mut self) -> &'static str {
        loop {
            tokio::select! {
                Some(()) = self.terminate.recv() => return "SIGTERM",
                Some(()) = self.interrupt.recv() => return "SIGINT",
                Some(()) = self.hang_up.recv() => tracing::warn!(
                    "SIGHUP: this version cannot take a new plan while it runs; restart it for that. Going on"
                ),
            }
        }
    }
}
