//! The content of a request on its way to the upstream.
//!
//! It is handed on piece by piece, as the upstream takes it. Of a client that waits for permission
//! (`Expect: 100-continue`) nothing is taken before the upstream has given it: asking the client for content is what has
//! hyper send it the 100. An upstream that says nothing for [`PATIENCE`] may not know the expectation, and gets the
//! content all the same.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http::header::EXPECT;
use http::{HeaderMap, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::fault::Fault;
use super::http1::Framing;
use super::origin::Limits;

/// How long a client is kept waiting for an upstream's permission.
const PATIENCE: Duration = Duration::from_secs(1);

/// The content of a request.
#[derive(Debug)]
pub(super) enum Upload {
    /// There is none.
    None,
    Streamed(Box<Streamed>),
}

#[derive(Debug)]
pub(super) struct Streamed {
    body: Body,
    /// Bytes that may still come.
    left: u64,
    gate: Option<Pin<Box<Sleep>>>,
    progress: Arc<Progress>,
}

/// How far an upload is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Something of it has been taken from the client, or its end.
    taken: AtomicBool,
    broken: AtomicBool,
    too_large: AtomicBool,
    /// The upstream has given permission.
    permitted: AtomicBool,
    /// The client is waited for.
    awaited: AtomicBool,
    /// Who waits for permission.
    waiting: AtomicWaker,
}

/// Why an upload ended too early. The request is lost; what it is answered with, [`Progress`] tells.
#[derive(Debug, thiserror::Error)]
#[error("the content of the request ended too early")]
pub(super) struct EndedEarly;

impl Upload {
    /// The content of a request with these headers.
    ///
    /// # Errors
    /// If its length is known to be more than the mount allows.
    pub(super) fn new(body: Body, headers: &HeaderMap, limits: &Limits) -> Result<Self, Fault> {
        if body.is_end_stream() {
            return Ok(Self::None);
        }
        let left = limits.content.unwrap_or(u64::MAX);
        if body.size_hint().lower() > left {
            return Err(Fault::TooLarge);
        }
        let expects =
            headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        let gate = expects.then(|| Box::pin(sleep(PATIENCE)));
        Ok(Self::Streamed(Box::new(Streamed { body, left, gate, progress: Arc::default() })))
    }

    /// How it is framed over HTTP/1.1.
    pub(super) fn framing(&self) -> Framing {
        match self {
            Self::None => Framing::None,
            Self::Streamed(streamed) => {
                streamed.body.size_hint().exact().map_or(Framing::Chunked, Framing::Length)
            }
        }
    }

    /// Whether the client sends nothing before it is told to.
    pub(super) fn waits_for_permission(&self) -> bool {
        matches!(self, Self::Streamed(streamed) if streamed.gate.is_some())
    }

    /// How far it is; `None` if there is nothing to upload.
    pub(super) fn progress(&self) -> Option<Arc<Progress>> {
        match self {
            Self::None => None,
            Self::Streamed(streamed) => Some(Arc::clone(&streamed.progress)),
        }
    }
}

impl Progress {
    /// An interim answer of the upstream.
    pub(super) fn informed(&self, status: StatusCode) {
        if status == StatusCode::CONTINUE {
            self.permitted.store(true, Ordering::Relaxed);
            self.waiting.wake();
        }
    }

    /// Whether the client is waited for, whose slowness others bound.
    pub(super) fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Relaxed)
    }

    /// Whether nothing has been taken, so that all of it can still go out anywhere.
    pub(super) fn is_untouched(&self) -> bool {
        !self.taken.load(Ordering::Relaxed) && !self.broken.load(Ordering::Relaxed)
    }

    /// Whether content may be asked for, of a client that waits for permission.
    pub(super) fn is_permitted(&self) -> bool {
        self.permitted.load(Ordering::Relaxed)
    }

    /// Why the upload ended too early, if it did.
    pub(super) fn fault(&self) -> Option<Fault> {
        if self.too_large.load(Ordering::Relaxed) {
            return Some(Fault::TooLarge);
        }
        self.broken.load(Ordering::Relaxed).then_some(Fault::BrokenOff)
    }
}

impl Streamed {
    /// Waits until content may be asked for.
    fn poll_permission(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(gate) = &mut self.gate else { return Poll::Ready(()) };
        self.progress.waiting.register(cx.waker());
        let permitted = self.progress.permitted.load(Ordering::Relaxed);
        if !permitted {
            ready!(gate.as_mut().poll(cx));
            self.progress.permitted.store(true, Ordering::Relaxed);
        }
        self.gate = None;
        Poll::Ready(())
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, EndedEarly>>> {
        ready!(self.poll_permission(cx));
        let progress = &self.progress;
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        progress.awaited.store(polled.is_pending(), Ordering::Relaxed);
        let frame = match ready!(polled) {
            Some(Ok(frame)) => frame,
            Some(Err(_)) => {
                progress.broken.store(true, Ordering::Relaxed);
                return Poll::Ready(Some(Err(EndedEarly)));
            }
            None => {
                progress.taken.store(true, Ordering::Relaxed);
                return Poll::Ready(None);
            }
        };
        progress.taken.store(true, Ordering::Relaxed);
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => {
                progress.too_large.store(true, Ordering::Relaxed);
                return Poll::Ready(Some(Err(EndedEarly)));
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = EndedEarly;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, EndedEarly>>> {
        match self.get_mut() {
            Self::None => Poll::Ready(None),
            Self::Streamed(streamed) => streamed.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::None => true,
            Self::Streamed(streamed) => streamed.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::None => SizeHint::with_exact(0),
            Self::Streamed(streamed) => streamed.body.size_hint(),
        }
    }
}
