//! The request's content on its way to a program's standard input.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Context;

use axum::body::Body;
use futures_util::task::AtomicWaker;
use http_body_util::BodyExt;
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::task::JoinHandle;

/// How much of the content is read and thrown away after the program has closed its input, in bytes: what is not read
/// would have the kernel throw the answer away.
const THROWN_AWAY: u64 = 1 << 20;

/// The task that feeds. Dropping this ends it.
#[derive(Debug)]
pub(super) struct Feed {
    task: JoinHandle<()>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that the program has taken.
    taken: AtomicU64,
    /// The next bytes have yet to come from the client.
    waits: AtomicBool,
    /// The content broke off.
    broken: AtomicBool,
    /// Who wants to know that it does.
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
    pub(super) fn start(content: Body, stdin: ChildStdin) -> Self {
        let state = Arc::new(State::default());
        let task = tokio::spawn(feed(content, stdin, Arc::clone(&state)));
        Self { task, state }
    }

    /// How far it has come. Whoever asks is woken when the content breaks off.
    pub(super) fn progress(&self, cx: &Context<'_>) -> Progress {
        let State { taken, waits, broken, reader } = &*self.state;
        reader.register(cx.waker());
        Progress {
            taken: taken.load(Ordering::Relaxed),
            waits: waits.load(Ordering::Relaxed),
            broken: broken.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn feed(mut content: Body, stdin: ChildStdin, state: Arc<State>) {
    let mut stdin = Some(stdin);
    let mut thrown_away = 0;
    loop {
        state.waits.store(stdin.is_some(), Ordering::Relaxed);
        let frame = match content.frame().await {
            None => break,
            Some(Ok(frame)) => frame,
            // The program must not take what came for all of it: its input stays open until it is killed.
            Some(Err(_)) => {
                state.broken.store(true, Ordering::Relaxed);
                state.reader.wake();
                return std::future::pending().await;
            }
        };
        state.waits.store(false, Ordering::Relaxed);
        let Ok(data) = frame.into_data() else { continue };
        if let Some(open) = &mut stdin {
            let mut rest = &*data;
            while !rest.is_empty() {
                match open.write(rest).await {
                    Ok(count) if count > 0 => {
                        state.taken.fetch_add(count as u64, Ordering::Relaxed);
                        rest = &rest[count..];
                    }
                    Ok(_) | Err(_) => break,
                }
            }
            if rest.is_empty() {
                continue;
            }
            // It wants no more of it; that is its right.
            stdin = None;
        }
        thrown_away += data.len() as u64;
        if thrown_away > THROWN_AWAY {
            break;
        }
    }
    state.waits.store(false, Ordering::Relaxed);
}
