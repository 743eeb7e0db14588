//! The bytes of a form of a file, wherever they are, cut into response bodies.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::Response;
use http_body::{Body as _, Frame, SizeHint};

use super::archive::{Form, GZIP_HEAD, Packed, Unpacked};
use super::body::{FileBody, SENT};
use super::resolve::Opened;

/// All bytes of a form, in memory or where it was found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'c> {
    Memory(&'c Bytes),
    File(&'c Arc<Opened>),
    /// In memory, and in a file that was open all the while.
    Both(&'c Bytes, &'c Arc<Opened>),
    /// In an archive.
    Member(&'c Arc<Opened>, &'c Arc<Packed>, Form),
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
    Unpacked(Box<Unpacked>),
}

/// Where the bytes of a body lie too: an extension of its answer, for a transport that takes them from there. Whoever
/// replaces or reads the body takes it off.
#[derive(Debug, Clone)]
pub(crate) struct InFile {
    opened: Arc<Opened>,
    range: Range<u64>,
    /// Whether the file may have changed since it was read.
    may_differ: bool,
}

impl InFile {
    /// The body that such a transport sends; `None` if the file does not hold those bytes any more.
    pub(crate) fn sent(self) -> Option<Body> {
        let Self { opened, range, may_differ } = self;
        let holds = !may_differ || opened.identity_now().is_ok_and(|now| now == opened.identity);
        holds.then(|| Body::new(FileBody::sent(opened, range)))
    }
}

impl Content<'_> {
    /// Gives an answer the bytes of a range that lies within the content. A form without ranges has only the range of
    /// all of it.
    pub(super) fn fill(self, response: &mut Response<Body>, range: Range<u64>) {
        let worth_sending = range.end.saturating_sub(range.start) > SENT;
        if let (true, Self::File(opened) | Self::Both(_, opened)) = (worth_sending, self) {
            let may_differ = matches!(self, Self::Both(..));
            let file = InFile { opened: Arc::clone(opened), range: range.clone(), may_differ };
            response.extensions_mut().insert(file);
        }
        *response.body_mut() = self.body(range);
    }

    fn body(self, range: Range<u64>) -> Body {
        match self {
            Self::Memory(bytes) | Self::Both(bytes, _) => Body::from(slice(bytes, range)),
            Self::File(opened) => Body::new(FileBody::new(Arc::clone(opened), range)),
            Self::Member(..) => {
                let mut sequence = Sequence::default();
                sequence.push(self, range);
                Body::new(sequence)
            }
        }
    }
}

impl Sequence {
    pub(super) fn push_bytes(&mut self, bytes: impl Into<Bytes>) {
        self.pieces.push_back(Piece::Memory(bytes.into()));
    }

    /// Adds the bytes of a range.
    pub(super) fn push(&mut self, content: Content<'_>, range: Range<u64>) {
        match content {
            Content::Memory(bytes) | Content::Both(bytes, _) => self.push_bytes(slice(bytes, range)),
            Content::File(opened) => self.push_file(opened, range),
            Content::Member(archive, member, Form::Gzip) => self.push_gzip(archive, member, &range),
            // Only the whole of it can be checked.
            Content::Member(archive, member, Form::Plain) if range == (0..member.length(Form::Plain)) => {
                let unpacked = Unpacked::new(Arc::clone(member), Arc::clone(archive));
                self.pieces.push_back(Piece::Unpacked(Box::new(unpacked)));
            }
            Content::Member(archive, member, Form::Plain) => {
                self.push_file(archive, within(&member.range(), &range));
            }
        }
    }

    fn push_file(&mut self, opened: &Arc<Opened>, range: Range<u64>) {
        self.pieces.push_back(Piece::File(FileBody::new(Arc::clone(opened), range)));
    }

    /// The parts of head, deflated bytes and tail that lie within a range of the three.
    fn push_gzip(&mut self, archive: &Arc<Opened>, member: &Packed, range: &Range<u64>) {
        let (head, tail) = (Bytes::from_static(&GZIP_HEAD), Bytes::copy_from_slice(&member.gzip_tail()));
        let tail_at = member.length(Form::Gzip).saturating_sub(tail.len() as u64);
        let from = |at: u64| range.start.saturating_sub(at)..range.end.saturating_sub(at);
        self.push_bytes(slice(&head, from(0)));
        self.push_file(archive, within(&member.range(), &from(head.len() as u64)));
        self.push_bytes(slice(&tail, from(tail_at)));
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
                Some(piece) if piece.length() == 0 => drop(pieces.pop_front()),
                Some(piece) => {
                    let polled = piece.poll_frame(context);
                    // What would come next must not follow a hole.
                    if matches!(polled, Poll::Ready(Some(Err(_)))) {
                        pieces.clear();
                    }
                    return polled;
                }
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
            Self::Unpacked(member) => member.size_hint().lower(),
        }
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self {
            Self::Memory(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::File(file) => Pin::new(file).poll_frame(context),
            Self::Unpacked(member) => Pin::new(&mut **member).poll_frame(context),
        }
    }
}

/// The part of `place` that `range`, counted from its start, means.
fn within(place: &Range<u64>, range: &Range<u64>) -> Range<u64> {
    let at = |offset: u64| place.start.saturating_add(offset).min(place.end);
    at(range.start)..at(range.end)
}

/// The part of some bytes that lies within a range.
fn slice(bytes: &Bytes, range: Range<u64>) -> Bytes {
    let at = |offset| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(at(range.start)..at(range.end))
}
