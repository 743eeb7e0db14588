//! How much content a request may have: `limit-request-body`.
//!
//! Content whose length is known is refused before anything is read of it. Other content ends in an error, for whoever
//! reads it, once there is too much, and [`Exceeded`] tells that an answer of that time is to be a 413, whatever the reader
//! made of the error. Without the key it may have any number of bytes: what reads content has limits of its own.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use schemas::plan::Global;

use crate::response::error::Refusal;

/// The limit of a plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContentLimit {
    most: Option<u64>,
}

impl ContentLimit {
    pub(crate) fn new(global: &Global<'_>) -> Self {
        Self { most: global.limits.request_body.filter(|&most| most > 0) }
    }

    /// Looks at the length that a request says its content has.
    ///
    /// # Errors
    /// If that is too much.
    pub(crate) fn admit<B: http_body::Body>(self, body: &B) -> Result<(), Refusal> {
        match self.most {
            Some(most) if body.size_hint().lower() > most => Err(Refusal::ContentTooLarge),
            _ => Ok(()),
        }
    }

    /// The content of a request that was admitted; boxed only if there is any.
    pub(crate) fn bound<B>(self, body: B) -> (Body, Exceeded)
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync,
    {
        match self.most {
            _ if body.is_end_stream() => (Body::empty(), Exceeded(None)),
            Some(left) if body.size_hint().exact().is_none() => {
                let exceeded = Arc::default();
                let bounded = Bounded { body: Box::pin(body), left, exceeded: Arc::clone(&exceeded) };
                (Body::new(bounded), Exceeded(Some(exceeded)))
            }
            _ => (Body::new(body), Exceeded(None)),
        }
    }
}

/// Whether the content of a request was too long. `None` where it cannot be.
#[derive(Debug)]
pub(crate) struct Exceeded(Option<Arc<AtomicBool>>);

impl Exceeded {
    pub(crate) fn is_so(&self) -> bool {
        self.0.as_ref().is_some_and(|exceeded| exceeded.load(Ordering::Relaxed))
    }
}

/// Content of a length that nobody knows yet.
struct Bounded<B> {
    body: Pin<Box<B>>,
    /// Bytes that may still come.
    left: u64,
    exceeded: Arc<AtomicBool>,
}

/// Why there is no more of it.
#[derive(Debug, thiserror::Error)]
enum Fault<E> {
    #[error(transparent)]
    Broken(#[from] E),
    #[error("the request has more content than `limit-request-body` allows")]
    TooLarge,
}

impl<B> http_body::Body for Bounded<B>
where
    B: http_body::Body<Data = Bytes>,
{
    type Data = Bytes;
    type Error = Fault<B::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(frame) = ready!(self.body.as_mut().poll_frame(context)).transpose()? else {
            return Poll::Ready(None);
        };
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Some(Ok(frame)))
            }
            None => {
                self.exceeded.store(true, Ordering::Relaxed);
                Poll::Ready(Some(Err(Fault::TooLarge)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(self.body.size_hint().lower());
        hint
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::{BodyExt, Full};
    use schemas::plan::Limits;

    use super::*;
    use crate::boot::testing::global;

    fn limit(request_body: Option<u64>) -> ContentLimit {
        ContentLimit::new(&Global { limits: Limits { request_body, ..Limits::default() }, ..global() })
    }

    fn known(length: usize) -> Full<Bytes> {
        Full::from(vec![b'x'; length])
    }

    fn unknown(length: usize) -> Body {
        Body::from_stream(stream::iter(
            (0..length).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"x"))),
        ))
    }

    #[tokio::test]
    async fn content_of_either_kind_is_bounded() {
        let ten = limit(Some(10));
        assert_eq!(ten.admit(&known(10)), Ok(()));
        assert_eq!(ten.admit(&known(11)), Err(Refusal::ContentTooLarge));
        assert_eq!(ten.admit(&unknown(11)), Ok(()));
        for ((body, _), length) in
            [(ten.bound(known(10)), Some(10)), (limit(Some(0)).bound(known(1000)), Some(1000))]
        {
            assert_eq!(body.collect().await.ok().map(|body| body.to_bytes().len()), length);
        }
        let stream = |length| Body::new(unknown(length).map_err(std::io::Error::other));
        for (limit, length, whole) in
            [(ten, 10, true), (ten, 11, false), (limit(Some(0)), 1000, true), (limit(None), 1000, true)]
        {
            let (body, exceeded) = limit.bound(stream(length).map_err(std::io::Error::other));
            assert_eq!((body.collect().await.is_ok(), exceeded.is_so()), (whole, !whole), "{length}");
        }
        assert_eq!(limit(Some(0)).admit(&known(1000)), Ok(()));
    }
}
