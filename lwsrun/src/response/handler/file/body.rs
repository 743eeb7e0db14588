//! Bytes of a file: read at once, or streamed in frames.
//!
//! [`read`] is the only place that reads, [`FileBody`]'s `poll_frame` the only one that makes frames.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use rustix::io::{Errno, ReadWriteFlags, pread, preadv2};
use tokio::task::{JoinHandle, spawn_blocking};

use super::Patience;
use super::resolve::{Failure, Opened, is_cold};
use crate::connection::{SLOT, SharedFile, chunk};

/// The largest file that is read whole and kept, in bytes.
pub(super) const SMALL: u64 = 256 * 1024;

/// The most bytes of a frame: enough for system calls not to matter, few enough for the cache of a core.
const FRAME: usize = 32 * 1024;

/// Up to so many bytes copying is cheaper than sending from the file: one system call less.
pub(super) const SENT: u64 = 32 * 1024;

/// The most bytes of a frame that is sent from the file: few enough for other connections to get their turn.
const SENT_FRAME: usize = SLOT / 2;

/// From how many bytes on a frame takes one of the thread's buffers. Below, most of the buffer would lie idle while a
/// slow client takes its frame.
const POOLED: usize = 16 * 1024;

/// How many idle buffers a thread keeps: more than hyper queues for one connection.
const IDLE: usize = 16;

thread_local! {
    /// Buffers of [`FRAME`] bytes. Fresh ones have to be zeroed, which costs about as much as a copy of the frame.
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Reads a part of a file, of at most [`SMALL`] bytes. `None` if the file is not in the state any more in which it was
/// opened.
pub(super) fn read_range(
    opened: &Opened,
    range: Range<u64>,
    patience: Patience,
) -> Result<Option<Bytes>, Failure> {
    let fail = |errno| opened.failure(errno, patience);
    let length = range.end.saturating_sub(range.start).min(SMALL);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    let whole = fill(&opened.file, &mut bytes, range.start, patience).map_err(fail)?;
    let holds_still = whole && opened.identity_now().map_err(fail)? == opened.identity;
    Ok(holds_still.then(|| Bytes::from(bytes)))
}

/// Fills a buffer with what there is from `offset` on. `false`: the file ends before that.
pub(super) fn fill(file: &File, buffer: &mut [u8], offset: u64, patience: Patience) -> Result<bool, Errno> {
    let mut filled = 0;
    while filled < buffer.len() {
        match read(file, &mut buffer[filled..], offset.saturating_add(filled as u64), patience)? {
            0 => return Ok(false),
            n => filled += n,
        }
    }
    Ok(true)
}

/// A part of a file as a response body.
///
/// A file that is cut short meanwhile ends the body in an error, so that the connection is closed: padding would pass
/// for contents.
#[derive(Debug)]
pub(super) struct FileBody {
    opened: Arc<Opened>,
    /// What is still to be sent.
    rest: Range<u64>,
    /// A read on the blocking pool.
    reading: Option<DiskRead>,
    /// The transport takes the bytes from the file.
    sent: bool,
}

/// The bytes that are being read, and how many of them are filled. Not a [`Buffer`]: it would go back to a thread of
/// the pool, where nobody takes it, if the body is dropped first.
type DiskRead = JoinHandle<Result<(Vec<u8>, usize), Errno>>;

impl FileBody {
    /// The bytes of `range`, which lies within the file.
    pub(super) fn new(opened: Arc<Opened>, range: Range<u64>) -> Self {
        Self { opened, rest: range, reading: None, sent: false }
    }

    /// The same, for a transport that takes them from the file, so that frames need not hold them.
    pub(super) fn sent(opened: Arc<Opened>, range: Range<u64>) -> Self {
        Self { sent: true, ..Self::new(opened, range) }
    }

    /// How many bytes are still to be sent.
    pub(super) fn remaining(&self) -> u64 {
        self.rest.end.saturating_sub(self.rest.start)
    }

    /// The next bytes: from memory at once, or else by one read on the blocking pool.
    fn poll_read(&mut self, context: &mut Context<'_>, wanted: usize) -> Poll<Result<Buffer, Errno>> {
        if self.reading.is_none() {
            let mut buffer = Buffer::take(wanted);
            match read(&self.opened.file, &mut buffer.bytes[..wanted], self.rest.start, Patience::Memory) {
                Err(errno) if is_cold(errno) => self.reading = Some(self.read_on_disk(wanted)),
                Err(errno) => return Poll::Ready(Err(errno)),
                Ok(filled) => {
                    buffer.filled = filled;
                    return Poll::Ready(Ok(buffer));
                }
            }
        }
        let Some(task) = &mut self.reading else { return Poll::Ready(Err(Errno::IO)) };
        let done = ready!(Pin::new(task).poll(context));
        self.reading = None;
        Poll::Ready(done.unwrap_or(Err(Errno::IO)).map(|(bytes, filled)| Buffer { bytes, filled }))
    }

    /// A frame that stands for the next bytes; `None` if none can be had.
    ///
    /// The transport reads on the worker, so bytes that are on the disk only are fetched first. The last one is asked
    /// for: it is the last to come. An earlier one may be missing, then the worker waits.
    fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Errno>> {
        let wanted = usize::try_from(self.remaining()).unwrap_or(SENT_FRAME).min(SENT_FRAME);
        let range = self.rest.start..self.rest.start + wanted as u64;
        match &mut self.reading {
            None => match read(&self.opened.file, &mut [0], range.end - 1, Patience::Memory) {
                Ok(0) => return Poll::Ready(Err(Errno::NODATA)),
                Ok(_) => {}
                Err(errno) if is_cold(errno) => {
                    self.reading = Some(self.read_on_disk(wanted));
                    return self.poll_sent(context);
                }
                Err(errno) => return Poll::Ready(Err(errno)),
            },
            Some(task) => {
                let done = ready!(Pin::new(task).poll(context));
                self.reading = None;
                if let Err(errno) = done.unwrap_or(Err(Errno::IO)) {
                    return Poll::Ready(Err(errno));
                }
            }
        }
        let file: SharedFile = Arc::clone(&self.opened) as SharedFile;
        let chunk = chunk(file, range.clone());
        if chunk.is_some() {
            self.rest.start = range.end;
        }
        Poll::Ready(Ok(chunk))
    }

    fn read_on_disk(&self, wanted: usize) -> DiskRead {
        let (opened, offset) = (Arc::clone(&self.opened), self.rest.start);
        spawn_blocking(move || {
            let mut bytes = vec![0; wanted];
            let filled = read(&opened.file, &mut bytes, offset, Patience::Disk)?;
            Ok((bytes, filled))
        })
    }

    /// Ends the body before its time.
    fn broken(&mut self, error: io::Error) -> io::Error {
        self.rest.start = self.rest.end;
        tracing::warn!("`{}` while it was being sent: {error}", String::from_utf8_lossy(&self.opened.name));
        error
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let body = self.get_mut();
        if body.sent && body.remaining() > SENT {
            match ready!(body.poll_sent(context)) {
                Ok(Some(chunk)) => return Poll::Ready(Some(Ok(Frame::data(chunk)))),
                // All slots are taken: copied.
                Ok(None) => body.sent = false,
                Err(errno) => return Poll::Ready(Some(Err(body.broken(errno.into())))),
            }
        }
        let wanted = usize::try_from(body.remaining()).unwrap_or(FRAME).min(FRAME);
        if wanted == 0 {
            return Poll::Ready(None);
        }
        let frame = match ready!(body.poll_read(context, wanted)) {
            Ok(buffer) if buffer.filled == 0 => {
                let error = io::Error::new(io::ErrorKind::UnexpectedEof, "the file was cut short");
                Err(body.broken(error))
            }
            Ok(buffer) => {
                body.rest.start += buffer.filled as u64;
                Ok(Frame::data(Bytes::from_owner(buffer)))
            }
            Err(errno) => Err(body.broken(errno.into())),
        };
        Poll::Ready(Some(frame))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining())
    }
}

