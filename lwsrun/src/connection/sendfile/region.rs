//! Addresses that stand for parts of files.
//!
//! hyper hands the chunks of a body to its transport as they are, by address. So a part of a file can travel through
//! hyper as a chunk that holds nothing: it lies in address space that was reserved for this, and [`part_at`] tells the
//! transport what it stands for. Once in the life of a process the space is reserved; it is cut into slots, and a
//! chunk owns its slot until hyper drops it.
//!
//! Whoever reads such a chunk reads zeros. So answers have real bytes, and only a connection over the transport that knows
//! such chunks puts them in their place, when nothing else is to read them.

use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;

use super::reserve::reserve;

/// The size of a slot, and so the most bytes of a chunk.
pub(crate) const SLOT: usize = 1 << 20;

/// The most chunks that exist at once. With all slots taken, files are copied.
const SLOTS: usize = 1 << 16;

/// A file that can be sent.
pub(crate) type SharedFile = Arc<dyn AsFd + Send + Sync>;

/// A part of a file.
pub(super) struct Part {
    pub(super) file: SharedFile,
    /// Of its first byte in the file.
    pub(super) offset: u64,
}

struct Region {
    space: &'static [u8],
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    /// By number; `None` is free.
    parts: Vec<Option<Part>>,
    free: Vec<usize>,
}

/// What a chunk owns: its slot.
struct Token {
    region: &'static Region,
    slot: usize,
    length: usize,
}

/// A chunk that stands for a part of a file, of at most [`SLOT`] bytes. `None`: there is no room for it.
pub(crate) fn chunk(file: SharedFile, range: Range<u64>) -> Option<Bytes> {
    let region = region()?;
    let length =
        usize::try_from(range.end.checked_sub(range.start)?).ok().filter(|&length| length <= SLOT)?;
    let slot = region.slots().take(Part { file, offset: range.start })?;
    Some(Bytes::from_owner(Token { region, slot, length }))
}

/// What a slice stands for; `None` for one of real bytes.
pub(super) fn part_at(slice: &[u8]) -> Option<Part> {
    let region = REGION.get()?.as_ref()?;
    let at = region.offset(slice)?;
    let slots = region.slots();
    let part = slots.parts.get(at / SLOT)?.as_ref()?;
    let within = u64::try_from(at % SLOT).ok()?;
    Some(Part { file: Arc::clone(&part.file), offset: part.offset.checked_add(within)? })
}

/// Whether a slice stands for a part of a file. Costs a subtraction.
pub(super) fn is_address(slice: &[u8]) -> bool {
    REGION.get().is_some_and(|region| region.as_ref().is_some_and(|region| region.offset(slice).is_some()))
}

static REGION: OnceLock<Option<Region>> = OnceLock::new();

/// The process's only region; `None` if the system gives no address space, which is said once.
fn region() -> Option<&'static Region> {
    let reserved = || match reserve(SLOT * SLOTS) {
        Ok(space) => Some(Region { space, slots: Mutex::default() }),
        Err(error) => {
            tracing::warn!("no address space for sending files without copies, they are copied: {error}");
            None
        }
    };
    REGION.get_or_init(reserved).as_ref()
}

impl Region {
    fn slots(&self) -> std::sync::MutexGuard<'_, Slots> {
        // Nothing that could panic is done while it is held.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn offset(&self, slice: &[u8]) -> Option<usize> {
        let at = slice.as_ptr().addr().wrapping_sub(self.space.as_ptr().addr());
        (at < self.space.len() && !slice.is_empty()).then_some(at)
    }
}

impl Slots {
    fn take(&mut self, part: Part) -> Option<usize> {
        if let Some(slot) = self.free.pop() {
            *self.parts.get_mut(slot)? = Some(part);
            return Some(slot);
        }
        let slot = self.parts.len();
        (slot < SLOTS).then(|| {
            self.parts.push(Some(part));
            slot
        })
    }
}

impl AsRef<[u8]> for Token {
    fn as_ref(&self) -> &[u8] {
        let start = self.slot * SLOT;
        &self.region.space[start..start + self.length]
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let part = {
            let mut slots = self.region.slots();
            slots.free.push(self.slot);
            slots.parts.get_mut(self.slot).and_then(Option::take)
        };
        // The file may be closed by this, which is no work for a lock to wait for.
        drop(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_stands_for_its_part_while_it_lives() {
        let file: SharedFile = Arc::new(tempfile::tempfile().unwrap());
        let whole = chunk(Arc::clone(&file), 1_000_000..1_400_000).unwrap();
        let other = chunk(Arc::clone(&file), 7..9).unwrap();
        assert_eq!((whole.len(), other.len()), (400_000, 2));
        let tail = whole.slice(300_000..);
        drop(whole);
        assert_eq!(part_at(&tail).unwrap().offset, 1_300_000);
        assert_eq!(part_at(&other).unwrap().offset, 7);
        assert!(is_address(&tail) && !is_address(b"real") && !is_address(&[]));
        assert!(part_at(b"real").is_none());
        assert_eq!(Arc::strong_count(&file), 3);
        let addresses = (tail.as_ptr().addr(), other.as_ptr().addr());
        drop((tail, other));
        assert_eq!(Arc::strong_count(&file), 1, "the slots are free again");
        assert_ne!(addresses.0, addresses.1);
        assert!(chunk(file, 0..SLOT as u64 + 1).is_none(), "larger than a slot");
    }
}
