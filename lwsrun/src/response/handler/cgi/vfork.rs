//! A process that runs a program: `clone` as `vfork` does it. The child borrows the memory of the server until the program
//! runs, and the thread that starts it stands still meanwhile, so nothing is copied and an error is told at once.
//!
//! `posix_spawn` does the same, but knows no new root, and asks for the handler of each signal before it resets it.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{null, null_mut};

use nix::libc;
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, waitpid};

/// What a process becomes.
pub(super) struct Image<'i> {
    pub(super) path: &'i CStr,
    /// Names and values, `NAME=VALUE`.
    pub(super) environment: &'i [&'i CStr],
    /// Descriptors 0, 1 and 2.
    pub(super) streams: [BorrowedFd<'i>; 3],
    /// What becomes its root.
    pub(super) root: Option<&'i CStr>,
    /// Its working folder, seen from that root.
    pub(super) folder: &'i CStr,
}

/// The step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There is no process.
    Fork,
    Streams,
    Root,
    Folder,
    /// The program cannot be executed.
    Program,
}

/// The stack of a child until its program runs, in units of 16 bytes: 64 KiB.
const STACK: usize = 4096;

/// The exit status of a child whose program does not run; nobody sees it.
const FAILED: c_int = 127;

/// What a script is for that does not say so in its first line, as the C library's `execvp` takes it, and lwsws.
const SHELL: &CStr = c"/bin/sh";

/// The highest number of a signal: the kernel has as many as a set of eight bytes holds.
const SIGNALS: c_int = 64;

/// More words than the kernel's form of a signal's action has.
const ACTION: usize = 8;

/// All that a child needs, made before there is one.
struct Child<'i> {
    image: &'i Image<'i>,
    /// Those of a script for the shell, and without the first of them those of the program. With a null pointer at the end, as
    /// are the variables.
    arguments: [*const c_char; 3],
    variables: Vec<*const c_char>,
    /// What the child says before it ends.
    failed: Option<(Step, Errno)>,
}

/// Runs a program in a new process: leader of a process group of its own, no signal blocked, none ignored and none handled.
/// Whoever calls this has to wait for its end.
///
/// # Errors
/// If a step fails; then there is no process.
pub(super) fn start(image: &Image<'_>) -> Result<Pid, (Step, Errno)> {
    let variables = image.environment.iter().map(|variable| variable.as_ptr()).chain([null()]).collect();
    let arguments = [SHELL.as_ptr(), image.path.as_ptr(), null()];
    let mut child = Child { image, arguments, variables, failed: None };
    let pid = with_signals_blocked(|| vfork(&mut child)).map_err(|errno| (Step::Fork, errno))?;
    match child.failed {
        None => Ok(pid),
        Some(failed) => {
            // It has ended, or is about to.
            while matches!(waitpid(Some(pid), WaitOptions::empty()), Err(Errno::INTR)) {}
            Err(failed)
        }
    }
}

/// The child must not run a handler of the server's: it would do so in the server's memory.
#[allow(unsafe_code, reason = "the mask of signals is the thread's, and no crate at hand sets all of it")]
fn with_signals_blocked<T>(work: impl FnOnce() -> T) -> T {
    let (mut all, mut before) = (MaybeUninit::<libc::sigset_t>::uninit(), MaybeUninit::uninit());
    // SAFETY: `sigfillset` initialises `all`, and the call then `before`; with these arguments neither can fail.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let done = work();
    // SAFETY: the call above has initialised `before`.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), null_mut());
    }
    done
}

#[allow(unsafe_code, reason = "a process that borrows memory")]
fn vfork(child: &mut Child<'_>) -> Result<Pid, Errno> {
    let mut stack = Box::<[u128]>::new_uninit_slice(STACK);
    let top = stack.as_mut_ptr_range().end;
    // SAFETY: `top` is the end of a stack that nobody else uses, aligned to 16 bytes, and the stack, `child` and all that it
    // borrows outlive the child's use of them: with CLONE_VFORK this thread stands still until the child has executed its
    // program or ended, and in both cases it has left this memory. `run` has the type that `clone` calls, gets the pointer
    // for which it is made, and never returns. Since the child has this thread's locals, and this thread stands still, the
    // child may set `errno`.
    let pid = unsafe {
        libc::clone(
            run,
            top.cast(),
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
            (&raw mut *child).cast::<c_void>(),
        )
    };
    Pid::from_raw(pid.max(0)).ok_or_else(last_error)
}

fn last_error() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::NOSYS)
}

