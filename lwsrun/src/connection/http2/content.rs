//! The content of a request, and how slowly it may come.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::super::limits::Rate;
use super::super::pace::{Pace, Wait};

/// The content of one request. Whoever waits for it waits for a client that sends at the least rate, or gets an error.
#[derive(Debug)]
pub(super) struct Content {
    incoming: Incoming,
    /// The least rate.
    rate: Rate,
    pace: Pace,
    late: Late,
}

/// Whether the content of a request came too slowly. `None` where the request has none.
#[derive(Debug, Clone)]
pub(super) struct Late(Option<Arc<AtomicBool>>);

/// Why there is no more content.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Broken(#[from] hyper::Error),
    #[error("the client has reset the stream before the end of its content")]
    Reset,
    #[error("the content of the request comes too slowly")]
    Slow,
}

impl Content {
    /// The content, and what tells later whether it was late.
    pub(super) fn new(incoming: Incoming, rate: Rate) -> (Self, Late) {
        let late = Late((!incoming.is_end_stream()).then(Arc::default));
        (Self { incoming, rate, pace: Pace::default(), late: late.clone() }, late)
    }
}

impl Late {
    pub(super) fn is_so(&self) -> bool {
        self.0.as_ref().is_some_and(|late| late.load(Ordering::Relaxed))
    }

    /// Whether it may become so.
    pub(super) fn may_be(&self) -> bool {
        self.0.is_some()
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = &mut *self;
        match Pin::new(&mut this.incoming).poll_frame(context) {
            // hyper takes a reset without an error (RFC 9113, section 8.1) for the end; but that says only that the
            // client sends no more, and a part is not the whole. h2 knows of an end only if the client has sent one.
            Poll::Ready(None) if !this.incoming.is_end_stream() => Poll::Ready(Some(Err(Fault::Reset))),
            Poll::Ready(frame) => {
                if let Some(Ok(frame)) = &frame {
                    this.pace.moved(frame.data_ref().map_or(0, Buf::remaining));
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Fault::Broken)))
            }
            Poll::Pending if this.pace.is_over(Wait::Content(this.rate), context) => {
                if let Some(late) = &this.late.0 {
                    late.store(true, Ordering::Relaxed);
                }
                Poll::Ready(Some(Err(Fault::Slow)))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
