//! A large member as a response body, unpacked and checked while it is sent.
//!
//! The last bytes are held back until length and checksum are known to be right; if they are wrong the body ends in an
//! error, so that the connection is closed and nobody takes it for whole.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use flate2::{Crc, Decompress, FlushDecompress, Status};
use http_body::{Body, Frame, SizeHint};

use super::super::body::FileBody;
use super::super::resolve::Opened;
use super::directory::Method;
use super::member::Packed;

/// The most bytes of a frame.
const FRAME: u64 = 128 * 1024;

/// All bytes of a member, in its plain form.
#[derive(Debug)]
pub(in super::super) struct Unpacked {
    member: Arc<Packed>,
    packed: FileBody,
    /// What has been read and not unpacked yet.
    input: Bytes,
    /// `None`: it is stored.
    inflater: Option<Decompress>,
    crc: Crc,
    /// How many bytes are still to come.
    rest: u64,
}

impl Unpacked {
    pub(in super::super) fn new(member: Arc<Packed>, opened: Arc<Opened>) -> Self {
        let inflater = match member.entry.method {
            Method::Stored => None,
            Method::Deflated => Some(Decompress::new(false)),
        };
        let packed = FileBody::new(opened, member.range());
        let rest = member.entry.size.into();
        Self { member, packed, input: Bytes::new(), inflater, crc: Crc::new(), rest }
    }

    /// Unpacks some of the input. No bytes: more input is needed.
    fn step(&mut self) -> Result<Bytes, &'static str> {
        let Some(inflater) = &mut self.inflater else { return Ok(std::mem::take(&mut self.input)) };
        // Room for one byte too many, so that it shows.
        let room = usize::try_from(self.rest.saturating_add(1).min(FRAME)).unwrap_or_default();
        let mut output = Vec::with_capacity(room);
        let before = inflater.total_in();
        let status = inflater
            .decompress_vec(&self.input, &mut output, FlushDecompress::None)
            .map_err(|_| "its deflated bytes are not legal")?;
        let consumed = usize::try_from(inflater.total_in().saturating_sub(before)).unwrap_or_default();
        self.input.advance(consumed.min(self.input.len()));
        let stuck = consumed == 0 && output.is_empty();
        match status {
            Status::StreamEnd if output.len() as u64 != self.rest => {
                Err("it is shorter than the directory says")
            }
            Status::Ok | Status::BufError if stuck && !self.input.is_empty() => {
                Err("its deflated bytes are not legal")
            }
            _ => Ok(output.into()),
        }
    }

    /// Takes what was unpacked into account.
    fn account(&mut self, bytes: &Bytes) -> Result<(), &'static str> {
        self.crc.update(bytes);
        let length = bytes.len() as u64;
        self.rest = self.rest.checked_sub(length).ok_or("it is longer than the directory says")?;
        if self.rest == 0 && self.crc.sum() != self.member.entry.crc {
            return Err("its checksum is wrong");
        }
        Ok(())
    }

    /// Ends the body before its time.
    fn broken(&mut self, why: &'static str) -> io::Error {
        self.rest = 0;
        tracing::error!("member `{}`: {why}", String::from_utf8_lossy(&self.member.name).escape_debug());
        io::Error::new(io::ErrorKind::InvalidData, why)
    }
}

impl Body for Unpacked {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let body = self.get_mut();
        if body.rest == 0 {
            return Poll::Ready(None);
        }
        if body.input.is_empty() {
            match ready!(Pin::new(&mut body.packed).poll_frame(context)) {
                Some(Ok(frame)) => body.input = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    body.rest = 0;
                    return Poll::Ready(Some(Err(error)));
                }
                None if body.inflater.is_none() => {
                    return Poll::Ready(Some(Err(body.broken("it is cut short"))));
                }
                None => {}
            }
        }
        let at_end = body.input.is_empty();
        let unpacked = body.step().and_then(|bytes| body.account(&bytes).map(|()| bytes));
        match unpacked {
            Err(why) => Poll::Ready(Some(Err(body.broken(why)))),
            Ok(bytes) if !bytes.is_empty() => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Ok(_) if at_end => Poll::Ready(Some(Err(body.broken("it is cut short")))),
            // Input may unpack to nothing for long. Others have their turn in between.
            Ok(_) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest)
    }
}
