//! The content of an answer, taken out of what came (RFC 9112, section 6.3).

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};

use super::chunks::Chunks;
use super::head::Wrong;

/// What is to come of an answer's content.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// So many bytes, at least one.
    Length(u64),
    Chunked(Chunks),
    /// All that comes until the connection ends.
    ToTheEnd,
    /// Nothing more.
    Ended,
}

impl Content {
    /// Takes the next piece, or the trailers; `None` if there is nothing, which [`is_ended`](Self::is_ended) tells from
    /// nothing yet.
    ///
    /// # Errors
    /// What is wrong with the content.
    pub(super) fn take(&mut self, input: &mut BytesMut) -> Result<Option<Frame<Bytes>>, Wrong> {
        match self {
            Self::Length(left) => {
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= count as u64;
                let piece = input.split_to(count).freeze();
                if *left == 0 {
                    *self = Self::Ended;
                }
                Ok((count > 0).then(|| Frame::data(piece)))
            }
            Self::Chunked(chunks) => {
                let frame = chunks.take(input)?;
                if chunks.is_ended() {
                    *self = Self::Ended;
                }
                Ok(frame)
            }
            Self::ToTheEnd => Ok((!input.is_empty()).then(|| Frame::data(input.split().freeze()))),
            Self::Ended => Ok(None),
        }
    }

    /// The connection has ended; whether that is the end of the content.
    pub(super) fn end(&mut self) -> bool {
        if matches!(self, Self::ToTheEnd) {
            *self = Self::Ended;
        }
        self.is_ended()
    }

    pub(super) fn is_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }

    /// How many bytes are to come.
    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Length(left) => SizeHint::with_exact(*left),
            Self::Chunked(_) | Self::ToTheEnd => SizeHint::default(),
            Self::Ended => SizeHint::with_exact(0),
        }
    }
}
