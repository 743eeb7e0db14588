//! The kinds of section, and the directory that lists them.
//!
//! A row of the directory, 32 bytes:
//!
//! ```text
//!   0  2  kind                     8  8  offset in the file, divisible by 8
//!   2  2  0                       16  8  length in bytes, padding not counted
//!   4  4  number within its kind  24  8  xxh3-64 of the section's bytes
//! ```

use std::ops::Range;

use super::ReadError;
use super::preamble::PREAMBLE;

/// Bytes of a row of the directory.
pub(super) const ROW: usize = 32;

/// Sections start at multiples of this.
pub(super) const ALIGN: usize = 8;

/// What a section holds; all of them are written by the compiler and read by the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// [`Sources`](super::Sources): exactly one, the first.
    Sources,
    /// [`Global`](super::Global): exactly one, the second.
    Global,
    /// [`Listeners`](super::Listeners): exactly one, the third.
    Listeners,
    /// [`Vhost`](super::Vhost): one for each vhost, numbered from 0.
    Vhost,
}

impl Kind {
    fn code(self) -> u16 {
        match self {
            Self::Sources => 1,
            Self::Global => 2,
            Self::Listeners => 3,
            Self::Vhost => 4,
        }
    }

    /// The kind and number that row `row` must have.
    pub(super) fn of_row(row: usize) -> (Self, usize) {
        match row {
            0 => (Self::Sources, 0),
            1 => (Self::Global, 0),
            2 => (Self::Listeners, 0),
            _ => (Self::Vhost, row - 3),
        }
    }

    /// Its name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sources => "sources",
            Self::Global => "global",
            Self::Listeners => "listeners",
            Self::Vhost => "vhost",
        }
    }
}

/// Rounds up to the next multiple of [`ALIGN`]; `None` where that overflows.
pub(super) fn align(at: usize) -> Option<usize> {
    at.checked_next_multiple_of(ALIGN)
}

/// Reads the directory of a file whose preamble is fine: the range of each section's bytes.
///
/// Offsets are not trusted but recomputed, since only one layout is legal; so overlaps, gaps and ranges outside
/// the file cannot occur.
pub(super) fn read(bytes: &[u8], sections: u32) -> Result<Vec<Range<usize>>, ReadError> {
    let fault = |row: usize, reason: String| ReadError::Directory { row, reason };
    let count = sections as usize;
    if count < 4 {
        return Err(fault(count, format!("{count} sections, a plan has at least 4")));
    }
    let rows_end = count.checked_mul(ROW).and_then(|n| n.checked_add(PREAMBLE));
    let Some(directory) = rows_end.and_then(|end| bytes.get(PREAMBLE..end)) else {
        return Err(fault(0, format!("{count} rows do not fit in the file")));
    };
    let mut ranges = Vec::with_capacity(count);
    let mut at = PREAMBLE + directory.len();
    for (row, fields) in directory.chunks_exact(ROW).enumerate() {
        let range = read_row(bytes, row, fields, at).map_err(|reason| fault(row, reason))?;
        at = padded_end(bytes, &range).map_err(|reason| fault(row, reason))?;
        ranges.push(range);
    }
    if at != bytes.len() {
        return Err(fault(count, format!("{} bytes behind the last section", bytes.len() - at)));
    }
    Ok(ranges)
}

/// Checks one row against the kind, number and offset that it must have.
fn read_row(bytes: &[u8], row: usize, fields: &[u8], at: usize) -> Result<Range<usize>, String> {
    let (kind, number) = Kind::of_row(row);
    let head = u64_at(fields, 0);
    if head != row_head(kind, number) {
        return Err(format!("kind and number are {head:#x}, expected {} {number}", kind.name()));
    }
    let offset = u64_at(fields, 8);
    if offset != at as u64 {
        return Err(format!("offset {offset}, expected {at}"));
    }
    let length = u64_at(fields, 16);
    let end = usize::try_from(length).ok().and_then(|length| at.checked_add(length));
    let Some(section) = end.and_then(|end| bytes.get(at..end)) else {
        return Err(format!("length {length} reaches beyond the file"));
    };
    if xxhash_rust::xxh3::xxh3_64(section) != u64_at(fields, 24) {
        return Err("the section does not have the checksum that the row says".to_owned());
    }
    Ok(at..at + section.len())
}

/// Where the next section starts; the padding in between must be there and zero.
fn padded_end(bytes: &[u8], range: &Range<usize>) -> Result<usize, String> {
    let padding = align(range.end).and_then(|next| bytes.get(range.end..next));
    match padding {
        Some(padding) if padding.iter().all(|&byte| byte == 0) => Ok(range.end + padding.len()),
        Some(_) => Err("the padding behind the section is not zero".to_owned()),
        None => Err("the padding behind the section is missing".to_owned()),
    }
}

/// One row of the directory.
#[cfg(feature = "write")]
pub(super) fn row(row: usize, offset: usize, section: &[u8]) -> [u8; ROW] {
    let (kind, number) = Kind::of_row(row);
    let mut bytes = [0; ROW];
    let fields =
        [row_head(kind, number), offset as u64, section.len() as u64, xxhash_rust::xxh3::xxh3_64(section)];
    for (out, field) in bytes.chunks_exact_mut(8).zip(fields) {
        out.copy_from_slice(&field.to_le_bytes());
    }
    bytes
}

/// Kind, zero and number of a row as one number.
fn row_head(kind: Kind, number: usize) -> u64 {
    u64::from(kind.code()) | (number as u64) << 32
}

fn u64_at(fields: &[u8], at: usize) -> u64 {
    fields.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}
