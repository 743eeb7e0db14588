//! Ways to damage a plan, and to seal it again as if nothing had happened.

use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::Index;

const PREAMBLE: usize = 128;
const ROW: usize = 32;
const HASH: Range<usize> = 32..64;

/// One damage. Places are fractions of the file, whatever its length.
#[derive(Debug, Clone)]
pub(super) enum Damage {
    /// One bit is turned over.
    Flip(Index, u8),
    /// One byte has another value.
    Change(Index, u8),
    /// Eight bytes, where counts and lengths stand, have an extreme value.
    Count(Index, u64),
    /// The end is missing.
    Cut(Index),
    /// Bytes that do not belong there stand in between.
    Insert(Index, Vec<u8>),
    /// Bytes are missing in between.
    Remove(Index, usize),
    /// Two pieces of this length have changed places.
    Swap(Index, Index, usize),
    /// A piece is zero.
    Zero(Index, usize),
}

/// Any damage.
pub(super) fn anywhere() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    let extremes =
        prop_oneof![Just(0), Just(1), Just(255), Just(1 << 32), Just(u64::MAX / 2), Just(u64::MAX)];
    prop_oneof![
        3 => (index(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        3 => (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Change(at, byte)),
        3 => (index(), extremes).prop_map(|(at, count)| Damage::Count(at, count)),
        1 => index().prop_map(Damage::Cut),
        1 => (index(), proptest::collection::vec(any::<u8>(), 1..64))
            .prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        1 => (index(), 1..64usize).prop_map(|(at, length)| Damage::Remove(at, length)),
        1 => (index(), index(), 1..64usize).prop_map(|(a, b, length)| Damage::Swap(a, b, length)),
        1 => (index(), 1..64usize).prop_map(|(at, length)| Damage::Zero(at, length)),
    ]
}

impl Damage {
    /// The bytes with this damage. Bytes that are all gone stay so.
    pub(super) fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        if out.is_empty() {
            return out;
        }
        let length = out.len();
        let piece = |at: &Index, size: usize| {
            let start = at.index(length);
            start..(start + size).min(length)
        };
        match self {
            Self::Flip(at, bit) => out[at.index(length)] ^= 1 << bit,
            Self::Change(at, byte) => out[at.index(length)] = *byte,
            Self::Count(at, count) => {
                let place = piece(at, 8);
                let bytes = count.to_le_bytes();
                out[place.clone()].copy_from_slice(&bytes[..place.len()]);
            }
            Self::Cut(at) => out.truncate(at.index(length)),
            Self::Insert(at, more) => {
                out.splice(at.index(length)..at.index(length), more.iter().copied());
            }
            Self::Remove(at, size) => {
                out.drain(piece(at, *size));
            }
            Self::Swap(a, b, size) => {
                let (a, b) = (piece(a, *size), piece(b, *size));
                for (a, b) in a.zip(b) {
                    out.swap(a, b);
                }
            }
            Self::Zero(at, size) => out[piece(at, *size)].fill(0),
        }
        out
    }
}

/// Makes length, checksums and hash right again, as far as the directory can be followed.
pub(super) fn seal(bytes: &mut [u8]) {
    if bytes.len() < PREAMBLE {
        return;
    }
    let length = bytes.len() as u64;
    bytes[16..24].copy_from_slice(&length.to_le_bytes());
    for row in (PREAMBLE..bytes.len()).step_by(ROW).take(u32_at(bytes, 24) as usize) {
        let section = section(bytes, row).map(xxhash_rust::xxh3::xxh3_64);
        if let (Some(checksum), Some(field)) = (section, bytes.get_mut(row + 24..row + 32)) {
            field.copy_from_slice(&checksum.to_le_bytes());
        }
    }
    bytes[HASH].fill(0);
    let hash = *blake3::hash(bytes).as_bytes();
    bytes[HASH].copy_from_slice(&hash);
}

/// The bytes of the section that a row of the directory names.
fn section(bytes: &[u8], row: usize) -> Option<&[u8]> {
    let field = |at: usize| {
        let bytes = bytes.get(row + at..row + at + 8)?;
        usize::try_from(u64::from_le_bytes(bytes.try_into().ok()?)).ok()
    };
    let start = field(8)?;
    bytes.get(start..start.checked_add(field(16)?)?)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
