//! Connections that are being opened, for requests that one of them may carry as well.

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use super::{Pool, with};
use crate::response::handler::proxy::fault::Fault;
use crate::response::handler::proxy::origin::Origin;

/// A connection that is being opened. The pool has a clone, whoever opens it another, and each request that waits for it.
#[derive(Debug, Default)]
pub(super) struct Connecting {
    over: Notify,
    fault: OnceLock<Arc<Fault>>,
}

/// Has whoever waits go on when the connection is open, or does not open, or whoever opens it gives up.
pub(super) struct Opening {
    origin: u64,
    connecting: Arc<Connecting>,
}

impl Connecting {
    /// Waits until it is over. It takes no longer than opening a connection may.
    ///
    /// # Errors
    /// What is wrong with the upstream: to ask it once more for each that waits would take as long for each.
    pub(super) async fn over(self: Arc<Self>) -> Result<(), Fault> {
        self.over.notified().await;
        self.fault.get().map_or(Ok(()), |fault| Err(Fault::Shared(Arc::clone(fault))))
    }
}

impl Opening {
    pub(super) fn new(origin: &Origin) -> Self {
        let connecting = Arc::new(Connecting::default());
        let clone = Arc::clone(&connecting);
        with(|pools| pools.by_origin.entry(origin.id()).or_default().connecting.push(clone));
        Self { origin: origin.id(), connecting }
    }

    /// The connection does not open: all who wait for it are told.
    pub(super) fn failed(self, fault: Fault) -> Fault {
        let fault = Arc::new(fault);
        let _ = self.connecting.fault.set(Arc::clone(&fault));
        Fault::Shared(fault)
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        with(|pools| {
            if let Some(pool) = pools.by_origin.get_mut(&self.origin) {
                pool.connecting.retain(|connecting| !Arc::ptr_eq(connecting, &self.connecting));
            }
        });
        self.connecting.over.notify_waiters();
    }
}

/// A connection that is being opened and may carry one request more, if it becomes one for as many as are expected.
pub(super) fn under_way(pool: &Pool, share: usize) -> Option<Arc<Connecting>> {
    // With the clones of the pool and of whoever opens it, whose own request it carries too.
    pool.connecting.iter().find(|connecting| Arc::strong_count(connecting) <= share).cloned()
}