/// Memory of a frame, which goes back to its thread when hyper has written it.
struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
}

impl Buffer {
    /// A buffer of at least `wanted` bytes, with none filled.
    fn take(wanted: usize) -> Self {
        let idle = || BUFFERS.with(|buffers| buffers.borrow_mut().pop());
        let bytes = match wanted {
            0..POOLED => vec![0; wanted],
            _ => idle().unwrap_or_else(|| vec![0; FRAME]),
        };
        Self { bytes, filled: 0 }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.bytes.len() == FRAME {
            let bytes = std::mem::take(&mut self.bytes);
            // At the end of the thread there is nowhere to keep it.
            let _ = BUFFERS.try_with(|buffers| {
                let mut buffers = buffers.borrow_mut();
                if buffers.len() < IDLE {
                    buffers.push(bytes);
                }
            });
        }
    }
}

/// Reads once. 0 bytes: the file ends here. Without patience it fails (see [`is_cold`]) rather than wait for a disk,
/// and may read less than there is.
fn read(file: &File, buffer: &mut [u8], offset: u64, patience: Patience) -> Result<usize, Errno> {
    loop {
        let read = match patience {
            Patience::Memory => preadv2(file, &mut [IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT),
            Patience::Disk => pread(file, &mut *buffer, offset),
        };
        match read {
            Err(Errno::INTR) => {}
            read => return read,
        }
    }
}
