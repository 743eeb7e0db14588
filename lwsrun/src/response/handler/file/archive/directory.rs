//! The directory at the end of an archive: names, and where members are.
//!
//! Layout, all numbers little-endian (PKWARE's APPNOTE 6.3, sections 4.3.12 and 4.3.16):
//!
//! - one record for each member: `PK 01 02`, 42 bytes of fields, then name, extra field and comment;
//! - the end record, which ends the file: `PK 05 06`, four numbers that tell the parts of an archive in several files,
//!   length and offset of the directory, and a comment with its length in front.
//!
//! Bytes may stand before the archive, as in files that unpack themselves: offsets then count from where it begins.
//!
//! Not served: archives in several files or in the 64-bit form (as a whole), and members that are encrypted, in that
//! form, packed by another method than deflate, symbolic links, or whose name is not one that a path can mean.

use std::collections::BTreeMap;
use std::ops::Bound;

use rustix::io::Errno;

use super::super::Patience;
use super::super::body::fill;
use super::super::resolve::Opened;

/// The most bytes of a directory that is read: 65,535 members with names of usual length.
const LARGEST: u64 = 32 << 20;

const END: &[u8] = b"PK\x05\x06";
const END_LENGTH: usize = 22;
const END64_LOCATOR: &[u8] = b"PK\x06\x07";
const END64_LOCATOR_LENGTH: usize = 20;
const RECORD: &[u8] = b"PK\x01\x02";
/// A length or offset that stands in a 64-bit field elsewhere.
const ELSEWHERE: u32 = u32::MAX;
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

/// The members of an archive that are served.
#[derive(Debug)]
pub(super) struct Directory {
    members: BTreeMap<Box<[u8]>, Entry>,
    /// How many others there are, and what is the matter with the first.
    left_out: Option<(usize, String)>,
}

/// What the directory says of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) method: Method,
    /// CRC-32 of what it holds.
    pub(super) crc: u32,
    /// In bytes, unpacked.
    pub(super) size: u32,
    /// In bytes, in the archive.
    pub(super) packed: u32,
    /// Where its own header begins in the file.
    pub(super) header: u64,
    /// Where the last byte of it must have been: the directory's offset.
    pub(super) limit: u64,
}

/// How a member is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// Why an archive is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReadError {
    #[error("{0}")]
    Io(Errno),
    #[error("this is no zip archive, or bytes were added behind it")]
    NoEnd,
    #[error("its 64-bit form is not served; pack it again with less than 65,535 members and 4 GiB")]
    Zip64,
    #[error("archives in several files are not served")]
    SeveralFiles,
    #[error("its directory takes {0} bytes, more than the {LARGEST} that are read")]
    TooLarge(u64),
    #[error("its directory is damaged: {0}")]
    Damaged(&'static str),
}

/// Where the directory is.
#[derive(Debug, PartialEq, Eq)]
struct End {
    /// How many records it has.
    records: u16,
    /// In the file.
    start: u64,
    length: u32,
    /// Where the archive begins in the file.
    base: u64,
}

/// Numbers and texts, one after the other.
struct Fields<'b>(&'b [u8]);

impl Directory {
    /// Reads the directory of an archive. It may wait for a disk.
    pub(super) fn read(opened: &Opened) -> Result<Self, ReadError> {
        let size = opened.identity.size;
        let tail_length = size.min((END_LENGTH + END64_LOCATOR_LENGTH) as u64 + u64::from(u16::MAX));
        let tail = bytes_at(opened, size.saturating_sub(tail_length), tail_length)?;
        let end = End::find(&tail, size)?;
        if u64::from(end.length) > LARGEST {
            return Err(ReadError::TooLarge(end.length.into()));
        }
        Self::parse(&bytes_at(opened, end.start, end.length.into())?, &end)
    }

    fn parse(bytes: &[u8], end: &End) -> Result<Self, ReadError> {
        let mut directory = Self { members: BTreeMap::new(), left_out: None };
        let mut fields = Fields(bytes);
        for _ in 0..end.records {
            let (name, entry) = fields.record(end).ok_or(ReadError::Damaged("a record is cut short"))?;
            match entry {
                _ if name.ends_with(b"/") => {}
                // Of two with the same name the first counts, as in lwsws.
                Ok(entry) => drop(directory.members.entry(name.into()).or_insert(entry)),
                Err(why) => directory.leave_out(name, why),
            }
        }
        if fields.0.is_empty() {
            Ok(directory)
        } else {
            Err(ReadError::Damaged("it has more records than it says"))
        }
    }

