//! The thread that writes all access logs, so that no worker waits for a disk.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::file::LogFile;
use super::queue::{Queue, Shard};

/// How long lines may wait for others to be written with.
const GATHER: Duration = Duration::from_millis(10);

/// How long the end of the server waits for the last lines: a disk that is gone does not hold it.
const LAST: Duration = Duration::from_secs(2);

/// How often it is said that lines are being lost.
const SAY: Duration = Duration::from_secs(10);

/// The files, before their thread runs.
#[derive(Debug)]
pub(crate) struct Writer {
    files: Vec<LogFile>,
    queue: Arc<Queue>,
}

/// The thread. Dropping it does not end it; [`finish`](Running::finish) does.
#[derive(Debug)]
pub(crate) struct Running {
    queue: Arc<Queue>,
    end: Arc<AtomicBool>,
    ended: Receiver<()>,
}

impl Writer {
    pub(super) fn new(files: Vec<LogFile>, queue: Arc<Queue>) -> Self {
        Self { files, queue }
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// If there can be no more threads.
    pub(crate) fn start(self) -> io::Result<Running> {
        let (queue, end) = (Arc::clone(&self.queue), Arc::new(AtomicBool::new(false)));
        let (report, ended) = channel();
        let running = Running { queue, end: Arc::clone(&end), ended };
        thread::Builder::new().name("access-log".to_owned()).spawn(move || {
            self.run(&end);
            // Nobody waits where the process is ending otherwise.
            let _ = report.send(());
        })?;
        Ok(running)
    }

    fn run(mut self, end: &AtomicBool) {
        self.queue.is_written_here();
        let mut spare = Shard::default();
        let mut lost = Lost::default();
        loop {
            while !self.queue.has_work() && !end.load(Ordering::Acquire) {
                thread::park();
            }
            let last = end.load(Ordering::Acquire);
            if !last {
                thread::park_timeout(GATHER);
            }
            if self.queue.takes_reopen() {
                self.files.iter_mut().for_each(LogFile::reopen);
            }
            self.write(&mut spare, &mut lost);
            if last {
                return lost.say();
            }
        }
    }

    fn write(&mut self, spare: &mut Shard, lost: &mut Lost) {
        let files = &mut self.files;
        self.queue.drain(spare, |shard| {
            for (file, lines) in shard.runs() {
                files[file.0].gather(lines);
            }
            lost.add(shard.lost);
        });
        files.iter_mut().for_each(LogFile::write);
    }
}

impl Running {
    /// Writes what waits, and ends the thread.
    pub(crate) fn finish(self) {
        self.end.store(true, Ordering::Release);
        self.queue.wake();
        if self.ended.recv_timeout(LAST).is_err() {
            tracing::warn!("the last lines of access logs could not be written in {} s", LAST.as_secs());
        }
    }
}

/// Lines that found no room.
#[derive(Debug, Default)]
struct Lost {
    unsaid: u64,
    said: Option<Instant>,
}

impl Lost {
    fn add(&mut self, lines: u64) {
        self.unsaid += lines;
        if self.said.is_none_or(|said| said.elapsed() >= SAY) {
            self.say();
        }
    }

    fn say(&mut self) {
        if self.unsaid > 0 {
            tracing::warn!(
                "{} lines of access logs are lost: they come faster than they can be written",
                self.unsaid
            );
            (self.unsaid, self.said) = (0, Some(Instant::now()));
        }
    }
}
