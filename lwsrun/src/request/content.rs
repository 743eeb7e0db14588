//! How much content a request may have: `limit-request-body`.
//!
//! Content whose length is known is refused before anything is read of it. Other content ends in an error, for whoever
//! reads it, once there is too much. Without the key it may have any number of bytes: what reads content has limits of its own.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::Limited;
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
    pub(crate) fn bound<B>(self, body: B) -> Body
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync,
    {
        match self.most {
            _ if body.is_end_stream() => Body::empty(),
            Some(most) if body.size_hint().exact().is_none() => {
                Body::new(Limited::new(body, usize::try_from(most).unwrap_or(usize::MAX)))
            }
            _ => Body::new(body),
        }
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
        for (body, length) in
            [(ten.bound(known(10)), Some(10)), (limit(Some(0)).bound(known(1000)), Some(1000))]
        {
            assert_eq!(body.collect().await.ok().map(|body| body.to_bytes().len()), length);
        }
        let stream = |length| Body::new(unknown(length).map_err(std::io::Error::other));
        for (limit, length, whole) in
            [(ten, 10, true), (ten, 11, false), (limit(Some(0)), 1000, true), (limit(None), 1000, true)]
        {
            let body = limit.bound(stream(length).map_err(std::io::Error::other));
            assert_eq!(body.collect().await.is_ok(), whole, "{length}");
        }
        assert_eq!(limit(Some(0)).admit(&known(1000)), Ok(()));
    }
}
