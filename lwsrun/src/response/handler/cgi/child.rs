//! A program that runs. Whoever drops it before it has ended kills all of its process group, and it is always reaped.

use std::io::ErrorKind;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child as Process, ChildStdin, ChildStdout};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::Counted;
use super::environment::Variables;
use super::program::Program;
use super::spawn::spawn;
use super::stderr;
use crate::response::complaints::Complaints;
use crate::response::error::Refusal;
use crate::response::fault::Fault;

/// A program, which is killed unless it is [let go](Child::ends).
#[derive(Debug)]
pub(super) struct Child {
    /// `None` once somebody else waits for it.
    process: Option<Process>,
    group: Option<Pid>,
    counted: Option<Counted>,
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
            let (path, folder) = (program.path.display(), program.folder.to_string_lossy());
            let refusal = match error.kind() {
                ErrorKind::OutOfMemory | ErrorKind::WouldBlock | ErrorKind::ResourceBusy => {
                    Refusal::Unavailable
                }
                _ if error.raw_os_error() == Some(EMFILE) => Refusal::Unavailable,
                _ => Refusal::BadGateway,
            };
            Fault::new(refusal, format!("`{path}` cannot be started in `{folder}`: {error}"))
        })?;
        if let Some(stderr) = process.stderr.take() {
            let complaints = Arc::clone(complaints);
            tokio::spawn(async move { stderr::follow(stderr, &complaints).await });
        }
        let group = process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Self { process: Some(process), group, counted: Some(counted) })
    }

    /// Its standard input, if it has content to read.
    pub(super) fn stdin(&mut self) -> Option<ChildStdin> {
        self.process.as_mut()?.stdin.take()
    }

    /// Its standard output.
    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.process.as_mut()?.stdout.take()
    }

    /// How it has ended, if it does so within `patience`.
    pub(super) async fn status(&mut self, patience: Duration) -> Option<ExitStatus> {
        let status = timeout(patience, self.process.as_mut()?.wait()).await.ok()?.ok()?;
        self.process = None;
        Some(status)
    }

    /// It has closed its output: lets it end by itself, for as long as `patience`.
    pub(super) fn ends(mut self, patience: Duration) {
        let (Some(mut process), counted) = (self.process.take(), self.counted.take()) else { return };
        // Mostly it has ended by now.
        if matches!(process.try_wait(), Ok(Some(_))) {
            return;
        }
        let rest = Self { process: Some(process), group: self.group, counted };
        tokio::spawn(rest.wait(patience));
    }

    async fn wait(mut self, patience: Duration) {
        let Some(process) = &mut self.process else { return };
        if timeout(patience, process.wait()).await.is_ok() {
            self.process = None;
        }
    }
}

/// Too many open files: it has no kind of its own.
const EMFILE: i32 = rustix::io::Errno::MFILE.raw_os_error();

impl Drop for Child {
    fn drop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // It was not waited for, so its number is still its own, and its group's.
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let counted = self.counted.take();
        // Without a runtime the process is ending, and init reaps.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let _ = process.wait().await;
                drop(counted);
            });
        }
    }
}
