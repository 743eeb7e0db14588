//! A member of an archive: where its bytes are, and its two forms.
//!
//! The gzip form (RFC 1952) is ten bytes of head, the deflated bytes as they are in the archive, and checksum and size,
//! which the directory holds.

use std::ops::Range;

use bytes::Bytes;
use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::super::Patience;
use super::super::body::{fill, read_range};
use super::super::resolve::{Failure, Opened};
use super::directory::{Entry, Method};
use crate::response::error::Refusal;
use crate::response::fault::Fault;

/// Deflate, no flags, no time, no level, from Unix: the bytes that lwsws sends.
pub(in super::super) const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// Bytes of a gzip form beyond the deflated ones.
const GZIP_EXTRA: u64 = 18;

const HEADER: &[u8] = b"PK\x03\x04";
const HEADER_LENGTH: usize = 30;

/// A member, and where its packed bytes are in the archive.
#[derive(Debug)]
pub(in super::super) struct Packed {
    pub(super) name: Box<[u8]>,
    pub(super) entry: Entry,
    start: u64,
}

/// How a member is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Form {
    Plain,
    Gzip,
}

impl Packed {
    /// Finds the bytes of a member behind its own header (APPNOTE 6.3, section 4.3.7).
    pub(super) fn new(
        entry: &Entry,
        opened: &Opened,
        name: &[u8],
        patience: Patience,
    ) -> Result<Self, Failure> {
        let mut packed = Self { name: name.into(), entry: *entry, start: 0 };
        let mut header = [0; HEADER_LENGTH];
        let read = fill(&opened.file, &mut header, entry.header, patience);
        let read = read.map_err(|errno| opened.failure(errno, patience))?;
        if !read || !header.starts_with(HEADER) {
            return Err(packed.damaged(opened, "its header is not where the directory says"));
        }
        let [.., n0, n1, e0, e1] = header;
        let names = u64::from(u16::from_le_bytes([n0, n1])) + u64::from(u16::from_le_bytes([e0, e1]));
        packed.start = entry.header.saturating_add(HEADER_LENGTH as u64 + names);
        if packed.range().end > entry.limit {
            return Err(packed.damaged(opened, "it reaches into the directory"));
        }
        Ok(packed)
    }

    /// Whether there is a gzip form.
    pub(super) fn can_be_gzip(&self) -> bool {
        self.entry.method == Method::Deflated
    }

    /// Whether a form can only be had by unpacking it from its first byte on.
    pub(in super::super) fn must_be_unpacked(&self, form: Form) -> bool {
        form == Form::Plain && self.entry.method == Method::Deflated
    }

    /// Where its packed bytes are in the archive.
    pub(in super::super) fn range(&self) -> Range<u64> {
        self.start..self.start.saturating_add(self.entry.packed.into())
    }

    /// The length of a form, in bytes.
    pub(in super::super) fn length(&self, form: Form) -> u64 {
        match form {
            Form::Plain => self.entry.size.into(),
            Form::Gzip => u64::from(self.entry.packed) + GZIP_EXTRA,
        }
    }

    /// The last bytes of the gzip form.
    pub(in super::super) fn gzip_tail(&self) -> [u8; 8] {
        let ([a, b, c, d], [e, f, g, h]) = (self.entry.crc.to_le_bytes(), self.entry.size.to_le_bytes());
        [a, b, c, d, e, f, g, h]
    }

    /// What tells it from others of the same name: size and checksum.
    pub(in super::super) fn tag(&self) -> String {
        format!("{:x}-{:08x}", self.entry.size, self.entry.crc)
    }

    /// A form in memory. `None` if the archive is being written.
    pub(in super::super) fn read(
        &self,
        form: Form,
        opened: &Opened,
        patience: Patience,
    ) -> Result<Option<Bytes>, Failure> {
        let Some(packed) = read_range(opened, self.range(), patience)? else { return Ok(None) };
        if form == Form::Gzip {
            return Ok(Some([&GZIP_HEAD, &*packed, &self.gzip_tail()].concat().into()));
        }
        let bytes = match self.entry.method {
            Method::Stored => packed,
            Method::Deflated => self.inflate(&packed).map_err(|why| self.damaged(opened, why))?.into(),
        };
        let mut crc = Crc::new();
        crc.update(&bytes);
        if crc.sum() != self.entry.crc {
            return Err(self.damaged(opened, "its checksum is wrong"));
        }
        Ok(Some(bytes))
    }

    /// Unpacks all of it, and not a byte more than the directory says.
    fn inflate(&self, packed: &[u8]) -> Result<Vec<u8>, &'static str> {
        let size = usize::try_from(self.entry.size).map_err(|_| "it does not fit into memory")?;
        // Room for one byte too many, so that it shows.
        let mut bytes = Vec::with_capacity(size.saturating_add(1));
        let status = Decompress::new(false).decompress_vec(packed, &mut bytes, FlushDecompress::Finish);
        match status {
            Ok(Status::StreamEnd) if bytes.len() == size => Ok(bytes),
            Ok(Status::StreamEnd | Status::Ok | Status::BufError) => {
                Err("it is not as long as the directory says")
            }
            Err(_) => Err("its deflated bytes are not legal"),
        }
    }

    fn damaged(&self, opened: &Opened, why: &str) -> Failure {
        let archive = String::from_utf8_lossy(&opened.name);
        let name = String::from_utf8_lossy(&self.name);
        let words = format!("archive `{archive}`: member `{}`: {why}", name.escape_debug());
        Failure::Broken(Fault::new(Refusal::Internal, words))
    }
}
