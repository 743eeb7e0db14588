//! A program that runs. Whoever drops it before it has ended kills all of its process group, and it is always reaped.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process_group, pidfd_open, waitpid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::feed::Input;
use super::running::Counted;
use super::spawn::{Start, Started};
use super::stderr::{self, Followed};
use crate::counts::Alive;
use crate::response::complaints::Complaints;
use crate::response::error::Refusal;
use crate::response::fault::Fault;

/// How often a program is looked after that cannot be waited for: no descriptor is left.
const LOOK: Duration = Duration::from_millis(10);

/// A program, which is killed unless it has [ended](Child::has_ended).
#[derive(Debug)]
pub(super) struct Child {
    group: Arc<Group>,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    /// `None` once it was reaped.
    lives: Option<Lives>,
}

/// What lasts as long as a program.
#[derive(Debug)]
struct Lives {
    _counted: Counted,
    _alive: Alive,
    _stderr: Followed,
}

/// The process group of a program, whose number is that of the program.
#[derive(Debug)]
pub(super) struct Group {
    id: Pid,
    /// The program was reaped, so the number may become that of others.
    reaped: AtomicBool,
}

impl Group {
    /// Kills all of it.
    pub(super) fn kill(&self) {
        if !self.reaped.load(Ordering::Relaxed) {
            let _ = kill_process_group(self.id, Signal::KILL);
        }
    }

    /// How the program has ended, if it has by now; then it is reaped.
    fn reap(&self) -> Option<ExitStatus> {
        // An error says that somebody else has reaped it. How it has ended is not known then: not well.
        let status = match waitpid(Some(self.id), WaitOptions::NOHANG) {
            Ok(None) => return None,
            Ok(Some((_, status))) => ExitStatus::from_raw(status.as_raw()),
            Err(_) => ExitStatus::from_raw(UNKNOWN),
        };
        self.reaped.store(true, Ordering::Relaxed);
        Some(status)
    }

    /// Waits for the end of the program, and reaps it.
    async fn end(&self) -> ExitStatus {
        // Mostly it has ended by now.
        match self.reap() {
            Some(status) => status,
            None => self.end_of(pidfd_open(self.id, PidfdFlags::NONBLOCK).ok().and_then(watched)).await,
        }
    }

    /// The same for one that is watched, if there was a descriptor for that.
    async fn end_of(&self, process: Option<AsyncFd<OwnedFd>>) -> ExitStatus {
        loop {
            match &process {
                Some(process) => ended(process).await,
                None => sleep(LOOK).await,
            }
            if let Some(status) = self.reap() {
                return status;
            }
        }
    }
}

/// Has the runtime look after a process.
#[allow(unsafe_code, reason = "the runtime wants a promise about descriptors")]
fn watched(process: OwnedFd) -> Option<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open, gives the same descriptor each time, and moves in for as long as it is watched.
    unsafe { AsyncFd::register_with_interest(process, Interest::READABLE) }.ok()
}

/// The raw status of a program that exits with 255.
const UNKNOWN: i32 = 255 << 8;

/// Waits until a process may have ended.
async fn ended(process: &AsyncFd<OwnedFd>) {
    match process.readable().await {
        Ok(mut ready) => ready.clear_ready(),
        // The runtime is ending.
        Err(_) => sleep(LOOK).await,
    }
}

impl Child {
    /// Starts a program, and has its standard error told.
    ///
    /// # Errors
    /// What is answered if it cannot be started.
    pub(super) async fn start(
        start: Start,
        counted: Counted,
        complaints: &Arc<Complaints>,
    ) -> Result<Self, Fault> {
        let complaints = Arc::clone(complaints);
        // The thread that starts it stands still until it runs, so that is not the one that serves. If nobody waits for it any
        // more once it runs, it is killed.
        let started = move || {
            let started = start.run().map_err(|error| Fault::new(error.refusal(), error.words(&start)))?;
            Ok(Self::new(started, counted, &complaints))
        };
        match tokio::task::spawn_blocking(started).await {
            Ok(started) => started,
            Err(error) => Err(Fault::new(Refusal::Unavailable, error.to_string())),
        }
    }

    fn new(started: Started, counted: Counted, complaints: &Arc<Complaints>) -> Self {
        let Started { pid, stdin, stdout, stderr } = started;
        let group = Group { id: pid, reaped: AtomicBool::new(false) };
        let alive = counted.started();
        let stderr = stderr::follow(stderr, complaints, counted.clone());
        let lives = Lives { _counted: counted, _alive: alive, _stderr: stderr };
        Self { group: Arc::new(group), stdin, stdout: Some(stdout), lives: Some(lives) }
    }

    /// Its standard input, if it has content to read.
    pub(super) fn input(&mut self) -> Option<Input> {
        Some(Input::new(self.stdin.take()?, Arc::clone(&self.group)))
    }

    /// Its standard output.
    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// How it has ended, if it does so within `patience`.
    pub(super) async fn status(&mut self, patience: Duration) -> Option<ExitStatus> {
        self.lives.as_ref()?;
        let status = timeout(patience, self.group.end()).await.ok()?;
        self.lives = None;
        Some(status)
    }

    /// Whether it has ended by now.
    pub(super) fn has_ended(&mut self) -> bool {
        if self.lives.is_some() && self.group.reap().is_some() {
            self.lives = None;
        }
        self.lives.is_none()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let Some(lives) = self.lives.take() else { return };
        self.group.kill();
        let group = Arc::clone(&self.group);
        // Without a runtime the process is ending, and init reaps.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                group.end().await;
                drop(lives);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::super::vfork::{self, Image};
    use super::*;

    #[tokio::test]
    async fn the_end_is_seen_with_and_without_a_descriptor() {
        for is_watched in [true, false] {
            let (input, writer) = std::io::pipe().unwrap();
            let null = std::fs::File::options().write(true).open("/dev/null").unwrap();
            let streams = [input.as_fd(), null.as_fd(), null.as_fd()];
            let image = Image { path: c"/bin/cat", environment: &[], streams, root: None, folder: c"/" };
            let group = Group { id: vfork::start(&image).unwrap(), reaped: AtomicBool::new(false) };
            assert_eq!(group.reap(), None, "it reads");
            let process =
                is_watched.then(|| watched(pidfd_open(group.id, PidfdFlags::NONBLOCK).unwrap()).unwrap());
            drop(writer);
            assert!(group.end_of(process).await.success());
            assert!(group.reaped.load(Ordering::Relaxed));
        }
    }
}
