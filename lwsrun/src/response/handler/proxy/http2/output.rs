//! The content of a request on its stream, as the upstream's windows allow.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http::HeaderMap;
use http_body::{Body as _, Frame};

use crate::response::handler::proxy::http1::Framing;
use crate::response::handler::proxy::sending::Stopped;
use crate::response::handler::proxy::trailers::is_allowed;
use crate::response::handler::proxy::upload::Upload;

/// What is to be sent. A stream that is dropped before it has ended is reset.
#[derive(Debug)]
pub(super) struct Output {
    stream: SendStream<Bytes>,
    /// What the upstream has no room for yet.
    piece: Bytes,
    /// What is to come, the piece not counted.
    content: Framing,
    /// Whether the end has been sent.
    ended: bool,
    /// How many bytes the upstream had room for.
    sent: u64,
    /// Whether nothing is left to reset.
    is_over: bool,
}

impl Output {
    /// The content of a request that was begun on a stream.
    pub(super) fn new(stream: SendStream<Bytes>, content: Framing) -> Self {
        let ended = Self::is_nothing(content);
        Self { stream, piece: Bytes::new(), content, ended, sent: 0, is_over: false }
    }

    /// Whether the head is all of the request.
    pub(super) fn is_nothing(content: Framing) -> bool {
        matches!(content, Framing::None | Framing::Length(0))
    }

    /// Sends, as far as that goes now; ready when all of the request is on its way.
    pub(super) fn poll(&mut self, upload: &mut Upload, cx: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        while !self.ended {
            if self.piece.is_empty() {
                let Poll::Ready(frame) = Pin::new(&mut *upload).poll_frame(cx) else {
                    // The upstream may want no more, and nobody should go on for nothing.
                    let reset = ready!(self.stream.poll_reset(cx));
                    return Poll::Ready(Err(stopped(reset.map_or_else(|error| error, h2::Error::from))));
                };
                self.put(frame.transpose().map_err(|_| Stopped::Content)?)?;
            } else {
                self.stream.reserve_capacity(self.piece.len());
                let room = match self.stream.capacity() {
                    0 => ready!(self.stream.poll_capacity(cx)),
                    room => Some(Ok(room)),
                };
                let room = room.unwrap_or_else(|| Err(Reason::STREAM_CLOSED.into())).map_err(stopped)?;
                // The upstream may change its mind meanwhile, and counts frames without content.
                if room == 0 {
                    continue;
                }
                let piece = self.piece.split_to(room.min(self.piece.len()));
                self.sent += piece.len() as u64;
                let last = self.piece.is_empty() && (self.content == Framing::None || upload.is_end_stream());
                self.data(piece, last)?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether all of the request is on its way.
    pub(super) fn is_done(&self) -> bool {
        self.ended
    }

    /// How many bytes of content the upstream had room for.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// No more is to be sent.
    pub(super) fn abandon(&mut self) {
        (self.ended, self.piece) = (true, Bytes::new());
    }

    /// The answer has ended too: there is nothing to reset.
    pub(super) fn finish(&mut self) {
        self.is_over = self.ended;
    }

    /// A piece of the content, its trailers, or its end.
    fn put(&mut self, frame: Option<Frame<Bytes>>) -> Result<(), Stopped> {
        match frame.map(Frame::into_data) {
            Some(Ok(piece)) => {
                if let Framing::Length(left) = self.content {
                    let left = left.checked_sub(piece.len() as u64).ok_or(Stopped::Content)?;
                    self.content = if left == 0 { Framing::None } else { Framing::Length(left) };
                }
                self.piece = piece;
                Ok(())
            }
            Some(Err(frame)) => self.end(frame.into_trailers().unwrap_or_default()),
            None => self.end(HeaderMap::new()),
        }
    }

    fn end(&mut self, trailers: HeaderMap) -> Result<(), Stopped> {
        if matches!(self.content, Framing::Length(_)) {
            return Err(Stopped::Content);
        }
        let trailers = allowed(trailers);
        if trailers.is_empty() {
            return self.data(Bytes::new(), true);
        }
        self.stream.send_trailers(trailers).map_err(stopped)?;
        self.ended = true;
        Ok(())
    }

    fn data(&mut self, piece: Bytes, last: bool) -> Result<(), Stopped> {
        self.stream.send_data(piece, last).map_err(stopped)?;
        self.ended = last;
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.is_over {
            // RFC 9113, section 8.1.1: the answer, or what is left of the request, is of no use any more.
            self.stream.send_reset(Reason::CANCEL);
        }
    }
}

/// The trailers that are passed on.
pub(super) fn allowed(trailers: HeaderMap) -> HeaderMap {
    let mut name = None;
    let lines = trailers.into_iter().filter_map(|(next, value)| {
        // A name stands at its first line only.
        name = next.or(name.take());
        Some((name.clone()?, value))
    });
    let mut kept = HeaderMap::new();
    for (name, value) in lines.filter(|(name, _)| is_allowed(name)) {
        kept.append(name, value);
    }
    kept
}

fn stopped(error: h2::Error) -> Stopped {
    Stopped::Connection(io::Error::other(error))
}
