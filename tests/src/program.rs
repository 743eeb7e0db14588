//! The two programs, as built by `cargo build`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a program that ran to its end left.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Finished {
    /// The same, if the exit status is `code`.
    ///
    /// # Panics
    /// If it is not, with all that the program said.
    #[must_use]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit status; it said:\n{}{}", self.stdout, self.stderr);
        self
    }
}

/// The path of a program of this workspace.
///
/// # Panics
/// If it has not been built.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    // target/debug/deps/e2e-0123: the programs are two levels up.
    let built = test.ancestors().nth(2).expect("test programs stand in target/PROFILE/deps").join(name);
    assert!(built.is_file(), "{} is missing: run `cargo build` first", built.display());
    built
}

/// A program of this workspace, ready for arguments; without anything from our own environment that it listens to.
#[must_use]
pub fn command(name: &str) -> Command {
    let mut command = Command::new(path(name));
    command.stdin(Stdio::null()).env_remove("LWSRUN_LOG").env_remove("LWS_DDIR").env_remove("NOTIFY_SOCKET");
    command
}

/// Runs `lwsconf` to its end.
#[must_use]
pub fn lwsconf<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Finished {
    finish(command("lwsconf").args(args))
}

/// Runs `lwsrun` to its end; for plans that it must refuse.
#[must_use]
pub fn lwsrun<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Finished {
    finish(command("lwsrun").args(args))
}

/// `lwsconf compile DIR -o PLAN`, with more arguments.
#[must_use]
pub fn compile(folder: &Path, plan: &Path, more: &[&str]) -> Finished {
    let mut command = command("lwsconf");
    command.arg("compile").arg(folder).arg("-o").arg(plan).args(more);
    finish(&mut command)
}

/// Runs a program to its end. A program that should have ended but serves is killed by `timeout`, a part of every
/// Linux system: standard Rust cannot wait for a child with a bound.
#[must_use]
pub fn finish(command: &mut Command) -> Finished {
    let mut bounded = Command::new("timeout");
    bounded.arg("--kill-after=1").arg(super::PATIENCE.as_secs().to_string());
    bounded.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => bounded.env(key, value),
            None => bounded.env_remove(key),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        bounded.current_dir(folder);
    }
    let output = bounded.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
