//! A body that counts what it gives, for the line that ends with it.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::Response;
use http_body::{Frame, SizeHint};

use super::{Entry, Pending};
use crate::response::handler::file::InFile;

/// The body of an answer, and its line, where there is a log. Its line is written when it is dropped.
#[derive(Debug)]
pub(crate) struct Logged {
    body: Body,
    entry: Option<Entry>,
}

impl Logged {
    pub(crate) fn new(body: Body, entry: Option<Entry>) -> Self {
        Self { body, entry }
    }
}

impl Logged {
    /// Another answer to the same request, instead of this one.
    pub(crate) fn replaced_by(mut self, response: Response<Body>) -> Response<Self> {
        Pending::new(self.entry.take(), None).answered(response)
    }

    /// Has the bytes of the body sent from their file, if they are still there.
    pub(crate) fn sent_from(&mut self, file: InFile) {
        if let Some(body) = file.sent() {
            self.body = body;
        }
    }
}

impl http_body::Body for Logged {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let (Poll::Ready(Some(Ok(frame))), Some(entry)) = (&polled, &mut self.entry)
            && let Some(data) = frame.data_ref()
        {
            entry.bytes += data.len() as u64;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
