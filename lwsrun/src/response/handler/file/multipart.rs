//! Several parts of a file in one answer: RFC 9110, section 14.6.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use http::HeaderValue;

use super::content::{Content, Sequence};

/// The body of an answer with several parts, being put together.
#[derive(Debug)]
pub(super) struct Multipart {
    /// What stands between parts. Nobody can know it before, so no file holds it on purpose, and with 128 bits none
    /// does by chance.
    boundary: String,
    /// Of the file, said in each part.
    media_type: Option<HeaderValue>,
    body: Sequence,
}

impl Multipart {
    pub(super) fn new(media_type: Option<HeaderValue>) -> Self {
        let random = || RandomState::new().hash_one(());
        let boundary = format!("{:016x}{:016x}", random(), random());
        Self { boundary, media_type, body: Sequence::default() }
    }

    /// The Content-Type of the answer.
    pub(super) fn media_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    /// Adds a part: the value of its Content-Range, and its bytes.
    pub(super) fn push(&mut self, content_range: &str, content: Content<'_>, range: Range<u64>) {
        let mut head = format!("\r\n--{}\r\n", self.boundary).into_bytes();
        if let Some(media_type) = &self.media_type {
            head.extend([b"Content-Type: ", media_type.as_bytes(), b"\r\n"].concat());
        }
        head.extend(format!("Content-Range: {content_range}\r\n\r\n").bytes());
        self.body.push_bytes(head);
        self.body.push(content, range);
    }

    /// The body, after the last part.
    pub(super) fn finish(mut self) -> Sequence {
        self.body.push_bytes(format!("\r\n--{}--\r\n", self.boundary));
        self.body
    }
}