    fn leave_out(&mut self, name: &[u8], why: &str) {
        let (count, _) = self.left_out.get_or_insert_with(|| {
            let name = String::from_utf8_lossy(name);
            (0, format!("`{}`: {why}", name.escape_debug()))
        });
        *count += 1;
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Entry> {
        self.members.get(name)
    }

    /// Whether there are members below `name` and a slash.
    pub(super) fn has_folder(&self, name: &[u8]) -> bool {
        let prefix = [name, b"/"].concat();
        let mut below = self.members.range::<[u8], _>((Bound::Excluded(&*prefix), Bound::Unbounded));
        below.next().is_some_and(|(name, _)| name.starts_with(&prefix))
    }

    /// What there is and is not served, in words.
    pub(super) fn left_out(&self) -> Option<String> {
        let (count, first) = self.left_out.as_ref()?;
        Some(format!("{count} of its members are not served, the first is {first}"))
    }
}

impl End {
    /// Looks for the end record in the last bytes of a file of `size` bytes.
    fn find(tail: &[u8], size: u64) -> Result<Self, ReadError> {
        let starts = (0..=tail.len().saturating_sub(END_LENGTH)).rev();
        let mut ends = starts.filter_map(|at| Some((at, Fields(tail.get(at..)?).end()?)));
        let (at, fields) = ends.next().ok_or(ReadError::NoEnd)?;
        let [disk, directory_disk, records_here, records] = fields.parts;
        let locator = at.checked_sub(END64_LOCATOR_LENGTH).and_then(|before| tail.get(before..at));
        let zip64 = locator.is_some_and(|locator| locator.starts_with(END64_LOCATOR));
        if zip64 || records == u16::MAX || fields.length == ELSEWHERE || fields.offset == ELSEWHERE {
            return Err(ReadError::Zip64);
        }
        if disk != 0 || directory_disk != 0 || records_here != records {
            return Err(ReadError::SeveralFiles);
        }
        let place = size.saturating_sub((tail.len() - at) as u64);
        let start =
            place.checked_sub(fields.length.into()).ok_or(ReadError::Damaged("it begins before the file"))?;
        let base =
            start.checked_sub(fields.offset.into()).ok_or(ReadError::Damaged("it is not where it says"))?;
        Ok(Self { records, start, length: fields.length, base })
    }
}

/// The fields of an end record.
struct EndFields {
    parts: [u16; 4],
    length: u32,
    offset: u32,
}

impl<'b> Fields<'b> {
    /// An end record that ends the bytes.
    fn end(mut self) -> Option<EndFields> {
        self.expect(END)?;
        let parts = [self.u16()?, self.u16()?, self.u16()?, self.u16()?];
        let (length, offset) = (self.u32()?, self.u32()?);
        let comment = usize::from(self.u16()?);
        (self.0.len() == comment).then_some(EndFields { parts, length, offset })
    }

    /// A record: the member's name, and what is said of it or why it is not served.
    fn record(&mut self, end: &End) -> Option<(&'b [u8], Result<Entry, &'static str>)> {
        self.expect(RECORD)?;
        let made_by = self.u16()?;
        let _needed = self.u16()?;
        let (flags, method) = (self.u16()?, self.u16()?);
        let _time_and_date = self.u32()?;
        let (crc, packed, size) = (self.u32()?, self.u32()?, self.u32()?);
        let lengths = [self.u16()?, self.u16()?, self.u16()?].map(usize::from);
        let (disk, _internal) = (self.u16()?, self.u16()?);
        let (attributes, offset) = (self.u32()?, self.u32()?);
        let [name, _extra, _comment] =
            [self.take(lengths[0])?, self.take(lengths[1])?, self.take(lengths[2])?];
        let method = match method {
            0 if packed == size => Ok(Method::Stored),
            8 => Ok(Method::Deflated),
            0 => Err("its two sizes differ although it is not packed"),
            _ => Err("it is packed by another method than deflate"),
        };
        let entry = if flags & ENCRYPTED != 0 {
            Err("it is encrypted")
        } else if [packed, size, offset].contains(&ELSEWHERE) {
            Err("it is in the 64-bit form")
        } else if disk != 0 {
            Err("it is in another file")
        } else if size == 0 && crc != 0 {
            // There is nothing that could be checked while it is sent.
            Err("it is said to be empty, and its checksum is not")
        } else if made_by >> 8 == 3 && attributes >> 28 == 0o12 {
            Err("it is a symbolic link")
        } else if !is_path(name) {
            Err("its name is not a relative path of plain names")
        } else {
            let header = end.base.saturating_add(offset.into());
            method.map(|method| Entry { method, crc, size, packed, header, limit: end.start })
        };
        Some((name, entry))
    }

    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn expect(&mut self, signature: &[u8]) -> Option<()> {
        (self.take(signature.len())? == signature).then_some(())
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }
}

/// Whether a name is one that the path of a request can mean.
fn is_path(name: &[u8]) -> bool {
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let legal =
        |part: &[u8]| !matches!(part, b"" | b"." | b"..") && !part.contains(&0) && !part.contains(&b'\\');
    name.split(|&byte| byte == b'/').all(legal)
}

fn bytes_at(opened: &Opened, offset: u64, length: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| ReadError::TooLarge(length))?];
    match fill(&opened.file, &mut bytes, offset, Patience::Disk) {
        Ok(true) => Ok(bytes),
        Ok(false) => Err(ReadError::Damaged("the file is being written")),
        Err(errno) => Err(ReadError::Io(errno)),
    }
}
