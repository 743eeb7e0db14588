//! The worker threads: each a single-threaded runtime with sockets of its own.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use schemas::plan::Plan;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use super::limits::RESERVED_FILES;
use super::sockets::Bound;
use crate::connection::listen::accepting;
use crate::connection::{Serving, trim};

/// How long the end of the workers is waited for.
const END: Duration = Duration::from_secs(1);

/// How long a thread for what waits is kept without any.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How long a worker's other threads are waited for.
const LAST_STARTS: Duration = Duration::from_millis(250);

/// Fewest connections that a worker takes, however low the limit of open files.
const MIN_CONNECTIONS: u64 = 16;

/// How many workers a plan asks for: `count-threads`, else one for each core.
pub(crate) fn count(plan: &Plan) -> usize {
    match plan.global().count_threads {
        Some(count) => usize::from(count),
        None => thread::available_parallelism().map_or(1, usize::from),
    }
}

/// All workers, running.
#[derive(Debug)]
pub(crate) struct Workers {
    exit: watch::Sender<bool>,
    ended: mpsc::UnboundedReceiver<Ended>,
    late: Vec<mpsc::UnboundedSender<Vec<Bound>>>,
}

/// A worker that is no more, or never was.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its number, from 0.
    pub(crate) worker: usize,
    /// Why.
    pub(crate) reason: String,
}

impl Workers {
    /// Starts a worker for each list of sockets. `open_files` is the process's limit, of which connections get
    /// three quarters: the rest is for the files that they are answered from.
    ///
    /// # Errors
    /// If a thread or its runtime cannot be made.
    pub(crate) fn start(sockets: Vec<Vec<Bound>>, serving: &Serving, open_files: u64) -> io::Result<Self> {
        let (exit, exited) = watch::channel(false);
        let (report, ended) = mpsc::unbounded_channel();
        let slots = connections(open_files, sockets.len());
        let mut late = Vec::with_capacity(sockets.len());
        tracing::debug!("each worker takes {slots} connections");
        for (number, sockets) in sockets.into_iter().enumerate() {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .thread_keep_alive(KEEP_ALIVE)
                .build()?;
            let (to_thread, runtimes) = std::sync::mpsc::sync_channel::<Runtime>(1);
            let (serving, exited) = (serving.clone(), exited.clone());
            let (to, more) = mpsc::unbounded_channel();
            late.push(to);
            let report = Report { worker: number, to: report.clone(), reason: "it panicked".to_owned() };
            let spawned = thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
                let Ok(runtime) = runtimes.recv() else { return };
                let mut report = report;
                let slots = Arc::new(Semaphore::new(slots));
                report.reason = match room_for_a_thread() {
                    Ok(()) => runtime.block_on(work(sockets, Late { serving, more }, slots, exited)),
                    Err(error) => format!("it cannot have a thread for what waits: {error}"),
                };
                // A CGI program that is just being started is killed once it runs. Reads that wait for a disk must not hold
                // the thread for long.
                runtime.shutdown_timeout(LAST_STARTS);
            });
            if let Err(error) = spawned {
                // To drop it here, inside another one, would be a panic.
                runtime.shutdown_background();
                return Err(error);
            }
            // The thread waits for it.
            let _ = to_thread.send(runtime);
        }
        Ok(Self { exit, ended, late })
    }

    /// Where sockets that come late are sent, for each worker. Asked for once; without it no more can come.
    pub(crate) fn late(&mut self) -> Vec<mpsc::UnboundedSender<Vec<Bound>>> {
        std::mem::take(&mut self.late)
    }

    /// Waits for a worker to end, which none should.
    pub(crate) async fn ended(&mut self) -> Ended {
        let nothing = || Ended { worker: 0, reason: "all are gone".to_owned() };
        self.ended.recv().await.unwrap_or_else(nothing)
    }

    /// Lets all workers end, and drops what they still serve. Waits for them, but not long.
    pub(crate) async fn stop(mut self) {
        self.exit.send_replace(true);
        // None: all have reported their end, and are gone.
        let gone = async { while self.ended.recv().await.is_some() {} };
        if tokio::time::timeout(END, gone).await.is_err() {
            tracing::debug!("some workers did not end in time");
        }
    }
}

/// Whether there may be one more thread now.
fn room_for_a_thread() -> io::Result<()> {
    let thread = thread::Builder::new().spawn(|| ())?;
    thread.join().map_err(|_| io::Error::other("it panicked"))
}

/// Keeps a thread for what waits, such as reads of a disk and starts of programs. The runtime panics that needs its first one
/// and cannot have it, when the limit of processes leaves no room; one that is there takes the work in turn.
async fn keep_a_thread() {
    while tokio::task::spawn_blocking(|| ()).await.is_ok() {
        tokio::time::sleep(KEEP_ALIVE / 2).await;
    }
}

/// Sockets that come late, and what their connections need.
struct Late {
    serving: Serving,
    more: mpsc::UnboundedReceiver<Vec<Bound>>,
}

impl Late {
    /// The next sockets; `None` if no more can come, or nobody will be served any more.
    async fn next(&mut self) -> Option<Vec<Bound>> {
        let drain = self.serving.drain();
        tokio::select! {
            () = drain.begun() => None,
            more = self.more.recv() => more,
        }
    }
}

/// Accepts on all sockets of a worker until it may exit. Gives the reason of its end.
async fn work(
    sockets: Vec<Bound>,
    late: Late,
    slots: Arc<Semaphore>,
    mut exited: watch::Receiver<bool>,
) -> String {
    tokio::spawn(keep_a_thread());
    tokio::spawn(trim::look_after());
    let mut loops = JoinSet::new();
    let mut sockets = sockets;
    let mut late = Some(late);
    loop {
        if let Some(Late { serving, .. }) = &late {
            for bound in sockets.drain(..) {
                match accepting(bound, serving.clone(), Arc::clone(&slots)) {
                    Ok(accepting) => loops.spawn(accepting),
                    Err(error) => return format!("its runtime cannot take a socket: {error}"),
                };
            }
        }
        tokio::select! {
            _ = exited.wait_for(|exited| *exited) => return "it was told to".to_owned(),
            Some(ended) = loops.join_next() => if let Err(error) = ended {
                return format!("a loop that accepts connections failed: {error}");
            },
            more = next(&mut late) => match more {
                Some(more) => sockets = more,
                // What is left holds the drain open only as long as there are connections.
                None => late = None,
            }
        }
    }
}

/// [`Late::next`], which ends never where there is none.
async fn next(late: &mut Option<Late>) -> Option<Vec<Bound>> {
    match late {
        Some(late) => late.next().await,
        None => std::future::pending().await,
    }
}

/// Connections of each worker.
fn connections(open_files: u64, workers: usize) -> usize {
    let workers = u64::try_from(workers).unwrap_or(u64::MAX).max(1);
    let share = open_files.saturating_sub(RESERVED_FILES) / 4 * 3 / workers;
    usize::try_from(share.max(MIN_CONNECTIONS)).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS)
}

/// Says that a worker has ended, also when it panics.
struct Report {
    worker: usize,
    to: mpsc::UnboundedSender<Ended>,
    reason: String,
}

impl Drop for Report {
    fn drop(&mut self) {
        let reason = std::mem::take(&mut self.reason);
        // Nobody listens any more once the process is ending.
        let _ = self.to.send(Ended { worker: self.worker, reason });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_rest() {
        assert_eq!(connections(1064, 2), 375);
        assert_eq!(connections(10, 8), 16);
        assert_eq!(connections(u64::MAX, 1), Semaphore::MAX_PERMITS);
    }
}
