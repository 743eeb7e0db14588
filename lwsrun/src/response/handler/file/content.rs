//! The bytes of a form of a file, wherever they are, cut into response bodies.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::body::FileBody;
use super::resolve::Opened;

/// Bytes to be sent, in memory or in a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'c> {
    Memory(&'c Bytes),
    File(&'c Arc<Opened>),
}

/// Bytes of several places, sent one after the other.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    pieces: VecDeque<Piece>,
}

#[derive(Debug)]
enum Piece {
    Memory(Bytes),
    File(FileBody),
}

impl Content<'_> {
    /// The bytes of a range that lies within the content.
    pub(super) fn body(self, range: Range<u64>) -> Body {
        match self {
            Self::Memory(bytes) => Body::from(slice(bytes, range)),
            Self::File(opened) => Body::new(FileBody::new(Arc::clone(opened), range)),
        }
    }
}

impl Sequence {
    pub(super) fn push_bytes(&mut self, bytes: impl Into<Bytes>) {
        self.pieces.push_back(Piece::Memory(bytes.into()));
    }

    /// Adds the bytes of a range that lies within the content.
    pub(super) fn push(&mut self, content: Content<'_>, range: Range<u64>) {
        self.pieces.push_back(match content {
            Content::Memory(bytes) => Piece::Memory(slice(bytes, range)),
            Content::File(opened) => Piece::File(FileBody::new(Arc::clone(opened), range)),
        });
    }

    /// How many bytes are still to be sent.
    pub(super) fn length(&self) -> u64 {
        self.pieces.iter().map(Piece::length).fold(0, u64::saturating_add)
    }
}

impl http_body::Body for Sequence {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let pieces = &mut self.get_mut().pieces;
        loop {
            match pieces.front_mut() {
                None => return Poll::Ready(None),
                Some(Piece::File(file)) if !file.is_end_stream() => return Pin::new(file).poll_frame(context),
                Some(Piece::Memory(bytes)) if !bytes.is_empty() => {
                    return Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))));
                }
                Some(_) => drop(pieces.pop_front()),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.length() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::File(file) => file.remaining(),
        }
    }
}

fn slice(bytes: &Bytes, range: Range<u64>) -> Bytes {
    // Both ends lie within the bytes, so they fit.
    let at = |offset| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(at(range.start)..at(range.end))
}
