//! The first 128 bytes of a plan, coded by hand and hardened most: foreign files get this far.
//!
//! ```text
//!   0   8  magic, `lwsplan\n`
//!   8   4  format version
//!  12   4  flags, 0
//!  16   8  length of the file in bytes
//!  24   4  number of sections
//!  28   4  0
//!  32  32  BLAKE3 of the whole file with these 32 bytes zero
//!  64  32  producer, ASCII, zero-padded
//!  96  32  BLAKE3 over the names and hashes of the sources
//! ```

use super::ReadError;

/// The first eight bytes of every plan.
pub const MAGIC: [u8; 8] = *b"lwsplan\n";

/// The version of the format: any change of any byte's meaning raises it.
pub const FORMAT_VERSION: u32 = 1;

/// Bytes of the preamble.
pub(super) const PREAMBLE: usize = 128;

const HASH: std::ops::Range<usize> = 32..64;

/// The preamble's fields that the reader needs after it has been checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Preamble {
    /// Rows of the directory.
    pub(super) sections: u32,
    /// BLAKE3 of the file, which names the plan.
    pub(super) hash: [u8; 32],
    /// Digest of the sources, as the preamble says.
    pub(super) sources: [u8; 32],
}

impl Preamble {
    /// Checks kind, version, flags, length and hash, in this order: the reason given is the first that explains
    /// the rest.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        if !bytes.starts_with(&MAGIC) && !bytes.is_empty() {
            let found = &bytes[..bytes.len().min(MAGIC.len())];
            return Err(ReadError::NotAPlan { found: escaped(found), expected: escaped(&MAGIC) });
        }
        let Some((head, _)) = bytes.split_first_chunk::<PREAMBLE>() else {
            return Err(ReadError::TooShort { found: bytes.len(), expected: PREAMBLE });
        };
        let version = u32_at(head, 8);
        if version != FORMAT_VERSION {
            let producer = escaped(head[64..96].split(|&b| b == 0).next().unwrap_or_default());
            return Err(ReadError::Version { found: version, expected: FORMAT_VERSION, producer });
        }
        let flags = u32_at(head, 12);
        if flags != 0 {
            return Err(ReadError::Flags { found: flags });
        }
        let length = u64_at(head, 16);
        if length != bytes.len() as u64 {
            return Err(ReadError::Length { found: bytes.len() as u64, expected: length });
        }
        let expected: [u8; 32] = chunk(head, HASH.start);
        let found = hash(bytes);
        if found != expected {
            return Err(ReadError::Hash { found: hex(&found[..8]), expected: hex(&expected[..8]) });
        }
        Ok(Self { sections: u32_at(head, 24), hash: found, sources: chunk(head, 96) })
    }

    /// The preamble of a file of `length` bytes, its hash still zero.
    #[cfg(feature = "write")]
    pub(super) fn bytes(length: u64, sections: u32, sources: [u8; 32]) -> [u8; PREAMBLE] {
        let mut bytes = [0; PREAMBLE];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&length.to_le_bytes());
        bytes[24..28].copy_from_slice(&sections.to_le_bytes());
        let producer = concat!("lwsconf ", env!("CARGO_PKG_VERSION")).as_bytes();
        let producer = &producer[..producer.len().min(32)];
        bytes[64..64 + producer.len()].copy_from_slice(producer);
        bytes[96..128].copy_from_slice(&sources);
        bytes
    }

    /// Puts the hash of a whole file in its place.
    #[cfg(feature = "write")]
    pub(super) fn seal(bytes: &mut [u8]) {
        let hash = hash(bytes);
        bytes[HASH].copy_from_slice(&hash);
    }
}

/// BLAKE3 of a whole file with the field of the hash zero. The file is at least a preamble long.
fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..HASH.start]);
    hasher.update(&[0; 32]);
    hasher.update(&bytes[HASH.end..]);
    *hasher.finalize().as_bytes()
}

fn chunk<const N: usize>(head: &[u8; PREAMBLE], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&head[at..at + N]);
    out
}

fn u32_at(head: &[u8; PREAMBLE], at: usize) -> u32 {
    u32::from_le_bytes(chunk(head, at))
}

fn u64_at(head: &[u8; PREAMBLE], at: usize) -> u64 {
    u64::from_le_bytes(chunk(head, at))
}

fn escaped(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Lower-case hexadecimal digits of some bytes.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
