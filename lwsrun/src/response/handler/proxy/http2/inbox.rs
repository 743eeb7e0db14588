//! What has come of an answer, until the client takes it.
//!
//! h2 keeps each frame for itself, whose bookkeeping is many times a small one. So a task takes frames from it as they come,
//! whether or not the client takes anything, and puts small ones together: what waits costs little more than its bytes, of
//! which the stream's window allows so many. The window opens again as the client takes them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use http::HeaderMap;
use http_body::Frame;
use tokio::task::AbortHandle;

use super::output::allowed;

/// What is shorter is put together with what comes after it, in bytes.
const SMALL: usize = 4 << 10;

/// The content of an answer.
pub(super) struct Inbox {
    shared: Arc<Mutex<Content>>,
    task: Option<AbortHandle>,
}

struct Content {
    stream: RecvStream,
    /// What waits, in its order.
    pieces: VecDeque<Bytes>,
    /// Small ones behind them.
    small: BytesMut,
    /// What comes last; an empty map is nothing.
    end: Option<Result<HeaderMap, h2::Error>>,
    /// Whether the end was taken.
    is_over: bool,
    taker: Option<Waker>,
}

impl Inbox {
    /// Takes what comes on a stream.
    pub(super) fn new(stream: RecvStream) -> Self {
        let mut content = Content {
            stream,
            pieces: VecDeque::new(),
            small: BytesMut::new(),
            end: None,
            is_over: false,
            taker: None,
        };
        // Short answers have come whole: they need no task.
        let is_whole = content.fill(&mut Context::from_waker(Waker::noop())).is_ready();
        let shared = Arc::new(Mutex::new(content));
        let task = (!is_whole).then(|| {
            let shared = Arc::clone(&shared);
            tokio::spawn(poll_fn(move |cx| lock(&shared).fill(cx))).abort_handle()
        });
        Self { shared, task }
    }

    /// The next piece, or the trailers; `None` at the end.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        lock(&self.shared).take(cx)
    }

    /// Whether there is nothing more to take.
    pub(super) fn is_over(&self) -> bool {
        lock(&self.shared).is_over()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Content {
    /// Takes what has come; ready at the end.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.end.is_none() {
            match self.stream.poll_data(cx) {
                Poll::Ready(Some(Ok(piece))) => self.put(piece),
                Poll::Ready(Some(Err(error))) => self.end = Some(Err(error)),
                Poll::Ready(None) => match self.stream.poll_trailers(cx) {
                    Poll::Ready(trailers) => {
                        self.end = Some(trailers.map(|trailers| trailers.map(allowed).unwrap_or_default()));
                    }
                    Poll::Pending => return Poll::Pending,
                },
                Poll::Pending => return Poll::Pending,
            }
            if let Some(taker) = self.taker.take() {
                taker.wake();
            }
        }
        Poll::Ready(())
    }

    fn put(&mut self, piece: Bytes) {
        let alone = self.pieces.is_empty() && self.small.is_empty();
        if piece.len() < SMALL && !alone {
            self.small.extend_from_slice(&piece);
            return;
        }
        if !self.small.is_empty() {
            self.pieces.push_back(std::mem::take(&mut self.small).freeze());
        }
        if !piece.is_empty() {
            self.pieces.push_back(piece);
        }
    }

    fn take(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let small = &mut self.small;
        let piece = self.pieces.pop_front().or_else(|| {
            let piece = std::mem::take(small).freeze();
            (!piece.is_empty()).then_some(piece)
        });
        if let Some(piece) = piece {
            // An error means that the stream has ended, and its window with it.
            let _ = self.stream.flow_control().release_capacity(piece.len());
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if self.is_over {
            return Poll::Ready(None);
        }
        let Some(end) = &mut self.end else {
            self.taker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        self.is_over = true;
        match std::mem::replace(end, Ok(HeaderMap::new())) {
            Ok(trailers) if trailers.is_empty() => Poll::Ready(None),
            Ok(trailers) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    fn is_over(&self) -> bool {
        let ends_quietly =
            || self.end.as_ref().is_some_and(|end| end.as_ref().is_ok_and(HeaderMap::is_empty));
        self.pieces.is_empty() && self.small.is_empty() && (self.is_over || ends_quietly())
    }
}

/// A panic leaves nothing half done that would matter.
fn lock(content: &Mutex<Content>) -> MutexGuard<'_, Content> {
    content.lock().unwrap_or_else(PoisonError::into_inner)
}
