//! A program that runs. Whoever drops it before it has ended kills all of its process group, and it is always reaped.

use std::io::ErrorKind;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child as Process, ChildStdout};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::environment::Variables;
use super::feed::Input;
use super::program::Program;
use super::running::Counted;
use super::spawn::spawn;
use super::stderr::{self, Followed};
use crate::response::complaints::Complaints;
use crate::response::error::Refusal;
use crate::response::fault::Fault;

/// A program, which is killed unless it has [ended](Child::has_ended).
#[derive(Debug)]
pub(super) struct Child {
    /// `None` once it was reaped.
    process: Option<Process>,
    group: Arc<Group>,
    /// `None` once it was reaped.
    lives: Option<Lives>,
}

/// What lasts as long as a program.
#[derive(Debug)]
struct Lives {
    _counted: Counted,
    _stderr: Option<Followed>,
}

/// The process group of a program.
#[derive(Debug)]
pub(super) struct Group {
    id: Option<Pid>,
    /// The program was reaped, so the number may become that of others.
    reaped: AtomicBool,
}

impl Group {
    /// Kills all of it.
    pub(super) fn kill(&self) {
        if let (Some(id), false) = (self.id, self.reaped.load(Ordering::Relaxed)) {
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

impl Child {
    /// Starts a program, and has its standard error told.
    ///
    /// # Errors
    /// What is answered if it cannot be started.
    pub(super) fn start(
        program: &Program<'_>,
        environment: &Variables,
        has_content: bool,
        counted: Counted,
        complaints: &Arc<Complaints>,
    ) -> Result<Self, Fault> {
        let mut process = spawn(program, environment, has_content).map_err(|error| {
            let refusal = match error.error().kind() {
                ErrorKind::OutOfMemory | ErrorKind::WouldBlock | ErrorKind::ResourceBusy => {
                    Refusal::Unavailable
                }
                _ if error.error().raw_os_error().is_some_and(|number| NO_FILE.contains(&number)) => {
                    Refusal::Unavailable
                }
                _ => Refusal::BadGateway,
            };
            Fault::new(refusal, error.words(program))
        })?;
        let stderr = process.stderr.take().map(|stderr| stderr::follow(stderr, complaints, counted.clone()));
        let lives = Lives { _counted: counted, _stderr: stderr };
        let id = process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let group = Arc::new(Group { id, reaped: AtomicBool::new(false) });
        Ok(Self { process: Some(process), group, lives: Some(lives) })
    }

    /// Its standard input, if it has content to read.
    pub(super) fn input(&mut self) -> Option<Input> {
        let stdin = self.process.as_mut()?.stdin.take()?;
        Some(Input::new(stdin, Arc::clone(&self.group)))
    }

    /// Its standard output.
    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.process.as_mut()?.stdout.take()
    }

    /// How it has ended, if it does so within `patience`.
    pub(super) async fn status(&mut self, patience: Duration) -> Option<ExitStatus> {
        let status = timeout(patience, self.process.as_mut()?.wait()).await.ok()?.ok()?;
        self.reaped();
        Some(status)
    }

    /// Whether it has ended by now.
    pub(super) fn has_ended(&mut self) -> bool {
        let Some(process) = &mut self.process else { return true };
        let ended = matches!(process.try_wait(), Ok(Some(_)));
        if ended {
            self.reaped();
        }
        ended
    }

    fn reaped(&mut self) {
        self.group.reaped.store(true, Ordering::Relaxed);
        (self.process, self.lives) = (None, None);
    }
}

/// Too many open files, of the process or of the system: they have no kinds of their own.
const NO_FILE: [i32; 2] = [Errno::MFILE.raw_os_error(), Errno::NFILE.raw_os_error()];

impl Drop for Child {
    fn drop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        self.group.kill();
        let (group, lives) = (Arc::clone(&self.group), self.lives.take());
        // Without a runtime the process is ending, and init reaps.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let _ = process.wait().await;
                group.reaped.store(true, Ordering::Relaxed);
                drop(lives);
            });
        }
    }
}
