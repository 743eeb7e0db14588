//! Opening a plan: everything is checked once, in the order in which it can be trusted.

use std::fmt;
use std::ops::Range;

use super::codec::{self, BorrowDecode};
use super::preamble::{Preamble, hex};
use super::section::Kind;
use super::{Global, Listeners, Place, ReadError, Sources, Vhost, VhostId, check, section};

/// A plan that was checked as a whole. Owns its bytes, which may be a memory map.
pub struct Plan {
    bytes: Box<dyn AsRef<[u8]> + Send + Sync>,
    sections: Vec<Range<usize>>,
    preamble: Preamble,
}

impl Plan {
    /// Checks `bytes` and keeps them. They must not change afterwards: map a sealed file, or pass a `Vec`.
    ///
    /// Order: preamble (kind, version, length, hash), directory, each section's form, cross-references. Each step
    /// relies on the ones before it.
    ///
    /// # Errors
    /// The first fault found. Never panics, whatever the bytes.
    pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Self, ReadError> {
        let slice = bytes.as_ref();
        let preamble = Preamble::read(slice)?;
        let sections = section::read(slice, preamble.sections)?;
        check::check(&Sections { bytes: slice, ranges: &sections }, &preamble.sources)?;
        Ok(Self { bytes: Box::new(bytes), sections, preamble })
    }

    /// The BLAKE3 hash that names this plan.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.preamble.hash
    }

    /// The files that the plan was made of.
    #[must_use]
    pub fn sources(&self) -> Sources<'_> {
        self.section(0)
    }

    /// The global settings.
    #[must_use]
    pub fn global(&self) -> Global<'_> {
        self.section(1)
    }

    /// The listeners.
    #[must_use]
    pub fn listeners(&self) -> Listeners<'_> {
        self.section(2)
    }

    /// Ids of all vhosts, in config order; at least one.
    pub fn vhost_ids(&self) -> impl ExactSizeIterator<Item = VhostId> + use<> {
        (0..self.preamble.sections.saturating_sub(3)).map(VhostId)
    }

    /// One vhost, decoded anew at each call (about a microsecond).
    ///
    /// # Panics
    /// If the id comes from another plan.
    #[must_use]
    pub fn vhost(&self, id: VhostId) -> Vhost<'_> {
        self.section(3 + id.index())
    }

    /// The name of one vhost: what [`Plan::vhost`] has, without decoding the rest.
    ///
    /// # Panics
    /// If the id comes from another plan.
    #[must_use]
    pub fn vhost_name(&self, id: VhostId) -> &str {
        // The name is the first field of a vhost.
        let bytes = &(*self.bytes).as_ref()[self.sections[3 + id.index()].clone()];
        match codec::decode_start(bytes) {
            Ok(name) => name,
            Err(error) => unreachable!("the plan was checked when it was opened: {error}"),
        }
    }

    /// A place as people write it, `conf.d/site:12`.
    #[must_use]
    pub fn describe(&self, place: Place) -> String {
        let sources = self.sources();
        let name = sources.files.get(place.file.index()).map_or("?", |file| file.name);
        format!("{name}:{}", place.line)
    }

    fn section<'a, T: BorrowDecode<'a, ()>>(&'a self, row: usize) -> T {
        let sections = Sections { bytes: (*self.bytes).as_ref(), ranges: &self.sections };
        match sections.decode(row) {
            Ok(value) => value,
            Err(error) => unreachable!("the plan was checked when it was opened: {error}"),
        }
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan({}, {} vhosts)", hex(&self.preamble.hash[..8]), self.vhost_ids().len())
    }
}

/// Bytes and directory of a file that is being opened, or was.
pub(super) struct Sections<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) ranges: &'a [Range<usize>],
}

impl<'a> Sections<'a> {
    /// Decodes the section of one row.
    pub(super) fn decode<T: BorrowDecode<'a, ()>>(&self, row: usize) -> Result<T, ReadError> {
        let fault = |reason| {
            let (kind, number) = Kind::of_row(row);
            let section = match kind {
                Kind::Vhost => format!("{} {number}", kind.name()),
                _ => kind.name().to_owned(),
            };
            ReadError::Section { section, reason }
        };
        let bytes = self.ranges.get(row).and_then(|range| self.bytes.get(range.clone()));
        let bytes = bytes.ok_or_else(|| fault("missing".to_owned()))?;
        codec::decode(bytes).map_err(fault)
    }
}
