//! A running `lwsrun`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::open_files::open_as_many_as_allowed;
use crate::{PATIENCE, program};

/// What the server says once all its sockets are open.
const READY: &str = " ready";

/// A server that was started for one test. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    log: Arc<Log>,
}

/// What the server wrote to standard error so far.
#[derive(Debug, Default)]
struct Log {
    lines: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    text: Vec<String>,
    /// Standard error was closed, so the server has ended.
    ended: bool,
}

impl Server {
    /// Starts a server with a plan, and waits until it is ready.
    ///
    /// # Panics
    /// If it ends instead, or takes too long, with all that it said.
    #[must_use]
    pub fn start(plan: &Path) -> Self {
        Self::spawn(program::command("lwsrun").arg(plan))
    }

    /// Starts a server by a command line that was prepared, and waits until it is ready.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn spawn(command: &mut Command) -> Self {
        // Its clients are in this process.
        open_as_many_as_allowed();
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        let log = Arc::new(Log::default());
        let stderr = child.stderr.take().expect("standard error is a pipe");
        std::thread::spawn({
            let log = Arc::clone(&log);
            move || log.follow(stderr)
        });
        let server = Self { child, log };
        let _ = server.line(READY, |line| line.ends_with(READY));
        server
    }

    /// Waits for a line of the log that holds `words`, and returns it.
    ///
    /// # Panics
    /// If it does not come.
    #[must_use]
    pub fn line_with(&self, words: &str) -> String {
        self.line(words, |line| line.contains(words))
    }

    fn line(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let found = |lines: &Lines| lines.text.iter().find(|line| is_it(line)).cloned();
        let lines = self.log.wait(|lines| lines.ended || found(lines).is_some());
        found(&lines).unwrap_or_else(|| panic!("no `{what}` in the server's log:\n{}", lines.text.join("\n")))
    }

    /// The process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the server runs, and is ours");
    }

    /// Waits until SIGSTOP has stopped all of it.
    ///
    /// # Panics
    /// If it does not stop.
    pub fn wait_stopped(&self) {
        let threads = format!("/proc/{}/task", self.child.id());
        let stopped = || {
            let threads = std::fs::read_dir(&threads).expect("its threads");
            threads.map(|thread| std::fs::read_to_string(thread.expect("a thread").path().join("stat"))).all(
                |stat| {
                    // The state follows the name, which is in brackets.
                    stat.is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')))
                },
            )
        };
        let deadline = Instant::now() + PATIENCE;
        while !stopped() {
            assert!(Instant::now() < deadline, "the server does not stop");
            std::thread::yield_now();
        }
    }

    /// Gives what it has written to standard error by the time of the call, also when it has ended.
    pub fn log(&self) -> impl Fn() -> String + use<> {
        let log = Arc::clone(&self.log);
        move || log.lines.lock().unwrap().text.join("\n")
    }

    /// Bytes of memory that it holds now.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// Waits until it holds no more memory than so many bytes; how many it holds.
    #[must_use]
    pub fn memory_down_to(&self, bytes: u64) -> u64 {
        let deadline = Instant::now() + PATIENCE;
        while self.memory() > bytes && Instant::now() < deadline {
            std::thread::yield_now();
        }
        self.memory()
    }

    /// The most bytes of memory that it ever held.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let value = status.lines().find_map(|line| line.strip_prefix(field)).expect("a known field");
        let kilobytes: u64 = value.trim().trim_end_matches(" kB").parse().expect("a number");
        kilobytes << 10
    }

    /// How many files and sockets it has open.
    ///
    /// # Panics
    /// If it has ended.
    #[must_use]
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("it runs").count()
    }

    /// Waits until it has no more than so many open. It may have fewer: what was about to close when they were counted.
    ///
    /// # Panics
    /// If it keeps more; says what they are.
    pub fn gives_back_files(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.open_files() > count {
            assert!(Instant::now() < deadline, "more than {count} are open: {:#?}", self.links());
            std::thread::yield_now();
        }
    }

    /// What its descriptors lead to.
    fn links(&self) -> Vec<std::path::PathBuf> {
        let folder = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("it runs");
        folder.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect()
    }

    /// Sends SIGTERM, waits for the end, and returns the exit status.
    ///
    /// # Panics
    /// If the server does not end.
    #[must_use]
    pub fn stop(self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Waits for the end, and returns the exit status.
    ///
    /// # Panics
    /// If the server does not end.
    #[must_use]
    pub fn ended(mut self) -> ExitStatus {
        let lines = self.log.wait(|lines| lines.ended);
        assert!(lines.ended, "the server does not end; its log:\n{}", lines.text.join("\n"));
        drop(lines);
        self.child.wait().expect("a child can be waited for")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Log {
    fn follow(&self, stderr: ChildStderr) {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            self.lines.lock().unwrap().text.push(line);
            self.changed.notify_all();
        }
        self.lines.lock().unwrap().ended = true;
        self.changed.notify_all();
    }

    fn wait(&self, done: impl Fn(&Lines) -> bool) -> MutexGuard<'_, Lines> {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.lines.lock().unwrap();
        while !done(&lines) {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { break };
            lines = self.changed.wait_timeout(lines, left).unwrap().0;
        }
        lines
    }
}
