//! Files that stay open between requests: those that are worth to be sent by their descriptors, and not so large that
//! opening them is nothing beside sending them. Their number is bounded, since descriptors are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::body::SENT;
use super::resolve::Opened;

/// The most files that stay open. The limit of open files leaves a quarter for files, see `boot/workers.rs`.
const MOST: usize = 256;

/// The largest file that stays open, in bytes: one that was removed keeps its place on the disk meanwhile.
const LARGEST: u64 = 16 << 20;

static OPEN: AtomicUsize = AtomicUsize::new(0);

/// A file that stays open.
#[derive(Debug)]
pub(super) struct Kept {
    opened: Arc<Opened>,
}

impl Kept {
    /// Keeps a file open, if it is worth it and there is a place.
    pub(super) fn new(opened: &Arc<Opened>) -> Option<Self> {
        if opened.identity.size <= SENT || opened.identity.size > LARGEST {
            return None;
        }
        let take = |open| (open < MOST).then_some(open + 1);
        OPEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        Some(Self { opened: Arc::clone(opened) })
    }

    /// The file, whatever became of it meanwhile.
    pub(super) fn opened(&self) -> &Arc<Opened> {
        &self.opened
    }

    /// The file, if nobody has touched it meanwhile.
    pub(super) fn unless_changed(&self) -> Option<&Arc<Opened>> {
        (self.opened.identity_now().ok()? == self.opened.identity).then_some(&self.opened)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}
