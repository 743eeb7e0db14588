//! A request's content before its program starts. If its length was not told (chunks, HTTP/2), as much is read as may be held:
//! `CONTENT_LENGTH` is told of all content that ends there (RFC 3875, section 4.1.2), and many programs read nothing
//! without it. Content that goes on has no `CONTENT_LENGTH`, and ends with the end of file.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http_body::Body as _;
use http_body_util::BodyExt;

/// How much content of unknown length is held, in bytes, and one frame.
const HELD: usize = 64 << 10;

/// The content of a request.
#[derive(Debug)]
pub(super) struct Content {
    /// What was read.
    pub(super) first: Bytes,
    /// What follows.
    pub(super) rest: Body,
}

impl Content {
    /// Reads ahead where the length is unknown, and adds it to the request if it becomes known.
    ///
    /// # Errors
    /// If the content breaks off.
    pub(super) async fn of(parts: &mut Parts, mut rest: Body) -> Result<Self, axum::Error> {
        let mut first = BytesMut::new();
        if !rest.is_end_stream() && rest.size_hint().exact().is_none() {
            while first.len() <= HELD {
                let Some(frame) = rest.frame().await else {
                    parts.headers.insert(CONTENT_LENGTH, first.len().into());
                    rest = Body::empty();
                    break;
                };
                first.extend_from_slice(&frame?.into_data().unwrap_or_default());
            }
        }
        Ok(Self { first: first.freeze(), rest })
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.rest.is_end_stream()
    }
}