/// What the child does: system calls only. It allocates nothing, takes no lock and does not unwind.
#[allow(unsafe_code, reason = "the child works on what its parent has made")]
extern "C" fn run(child: *mut c_void) -> c_int {
    // SAFETY: `vfork` gives a pointer to one, which nobody else uses as long as its thread stands still.
    let child = unsafe { &mut *child.cast::<Child<'_>>() };
    child.failed = Some(become_program(child));
    // SAFETY: the call that ends a process without running anything of it.
    unsafe { libc::_exit(FAILED) }
}

/// Gives only what has failed.
#[allow(unsafe_code, reason = "no crate at hand has these calls for a child that borrows memory")]
fn become_program(child: &Child<'_>) -> (Step, Errno) {
    let image = child.image;
    // The call of the C library would leave out two signals that it keeps for itself, even if they are ignored.
    let default = [0_u64; ACTION];
    for signal in 1..=SIGNALS {
        // SAFETY: it reads an action that lives in this frame: all zeros are SIG_DFL without flags. That two signals cannot be
        // set is no error.
        unsafe {
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), null::<u64>(), size_of::<u64>());
        }
    }
    if let Err(errno) = rustix::process::setpgid(None, None) {
        return (Step::Fork, errno);
    }
    for (number, stream) in (0..).zip(image.streams) {
        // SAFETY: a call with two numbers, on descriptors that belong to the child.
        if unsafe { libc::dup2(stream.as_raw_fd(), number) } < 0 {
            return (Step::Streams, last_error());
        }
    }
    // From here on a folder or a program on a slow file system may keep the child for long. It must not keep the server's
    // sockets and the pipes of other programs meanwhile. Only Linux before 5.9 does not know the call: there all but these
    // three are closed as the program begins.
    // SAFETY: a system call with three numbers, on descriptors that belong to the child: its table is a copy.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0);
    }
    if let Some(root) = image.root
        && let Err(errno) = rustix::process::chroot(root).and_then(|()| rustix::process::chdir(c"/"))
    {
        return (Step::Root, errno);
    }
    if let Err(errno) = rustix::process::chdir(image.folder) {
        return (Step::Folder, errno);
    }
    // SAFETY: `sigemptyset` initialises the set. Path, arguments and variables are texts with a zero at the end, in lists with
    // a null pointer at the end, and live as long as the parent's thread stands still.
    unsafe {
        let mut none = MaybeUninit::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, none.as_ptr(), null_mut());
        libc::execve(image.path.as_ptr(), child.arguments[1..].as_ptr(), child.variables.as_ptr());
        let errno = last_error();
        if errno == Errno::NOEXEC {
            libc::execve(SHELL.as_ptr(), child.arguments.as_ptr(), child.variables.as_ptr());
        }
        (Step::Program, errno)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::AsFd;

    use super::*;

    /// What `env` says in an environment of two variables, and how it ends.
    fn said(variable: &CStr, root: Option<&CStr>, folder: &CStr) -> Result<(String, i32), (Step, Errno)> {
        output(c"/usr/bin/env", &[c"A=b", variable], root, folder)
    }

    /// What a program says, and how it ends.
    fn output(
        path: &CStr,
        environment: &[&CStr],
        root: Option<&CStr>,
        folder: &CStr,
    ) -> Result<(String, i32), (Step, Errno)> {
        let null = File::open("/dev/null").unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        let streams = [null.as_fd(), writer.as_fd(), null.as_fd()];
        let image = Image { path, environment, streams, root, folder };
        let pid = start(&image)?;
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        let (_, status) = waitpid(Some(pid), WaitOptions::empty()).unwrap().unwrap();
        Ok((text, status.exit_status().unwrap()))
    }

    #[test]
    fn a_program_runs_with_what_it_is_given() {
        assert_eq!(said(c"C=d e", None, c"/"), Ok(("A=b\nC=d e\n".to_owned(), 0)));
    }

    /// Even what is not marked to be closed when a program begins.
    #[test]
    fn a_program_has_three_descriptors() {
        let inherited = rustix::io::dup(File::open("/dev/null").unwrap()).unwrap();
        assert!(rustix::io::fcntl_getfd(&inherited).unwrap().is_empty());
        let listed = output(c"/bin/ls", &[], None, c"/proc/self/fd");
        // It has the folder itself open, as 3.
        assert_eq!(listed, Ok(("0\n1\n2\n3\n".to_owned(), 0)), "not {}", inherited.as_raw_fd());
    }

    #[test]
    fn each_step_tells_of_itself() {
        assert_eq!(said(c"", None, c"/absent"), Err((Step::Folder, Errno::NOENT)));
        if rustix::process::geteuid().is_root() {
            assert_eq!(said(c"", Some(c"/absent"), c"/"), Err((Step::Root, Errno::NOENT)));
            let empty = tempfile::tempdir().unwrap();
            let root = std::ffi::CString::new(empty.path().to_str().unwrap()).unwrap();
            assert_eq!(said(c"", Some(&root), c"/"), Err((Step::Program, Errno::NOENT)));
            // This process has kept its own.
            assert!(std::path::Path::new("/usr/bin/env").exists());
        }
    }
}
