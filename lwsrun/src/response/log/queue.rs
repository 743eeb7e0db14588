//! Lines on their way from the workers to the writer: a buffer for each worker, which it shares with nobody but the
//! writer. What does not fit is lost and counted; no worker ever waits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

/// What a worker may have waiting, in bytes: 25 ms of 200,000 lines a second.
pub(super) const MOST: usize = 1 << 20;

/// With this much waiting the writer does not wait for more.
const HURRY: usize = MOST / 4;

/// Buffers. More workers than that share them.
const SHARDS: usize = 64;

/// A file of the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId(pub(super) usize);

impl FileId {
    pub(super) fn new(index: usize) -> Self {
        Self(index)
    }
}

/// All that waits.
#[derive(Debug)]
pub(super) struct Queue {
    shards: [Mutex<Shard>; SHARDS],
    /// Something waits.
    waiting: AtomicBool,
    reopen: AtomicBool,
    writer: OnceLock<Thread>,
}

/// What waits of one worker.
#[derive(Debug, Default)]
pub(super) struct Shard {
    /// Whole lines, one after the other.
    lines: Vec<u8>,
    /// Which file they are for: each run of lines ends where the next begins.
    runs: Vec<(FileId, usize)>,
    /// Lines that found no room.
    pub(super) lost: u64,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            waiting: AtomicBool::new(false),
            reopen: AtomicBool::new(false),
            writer: OnceLock::new(),
        }
    }
}

impl Queue {
    /// Adds a line for a file; `write` appends it, with its line end.
    pub(super) fn push(&self, file: FileId, write: impl FnOnce(&mut Vec<u8>)) {
        let (before, after) = lock(&self.shards[shard_of_this_thread()]).push(file, write);
        // Whoever finds this true has pushed before the writer looks next.
        let wakes = !self.waiting.load(Ordering::Relaxed) && !self.waiting.swap(true, Ordering::Relaxed);
        if wakes || (before < HURRY && after >= HURRY) {
            self.wake();
        }
    }

    /// Has the writer open its files again.
    pub(super) fn reopen(&self) {
        self.reopen.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// Wakes the writer to look at once.
    pub(super) fn wake(&self) {
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    /// Says who is to be woken: this thread.
    pub(super) fn is_written_here(&self) {
        let _ = self.writer.set(std::thread::current());
    }

    /// Whether something waits, or shall be done.
    pub(super) fn has_work(&self) -> bool {
        // Not one flag for both: it is taken back with the lines, and what came just before would be forgotten.
        self.waiting.load(Ordering::Relaxed) || self.reopen.load(Ordering::Relaxed)
    }

    /// Whether files are to be opened again; asks once.
    pub(super) fn takes_reopen(&self) -> bool {
        self.reopen.swap(false, Ordering::Relaxed)
    }

    /// Gives what waits to `write`, buffer by buffer. `spare` is an empty one to go on with.
    pub(super) fn drain(&self, spare: &mut Shard, mut write: impl FnMut(&Shard)) {
        self.waiting.store(false, Ordering::Relaxed);
        for shard in &self.shards {
            std::mem::swap(&mut *lock(shard), spare);
            if !spare.runs.is_empty() || spare.lost > 0 {
                write(spare);
                spare.clear();
            }
        }
    }
}

impl Shard {
    /// Adds a line if there is room. How much waited before and waits after.
    fn push(&mut self, file: FileId, write: impl FnOnce(&mut Vec<u8>)) -> (usize, usize) {
        let before = self.lines.len();
        if before >= MOST {
            self.lost += 1;
            return (before, before);
        }
        write(&mut self.lines);
        let end = self.lines.len();
        match self.runs.last_mut() {
            Some((last, run_end)) if *last == file => *run_end = end,
            _ => self.runs.push((file, end)),
        }
        (before, end)
    }

    /// The runs of lines, each with its file.
    pub(super) fn runs(&self) -> impl Iterator<Item = (FileId, &[u8])> {
        let mut start = 0;
        self.runs.iter().map(move |&(file, end)| (file, &self.lines[std::mem::replace(&mut start, end)..end]))
    }

    fn clear(&mut self) {
        // One burst does not keep its memory for ever.
        if self.lines.capacity() > 2 * HURRY {
            self.lines = Vec::new();
        }
        self.lines.clear();
        self.runs.clear();
        self.lost = 0;
    }
}

/// A panic of another thread while it held the lock left whole lines or a torn one, and either may be written.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shard_of_this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    }
    MINE.with(|&mine| mine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let queue = Queue::default();
        let line = vec![b'\n'; 1000];
        let count = MOST / line.len() + 5;
        (0..count).for_each(|number| queue.push(FileId(number % 2), |out| out.extend_from_slice(&line)));
        let (mut spare, mut bytes, mut lost) = (Shard::default(), 0, 0);
        queue.drain(&mut spare, |shard| {
            bytes += shard.runs().map(|(_, lines)| lines.len()).sum::<usize>();
            lost += shard.lost;
        });
        assert_eq!(bytes / 1000 + usize::try_from(lost).unwrap(), count);
        assert!(lost > 0 && (MOST..MOST + 1000).contains(&bytes), "{lost} {bytes}");
        queue.drain(&mut spare, |_| panic!("all was taken"));
    }

    #[test]
    fn a_reopen_is_not_taken_back_with_the_lines() {
        let queue = Queue::default();
        queue.push(FileId(0), |out| out.push(b'\n'));
        assert!(queue.has_work() && !queue.takes_reopen());
        queue.reopen();
        queue.drain(&mut Shard::default(), |_| {});
        assert!(queue.has_work() && queue.takes_reopen() && !queue.has_work());
    }

    #[test]
    fn runs_keep_files_and_order() {
        let mut shard = Shard::default();
        for (file, line) in [(0, "a"), (0, "b"), (1, "c"), (0, "d")] {
            shard.push(FileId(file), |out| out.extend_from_slice(line.as_bytes()));
        }
        let runs: Vec<_> = shard.runs().collect();
        assert_eq!(runs, [(FileId(0), &b"ab"[..]), (FileId(1), b"c"), (FileId(0), b"d")]);
    }
}
