//! Archives for tests, with any field as a test wants it.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// A member, as it will stand in the archive.
#[derive(Debug, Clone)]
pub(in super::super) struct Member {
    pub(in super::super) name: Vec<u8>,
    pub(in super::super) method: u16,
    pub(in super::super) flags: u16,
    pub(in super::super) crc: u32,
    pub(in super::super) size: u32,
    pub(in super::super) packed: Vec<u8>,
    pub(in super::super) extra: Vec<u8>,
    pub(in super::super) made_by: u16,
    pub(in super::super) attributes: u32,
}

impl Member {
    pub(in super::super) fn stored(name: &str, bytes: &[u8]) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        Self {
            name: name.into(),
            method: 0,
            flags: 0,
            crc: crc.sum(),
            size: u32::try_from(bytes.len()).unwrap(),
            packed: bytes.to_vec(),
            extra: Vec::new(),
            made_by: 20,
            attributes: 0,
        }
    }

    pub(in super::super) fn deflated(name: &str, bytes: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        Self { method: 8, packed: encoder.finish().unwrap(), ..Self::stored(name, bytes) }
    }

    /// The fields that the member's header and the directory's record have in common.
    fn fields(&self) -> Vec<u8> {
        let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_le_bytes();
        let packed = u32::try_from(self.packed.len()).unwrap();
        let mut bytes = vec![20, 0];
        bytes.extend(self.flags.to_le_bytes());
        bytes.extend(self.method.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend([self.crc, packed, self.size].iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend(length(&self.name).into_iter().chain(length(&self.extra)));
        bytes
    }
}

/// An archive of these members.
pub(in super::super) fn zip(members: &[Member]) -> Vec<u8> {
    zip_with_comment(members, b"")
}

pub(in super::super) fn zip_with_comment(members: &[Member], comment: &[u8]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let offset = u32::try_from(bytes.len()).unwrap();
        directory.extend(b"PK\x01\x02");
        directory.extend(member.made_by.to_le_bytes());
        directory.extend(member.fields());
        directory.extend([0; 6]);
        directory.extend(member.attributes.to_le_bytes());
        directory.extend(offset.to_le_bytes());
        bytes.extend([b"PK\x03\x04", &*member.fields()].concat());
        for part in [&member.name, &member.extra] {
            directory.extend(part);
            bytes.extend(part);
        }
        bytes.extend(&member.packed);
    }
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    let lengths = [directory.len(), bytes.len()].map(|length| u32::try_from(length).unwrap());
    bytes.extend(directory);
    bytes.extend([b"PK\x05\x06", &[0; 4][..], &count, &count].concat());
    bytes.extend(lengths.iter().flat_map(|length| length.to_le_bytes()));
    bytes.extend(u16::try_from(comment.len()).unwrap().to_le_bytes());
    bytes.extend(comment);
    bytes
}
