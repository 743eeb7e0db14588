//! What goes out on a connection: the head of a request, and its content as it comes.

use std::io::{self, IoSlice, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body as _, Frame};
use tokio::io::AsyncWrite;

use crate::response::handler::proxy::sending::Stopped;
use crate::response::handler::proxy::trailers::is_allowed;
use crate::response::handler::proxy::upload::Upload;

/// The most room that is kept for the next request, in bytes.
const KEPT: usize = 8 << 10;

/// How the content of a request is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Framing {
    /// There is no content.
    None,
    /// So many bytes are to come.
    Length(u64),
    Chunked,
}

/// What is to be written.
#[derive(Debug)]
pub(super) struct Output {
    /// A head, the size of a chunk, or trailers.
    text: Vec<u8>,
    piece: Bytes,
    /// What ends the piece.
    end: &'static [u8],
    /// What of `text` has been written.
    written: usize,
    unflushed: bool,
    content: Framing,
    /// Whether anything of the request has been written.
    begun: bool,
    /// How many bytes have been written since the beginning.
    sent: u64,
}

impl Output {
    pub(super) fn new() -> Self {
        Self {
            text: Vec::new(),
            piece: Bytes::new(),
            end: b"",
            written: 0,
            unflushed: false,
            content: Framing::None,
            begun: false,
            sent: 0,
        }
    }

    /// Begins a request; the caller writes its head.
    pub(super) fn begin(&mut self, content: Framing) -> &mut Vec<u8> {
        self.text.clear();
        // Nothing is to come, and whether its end does is for nobody to wait for.
        let content = if content == Framing::Length(0) { Framing::None } else { content };
        (self.written, self.begun, self.content) = (0, false, content);
        &mut self.text
    }

    /// Whether nothing of the request has been written.
    pub(super) fn is_unsent(&self) -> bool {
        !self.begun
    }

    /// Writes, as far as that goes now; ready when all of the request is out.
    pub(super) fn poll(
        &mut self,
        stream: &mut (impl AsyncWrite + Unpin),
        upload: &mut Upload,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Stopped>> {
        loop {
            // The first piece goes out together with the head, if it is there.
            let waits = self.piece.is_empty()
                && self.content != Framing::None
                && self.poll_content(upload, cx)?.is_pending();
            ready!(self.poll_write(stream, cx)).map_err(Stopped::Connection)?;
            if waits || self.content == Framing::None {
                // What has gone out so far should arrive, whatever comes next.
                let flushed = self.poll_flush(stream, cx).map_err(Stopped::Connection)?;
                return if waits { Poll::Pending } else { flushed.map(Ok) };
            }
        }
    }

    /// Whether all of the request has been written.
    pub(super) fn is_done(&self) -> bool {
        self.content == Framing::None
            && self.text.is_empty()
            && self.piece.is_empty()
            && self.end.is_empty()
            && !self.unflushed
    }

    /// How many bytes have been written since the beginning.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// No more of the request is to be written.
    pub(super) fn abandon(&mut self) {
        *self = Self { begun: self.begun, sent: self.sent, ..Self::new() };
    }

    fn poll_content(&mut self, upload: &mut Upload, cx: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        let put = match ready!(Pin::new(upload).poll_frame(cx)) {
            Some(Ok(frame)) => self.put(frame),
            Some(Err(_)) => Err(Stopped::Content),
            None => self.put_end(&HeaderMap::new()),
        };
        Poll::Ready(put)
    }

    /// A piece of the content, or its trailers.
    fn put(&mut self, frame: Frame<Bytes>) -> Result<(), Stopped> {
        match frame.into_data() {
            Ok(piece) if piece.is_empty() => {}
            Ok(piece) => {
                match &mut self.content {
                    Framing::Length(left) => {
                        *left = left.checked_sub(piece.len() as u64).ok_or(Stopped::Content)?;
                        if *left == 0 {
                            self.content = Framing::None;
                        }
                    }
                    Framing::Chunked => {
                        let _ = write!(self.text, "{:x}\r\n", piece.len());
                        self.end = b"\r\n";
                    }
                    Framing::None => return Err(Stopped::Content),
                }
                self.piece = piece;
            }
            Err(frame) => self.put_end(&frame.into_trailers().unwrap_or_default())?,
        }
        Ok(())
    }

    fn put_end(&mut self, trailers: &HeaderMap) -> Result<(), Stopped> {
        if self.content == Framing::Chunked {
            self.text.extend_from_slice(b"0\r\n");
            for (name, value) in trailers.iter().filter(|(name, _)| is_allowed(name)) {
                put_field(&mut self.text, name.as_str(), &[value.as_bytes()]);
            }
            self.text.extend_from_slice(b"\r\n");
        } else if matches!(self.content, Framing::Length(_)) {
            return Err(Stopped::Content);
        }
        self.content = Framing::None;
        Ok(())
    }

    fn poll_write(
        &mut self,
        stream: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.written < self.text.len() || !self.piece.is_empty() || !self.end.is_empty() {
            let text = &self.text[self.written..];
            let count = if self.piece.is_empty() && self.end.is_empty() {
                ready!(Pin::new(&mut *stream).poll_write(cx, text))?
            } else {
                let slices = [IoSlice::new(text), IoSlice::new(&self.piece), IoSlice::new(self.end)];
                ready!(Pin::new(&mut *stream).poll_write_vectored(cx, &slices))?
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            (self.begun, self.unflushed) = (true, true);
            self.sent += count as u64;
            self.advance(count);
        }
        self.text.clear();
        self.text.shrink_to(KEPT);
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// So many bytes have been written.
    fn advance(&mut self, count: usize) {
        let of_text = count.min(self.text.len() - self.written);
        self.written += of_text;
        let of_piece = (count - of_text).min(self.piece.len());
        self.piece.advance(of_piece);
        let of_end = (count - of_text - of_piece).min(self.end.len());
        self.end = &self.end[of_end..];
    }

    fn poll_flush(
        &mut self,
        stream: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(Pin::new(stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

/// Writes a field whose value is made of parts.
pub(in super::super) fn put_field(text: &mut Vec<u8>, name: &str, parts: &[&[u8]]) {
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b": ");
    for part in parts {
        text.extend_from_slice(part);
    }
    text.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::{AsyncReadExt as _, BufWriter, duplex};

    use super::*;

    #[tokio::test]
    async fn what_a_buffer_holds_is_not_out() {
        const HEAD: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
        let (mut upstream, stream) = duplex(HEAD.len() - 1);
        let mut stream = BufWriter::new(stream);
        let (mut output, mut upload) = (Output::new(), Upload::None);
        output.begin(Framing::None).extend_from_slice(HEAD);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(output.poll(&mut stream, &mut upload, &mut cx).is_pending());
        assert!(!output.is_done());
        upstream.read_exact(&mut [0; HEAD.len() - 1]).await.unwrap();
        assert!(output.poll(&mut stream, &mut upload, &mut cx).is_ready());
        assert!(output.is_done());
    }
}
