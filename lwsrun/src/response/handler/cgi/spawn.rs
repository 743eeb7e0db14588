//! Starts a program: which descriptors it has, and what is said if it cannot be started.

use std::ffi::{CStr, CString, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::io::Errno;
use rustix::process::Pid;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

use super::environment::Variables;
use super::program::Program;
use super::vfork::{self, Image, Step};
use crate::response::error::Refusal;
use crate::response::fault::Fault;

/// A program that is to be started, with all that belongs to it.
#[derive(Debug)]
pub(super) struct Start {
    path: CString,
    environment: Vec<CString>,
    root: Option<CString>,
    folder: CString,
    has_content: bool,
}

/// A program that runs, and the other ends of its streams.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) pid: Pid,
    /// Its standard input, if it has content to read.
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

/// Why a program cannot be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpawnError {
    step: Step,
    errno: Errno,
}

impl Start {
    /// With `has_content` its standard input is a pipe, else it ends at once.
    ///
    /// # Errors
    /// If a text has a zero byte, which no program can be told.
    pub(super) fn new(
        program: &Program<'_>,
        environment: Variables,
        has_content: bool,
    ) -> Result<Self, Fault> {
        let variable = |(name, value): (OsString, OsString)| {
            let mut text = name.into_vec();
            text.reserve_exact(value.len() + 2);
            text.push(b'=');
            text.extend_from_slice(value.as_bytes());
            CString::new(text)
        };
        let zero = |_| {
            let words = format!("`{}` cannot be told of a zero byte", program.path.display());
            Fault::new(Refusal::BadGateway, words)
        };
        Ok(Self {
            path: CString::new(program.path.as_os_str().as_bytes()).map_err(zero)?,
            environment: environment.into_iter().map(variable).collect::<Result<_, _>>().map_err(zero)?,
            root: program.chroot.cloned(),
            folder: program.folder.clone(),
            has_content,
        })
    }

    /// Starts it, and takes as long as the system needs to execute it. To be called where there is a runtime.
    ///
    /// # Errors
    /// If the system cannot start it.
    pub(super) fn run(&self) -> Result<Started, SpawnError> {
        let failed = |error: io::Error| SpawnError {
            step: Step::Streams,
            errno: Errno::from_io_error(&error).unwrap_or(Errno::IO),
        };
        let (input, stdin) = self.input().map_err(failed)?;
        let (reader, output) = io::pipe().map_err(failed)?;
        let stdout = ChildStdout::from_std(OwnedFd::from(reader).into()).map_err(failed)?;
        let (reader, errors) = io::pipe().map_err(failed)?;
        let stderr = ChildStderr::from_std(OwnedFd::from(reader).into()).map_err(failed)?;
        let environment: Vec<&CStr> = self.environment.iter().map(CString::as_c_str).collect();
        let image = Image {
            path: &self.path,
            environment: &environment,
            streams: [input.as_fd(), output.as_fd(), errors.as_fd()],
            root: self.root.as_deref(),
            folder: &self.folder,
        };
        let pid = vfork::start(&image).map_err(|(step, errno)| SpawnError { step, errno })?;
        Ok(Started { pid, stdin, stdout, stderr })
    }

    /// Its standard input, and the other end if it has content.
    fn input(&self) -> io::Result<(OwnedFd, Option<ChildStdin>)> {
        if !self.has_content {
            return Ok((File::open("/dev/null")?.into(), None));
        }
        let (input, writer) = io::pipe()?;
        Ok((input.into(), Some(ChildStdin::from_std(OwnedFd::from(writer).into())?)))
    }
}

impl SpawnError {
    /// What is answered: the server may have too little of something for the moment, or the program is wrong.
    pub(super) fn refusal(self) -> Refusal {
        match self.errno {
            Errno::AGAIN | Errno::BUSY | Errno::TXTBSY | Errno::MFILE | Errno::NFILE | Errno::NOMEM => {
                Refusal::Unavailable
            }
            _ => Refusal::BadGateway,
        }
    }

    /// What is wrong with which key, and what to do.
    pub(super) fn words(self, start: &Start) -> String {
        let (path, folder) = (start.path.to_string_lossy(), start.folder.to_string_lossy());
        let root = start.root.as_ref().map(|root| root.to_string_lossy());
        let error = io::Error::from(self.errno);
        match (self.step, root) {
            (Step::Root, Some(root)) => {
                let hint = if self.errno == Errno::PERM {
                    "; the server has to run as root, or with CAP_SYS_CHROOT"
                } else {
                    ""
                };
                format!("`{path}` cannot have `{root}` (`cgi-chroot`) as its root: {error}{hint}")
            }
            (Step::Folder, Some(root)) => {
                format!(
                    "`{path}` cannot have `{folder}` inside `{root}` as its folder (`cgi-chdir`): {error}"
                )
            }
            (Step::Folder, None) => {
                format!("`{path}` cannot have `{folder}` as its folder (`cgi-chdir`): {error}")
            }
            (Step::Fork, _) => format!("there cannot be another process, to run `{path}`: {error}"),
            (Step::Streams, _) => format!("`{path}` cannot have its streams (pipes, and /dev/null): {error}"),
            _ => format!("`{path}` cannot be started in `{folder}`: {error}"),
        }
    }
}

/// Keeps the descriptors that this process was started with from programs: all that it opens itself are closed on exec
/// anyway.
#[allow(unsafe_code, reason = "no crate at hand has this call")]
pub(crate) fn keep_inherited_descriptors() {
    const CLOSE_ON_EXEC: nix::libc::c_uint = 4;
    // SAFETY: a system call with three numbers; with this flag it closes nothing and only marks what is open.
    let done =
        unsafe { nix::libc::syscall(nix::libc::SYS_close_range, 3, nix::libc::c_uint::MAX, CLOSE_ON_EXEC) };
    if done != 0 {
        let error = io::Error::last_os_error();
        tracing::debug!("descriptors that were inherited cannot be kept from programs: {error}");
    }
}

/// Has the kernel keep programs that have ended until they are waited for. Who starts this process may have told it to forget
/// them (SIGCHLD ignored, which lasts beyond exec), and then the number of one could be another's when its group is killed.
#[allow(unsafe_code, reason = "to change what a signal does is unsafe, since a handler may do anything")]
pub(crate) fn keep_ended_programs() {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: no handler is set.
    if let Err(error) = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) } {
        tracing::debug!("ended programs may be forgotten: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_for_the_moment_is_not_the_programs_fault() {
        let refusal = |errno| SpawnError { step: Step::Program, errno }.refusal();
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::AGAIN, Errno::TXTBSY] {
            assert_eq!(refusal(errno), Refusal::Unavailable, "{errno}");
        }
        for errno in [Errno::NOENT, Errno::ACCESS, Errno::NOEXEC, Errno::TOOBIG, Errno::LOOP] {
            assert_eq!(refusal(errno), Refusal::BadGateway, "{errno}");
        }
    }
}
