//! Starts a program: `posix_spawn`, which borrows the server's memory until the program runs instead of copying its
//! tables. With `cgi-chroot` it is a fork, since `posix_spawn` knows no new root.
//!
//! A program has descriptors 0, 1 and 2, a process group of its own, no signal blocked, and SIGPIPE as usual.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::io::Errno;
use tokio::process::Child;

use super::environment::Variables;
use super::program::Program;

/// Why a program cannot be started.
#[derive(Debug)]
pub(super) enum SpawnError {
    /// `cgi-chroot` cannot become its root.
    Root(io::Error),
    /// `cgi-chdir` cannot become its folder, seen from that root.
    Folder(io::Error),
    /// The rest, and all of it where there is no `cgi-chroot`.
    Program(io::Error),
}

/// The step that failed in a child, in the number of its error, which is all that comes from there: Linux has no error
/// above 4095.
const STEP: i32 = 1 << 16;
const ROOT: i32 = STEP;
const FOLDER: i32 = STEP * 2;

impl SpawnError {
    fn of(error: io::Error) -> Self {
        let number = error.raw_os_error().unwrap_or_default();
        let plain = io::Error::from_raw_os_error(number % STEP);
        match number - number % STEP {
            ROOT => Self::Root(plain),
            FOLDER => Self::Folder(plain),
            _ => Self::Program(error),
        }
    }

    /// What the system says.
    pub(super) fn error(&self) -> &io::Error {
        match self {
            Self::Root(error) | Self::Folder(error) | Self::Program(error) => error,
        }
    }

    /// What is wrong with which key, and what to do.
    pub(super) fn words(&self, program: &Program<'_>) -> String {
        let (path, folder) = (program.path.display(), program.folder.to_string_lossy());
        let root = program.chroot.map(|root| root.to_string_lossy()).unwrap_or_default();
        match self {
            Self::Root(error) if error.kind() == io::ErrorKind::PermissionDenied => format!(
                "`{path}` cannot have `{root}` (`cgi-chroot`) as its root: {error}; the server has to run as root, or with \
                 CAP_SYS_CHROOT"
            ),
            Self::Root(error) => format!("`{path}` cannot have `{root}` (`cgi-chroot`) as its root: {error}"),
            Self::Folder(error) => {
                format!(
                    "`{path}` cannot have `{folder}` inside `{root}` as its folder (`cgi-chdir`): {error}"
                )
            }
            Self::Program(error) => format!("`{path}` cannot be started in `{folder}`: {error}"),
        }
    }
}

/// Starts a program; with `has_content` its standard input is a pipe, else it ends at once.
///
/// # Errors
/// If the system cannot start it.
pub(super) fn spawn(
    program: &Program<'_>,
    environment: &Variables,
    has_content: bool,
) -> Result<Child, SpawnError> {
    let mut command = Command::new(&program.path);
    command
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(if has_content { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    match program.chroot {
        Some(_) => in_new_root(&mut command, program),
        None => {
            command.current_dir(OsStr::from_bytes(program.folder.as_bytes()));
        }
    }
    tokio::process::Command::from(command).spawn().map_err(SpawnError::of)
}

/// Has the child change its root, and then its folder.
#[allow(unsafe_code, reason = "`pre_exec` is unsafe, since little may be done between fork and exec")]
fn in_new_root(command: &mut Command, program: &Program<'_>) {
    let (root, folder) = (program.chroot.cloned().unwrap_or_default(), program.folder.clone());
    let failed = |step: i32| move |error: Errno| io::Error::from_raw_os_error(step + error.raw_os_error());
    let change = move || {
        rustix::process::chroot(root.as_c_str()).map_err(failed(ROOT))?;
        rustix::process::chdir(c"/").map_err(failed(ROOT))?;
        rustix::process::chdir(folder.as_c_str()).map_err(failed(FOLDER))
    };
    // SAFETY: the closure runs in the forked child, where only async-signal-safe things may be done. It makes three
    // system calls with texts that exist already: no allocation, no lock, no unwinding.
    unsafe {
        command.pre_exec(change);
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
