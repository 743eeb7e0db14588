//! A transport that sends files without copying them: chunks that stand for parts of files (see [`region`]) go out by
//! `sendfile`, all else as it is.
//!
//! A head and the beginning of its file leave in one segment: the head is sent with `MSG_MORE`. A file that was cut
//! short ends the connection in an error, since its length was promised; what is on its way is still the file's own
//! memory, and may arrive as it is after the cut, as with any `sendfile`. Where the file system refuses, the bytes are
//! copied here, because the head is out already.

mod region;
mod reserve;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::sendfile;
use rustix::io::{Errno, pread, retry_on_intr};
use rustix::net::{SendAncillaryBuffer, SendFlags, send, sendmsg};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

pub(crate) use region::{SLOT, SharedFile, chunk};

use super::read_closed::ReadClosed;

/// The most that is put together before it is written, in bytes: for the system one small piece costs less than two, by more
/// than the copy.
const SMALL: usize = 2 << 10;

/// How much is copied at once where a file cannot be sent, in bytes.
const COPY: usize = 64 << 10;

thread_local! {
    /// For such copies; empty until the first.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A socket that files can be sent to.
pub(super) trait Socket: AsFd + AsyncRead + AsyncWrite + Unpin {
    /// Waits for room.
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Runs `write`; if it would block, the socket waits for new room.
    fn try_write<T>(&self, write: impl FnOnce() -> io::Result<T>) -> io::Result<T>;
}

impl Socket for TcpStream {
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_ready(cx)
    }

    fn try_write<T>(&self, write: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.try_io(Interest::WRITABLE, write)
    }
}

impl Socket for UnixStream {
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_ready(cx)
    }

    fn try_write<T>(&self, write: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.try_io(Interest::WRITABLE, write)
    }
}

/// The transport.
#[derive(Debug)]
pub(super) struct Sendfile<S> {
    socket: S,
}

impl<S: Socket> Sendfile<S> {
    pub(super) fn new(socket: S) -> Self {
        Self { socket }
    }

    /// Writes slices of which the one at `first` is the first that stands for a part of a file.
    fn poll_write_file(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        first: usize,
    ) -> Poll<io::Result<usize>> {
        let (head, file) = (&slices[..first], &slices[first]);
        loop {
            ready!(self.socket.poll_room(cx))?;
            let written = self.socket.try_write(|| {
                if head.is_empty() {
                    return send_part(self.socket.as_fd(), file);
                }
                send_head(self.socket.as_fd(), head)
            });
            let written = match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                written => written?,
            };
            if head.is_empty() || written < length(head) {
                return Poll::Ready(Ok(written));
            }
            // What fails here fails again when the rest is written, and is told then.
            let more = self.socket.try_write(|| send_part(self.socket.as_fd(), file));
            return Poll::Ready(Ok(written + more.unwrap_or(0)));
        }
    }
}

fn length(slices: &[IoSlice<'_>]) -> usize {
    slices.iter().map(|slice| slice.len()).sum()
}

fn send_head(socket: BorrowedFd<'_>, head: &[IoSlice<'_>]) -> io::Result<usize> {
    let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
    Ok(retry_on_intr(|| sendmsg(socket, head, &mut SendAncillaryBuffer::default(), flags))?)
}

/// Sends what a slice stands for, or a beginning of it.
fn send_part(socket: BorrowedFd<'_>, slice: &[u8]) -> io::Result<usize> {
    let Some(part) = region::part_at(slice) else {
        return Err(io::Error::other("a chunk stands for no file"));
    };
    let mut offset = part.offset;
    // SIGPIPE is ignored in this process, as Rust does at its start: `sendfile` has no flag for it.
    match retry_on_intr(|| sendfile(socket, &*part.file, Some(&mut offset), slice.len())) {
        Ok(0) => Err(cut_short()),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::OVERFLOW) => {
            copy_part(socket, &part, slice.len())
        }
        sent => Ok(sent?),
    }
}

fn copy_part(socket: BorrowedFd<'_>, part: &region::Part, length: usize) -> io::Result<usize> {
    BUFFER.with_borrow_mut(|buffer| {
        buffer.resize(COPY, 0);
        let buffer = &mut buffer[..length.min(COPY)];
        match retry_on_intr(|| pread(&*part.file, &mut *buffer, part.offset))? {
            0 => Err(cut_short()),
            read => Ok(retry_on_intr(|| send(socket, &buffer[..read], SendFlags::NOSIGNAL))?),
        }
    })
}

fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "a file was cut short while it was being sent")
}

impl<S: ReadClosed> ReadClosed for Sendfile<S> {
    fn is_read_closed(&self) -> bool {
        self.socket.is_read_closed()
    }
}

impl<S: Socket> AsyncRead for Sendfile<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl<S: Socket> AsyncWrite for Sendfile<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if region::is_address(bytes) {
            return self.poll_write_file(cx, &[IoSlice::new(bytes)], 0);
        }
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices.iter().position(|slice| region::is_address(slice)) {
            Some(first) => self.poll_write_file(cx, slices, first),
            None if slices.len() > 1 && length(slices) <= SMALL => {
                let mut space = [MaybeUninit::uninit(); SMALL];
                let mut all = ReadBuf::uninit(&mut space);
                slices.iter().for_each(|slice| all.put_slice(slice));
                Pin::new(&mut self.socket).poll_write(cx, all.filled())
            }
            None => Pin::new(&mut self.socket).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
