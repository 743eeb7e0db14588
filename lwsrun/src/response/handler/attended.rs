//! A body that is made for a client that is there: it ends with an error when the client has gone.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::connection::Watch;

struct Attended {
    body: Body,
    watch: Watch,
}

/// The body, for as long as the client is there. Where nobody watches, it is dropped by whoever sends it.
pub(super) fn attended(body: Body, watch: Option<Watch>) -> Body {
    match watch {
        // A known length does not say that its bytes are there.
        Some(watch) if !http_body::Body::is_end_stream(&body) => Body::new(Attended { body, watch }),
        _ => body,
    }
}

impl http_body::Body for Attended {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.watch.is_gone() {
            return Poll::Ready(Some(Err(axum::Error::new(io::Error::from(
                io::ErrorKind::ConnectionAborted,
            )))));
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
