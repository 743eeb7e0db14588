//! Whether the client of an HTTP/1 connection is still there, for handlers that wait for somebody else meanwhile.
//!
//! While an answer is made nobody reads from the client, so nobody would notice that it has gone. A handler that
//! [watches](Presence::watch) has the guard look for the end of the input at each turn of the connection's task, and
//! learns of it when it is polled next, which is at once: both are polled by that task. Behind the next request, or content
//! that the handler does not take, the end is seen within a second.
//!
//! What TCP cannot tell: if more than the kernel takes is on its way, the end waits at the client behind it. The clocks of
//! the handler are the only bound then.
//!
//! A client that has closed its own side only cannot be told from one that is gone. Handlers that watch take it for
//! gone, as other proxies do; files are sent to it all the same. HTTP/2 drops the handler of a stream that is reset, so
//! nothing is watched there.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;

/// What the guard of a connection and its handlers share. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Presence(Option<Arc<State>>);

#[derive(Debug, Default)]
struct State {
    watchers: AtomicUsize,
    gone: AtomicBool,
}

/// A handler that wants to know; it is watched for as long as this lives.
#[derive(Debug)]
pub(crate) struct Watch(Presence);

impl Presence {
    /// Of a connection whose guard looks.
    pub(super) fn looked_for() -> Self {
        Self(Some(Arc::default()))
    }

    /// Begins to watch.
    pub(crate) fn watch(&self) -> Watch {
        if let Some(state) = &self.0 {
            state.watchers.fetch_add(1, Ordering::Relaxed);
        }
        Watch(self.clone())
    }

    /// Whether anybody wants to know what is not known yet.
    pub(super) fn is_wanted(&self) -> bool {
        self.0.as_ref().is_some_and(|state| {
            state.watchers.load(Ordering::Relaxed) > 0 && !state.gone.load(Ordering::Relaxed)
        })
    }

    /// The client's input has ended.
    pub(super) fn end(&self) {
        if let Some(state) = &self.0 {
            state.gone.store(true, Ordering::Relaxed);
        }
    }
}

impl Watch {
    /// Whether the client has gone. To be asked in each poll.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.0.as_ref().is_some_and(|state| state.gone.load(Ordering::Relaxed))
    }

    /// Does work for as long as the client is there; `None` when it has gone. The work is dropped then.
    pub(crate) async fn unless_gone<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        poll_fn(|cx| if self.is_gone() { Poll::Ready(None) } else { work.as_mut().poll(cx).map(Some) }).await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(state) = &self.0.0 {
            state.watchers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
