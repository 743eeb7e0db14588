//! How many programs run, and may run: all mounts together.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::counts::{Alive, Programs};

/// The most programs at once, where neither `limit-cgi-programs` nor the limit of open files says less.
const MOST: u32 = 512;

/// How long a request waits for a program to end: the answer of the last one is often out before that one has.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many programs may still be started.
#[derive(Debug)]
pub(crate) struct Running {
    places: Arc<Semaphore>,
    counts: Arc<Programs>,
}

/// A program that is counted, for as long as any clone of this lives. One that is started in place of another, by a path that
/// it named, counts as that one.
#[derive(Debug, Clone)]
pub(super) struct Counted(Arc<Place>);

#[derive(Debug)]
struct Place {
    _permit: OwnedSemaphorePermit,
    counts: Arc<Programs>,
}

impl Running {
    /// With `limit-cgi-programs`, and how many the limit of open files has room for.
    pub(crate) fn new(limit: Option<u32>, room: u32, counts: Arc<Programs>) -> Arc<Self> {
        let most = limit.unwrap_or(MOST.min(room));
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Arc::new(Self { places: Arc::new(Semaphore::new(most)), counts })
    }

    /// Counts one more, as soon as there may be. `None` if that takes too long.
    pub(super) async fn begin(&self) -> Option<Counted> {
        let permit = timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await.ok()?.ok()?;
        Some(Counted(Arc::new(Place { _permit: permit, counts: Arc::clone(&self.counts) })))
    }
}

impl Counted {
    /// A program runs that it counts: it is told of for as long as the result lives.
    pub(super) fn started(&self) -> Alive {
        Alive::new(Arc::clone(&self.0.counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn programs_are_counted_until_they_end() {
        let running = Running::new(Some(2), 1, Arc::default());
        let (first, _second) = (running.begin().await.unwrap(), running.begin().await.unwrap());
        let as_well = first.clone();
        drop(first);
        assert!(running.begin().await.is_none());
        let ends = async {
            tokio::time::sleep(PATIENCE / 2).await;
            drop(as_well);
        };
        let (next, ()) = tokio::join!(running.begin(), ends);
        assert!(next.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn few_open_files_are_few_programs() {
        let running = Running::new(None, 1, Arc::default());
        let _first = running.begin().await.unwrap();
        assert!(running.begin().await.is_none());
    }
}
