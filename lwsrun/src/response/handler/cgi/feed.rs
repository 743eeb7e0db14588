//! The request's content on its way to a program's standard input.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Context;

use futures_util::task::AtomicWaker;
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::task::JoinHandle;

use super::child::Group;
use super::content::Content;

/// How much of the content is read and thrown away after the program has closed its input, in bytes: what is not read
/// would have the kernel throw the answer away.
const THROWN_AWAY: u64 = 1 << 20;

/// A program's standard input. Dropped before the end of the content, it takes the program with it, which would take what
/// came for all of it.
#[derive(Debug)]
pub(super) struct Input {
    stdin: ChildStdin,
    group: Arc<Group>,
    complete: bool,
}

impl Input {
    pub(super) fn new(stdin: ChildStdin, group: Arc<Group>) -> Self {
        Self { stdin, group, complete: false }
    }

    /// # Errors
    /// If the program wants no more.
    async fn write(&mut self, bytes: &[u8], taken: &AtomicU64) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = self.stdin.write(rest).await?;
            taken.fetch_add(count as u64, Ordering::Relaxed);
            rest = &rest[count..];
        }
        Ok(())
    }

    /// The end of file: it has got all, or wants no more.
    fn close(mut self) {
        self.complete = true;
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if !self.complete {
            self.group.kill();
        }
    }
}

/// The task that feeds. Dropping this ends it.
#[derive(Debug)]
pub(super) struct Feed {
    task: Option<JoinHandle<()>>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that the program has taken.
    taken: AtomicU64,
    /// The next bytes have yet to come from the client.
    waits: AtomicBool,
    /// The program has got all, or wants no more.
    done: AtomicBool,
    /// The content broke off.
    broken: AtomicBool,
    /// Who wants to know of either.
    reader: AtomicWaker,
}

/// How far a feed has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Progress {
    taken: u64,
    /// Whether the client is waited for, so that the program may wait too.
    pub(super) waits: bool,
    /// Whether the rest of the content will never come.
    pub(super) broken: bool,
}

impl Feed {
    /// Feeds all of `content`, and then the end of file.
    pub(super) fn start(content: Content, input: Input) -> Self {
        let state = Arc::new(State::default());
        let task = tokio::spawn(feed(content, input, Arc::clone(&state)));
        Self { task: Some(task), state }
    }

    /// How far it has come. Whoever asks is woken when the content breaks off, or the program has it.
    pub(super) fn progress(&self, cx: &Context<'_>) -> Progress {
        let State { taken, waits, broken, reader, done: _ } = &*self.state;
        reader.register(cx.waker());
        Progress {
            taken: taken.load(Ordering::Relaxed),
            waits: waits.load(Ordering::Relaxed),
            broken: broken.load(Ordering::Relaxed),
        }
    }

    /// Whether the program has got all, or wants no more.
    pub(super) fn is_done(&self) -> bool {
        self.state.done.load(Ordering::Relaxed)
    }

    /// Lets it throw away by itself what the program does not want.
    pub(super) fn detach(mut self) {
        self.task = None;
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn feed(content: Content, mut input: Input, state: Arc<State>) {
    let Content { first: mut data, rest: mut content } = content;
    let say = |what: &AtomicBool| {
        state.waits.store(false, Ordering::Relaxed);
        what.store(true, Ordering::Relaxed);
        state.reader.wake();
    };
    while input.write(&data, &state.taken).await.is_ok() {
        state.waits.store(true, Ordering::Relaxed);
        // Where the answer is complete, hyper tells the end of the content only with the next request, but its length was
        // told.
        let next = if content.is_end_stream() { None } else { content.frame().await };
        data = match next {
            None => {
                input.close();
                return say(&state.done);
            }
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            Some(Err(_)) => return say(&state.broken),
        };
        state.waits.store(false, Ordering::Relaxed);
    }
    // It wants no more, which is its right.
    input.close();
    say(&state.done);
    let mut thrown_away = data.len() as u64;
    while thrown_away <= THROWN_AWAY
        && let Some(Ok(frame)) = content.frame().await
    {
        thrown_away += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
}
