//! Messages packed for sending, by one compressor of each thread.
//!
//! What is sent to many members is packed once for those that a thread serves: the last few results are kept, as
//! long as others hold the message.

use std::cell::RefCell;
use std::collections::VecDeque;

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, Status};

use crate::protocol::link::MESSAGES;

/// Shorter messages gain nothing.
const SHORTEST: usize = 64;

/// Longer messages would keep others of the thread from their turn for over a millisecond.
const LONGEST: usize = 128 * 1024;

/// Most bytes, packed or not, of the results that a thread keeps.
const KEPT: usize = 256 * 1024;

thread_local! {
    static PRESS: RefCell<Press> = RefCell::default();
}

#[derive(Default)]
struct Press {
    /// By bits of their window, from 9.
    compressors: [Option<Compress>; 7],
    /// Oldest first.
    kept: VecDeque<Kept>,
    bytes: usize,
}

struct Kept {
    bits: u8,
    /// Held, so that no other message can have its address.
    message: Bytes,
    packed: Option<Bytes>,
}

/// A message packed for a window of 9 to 15 bits; `None` if it is better sent as it is.
pub(in super::super) fn pack(message: &Bytes, bits: u8) -> Option<Bytes> {
    if !(SHORTEST..=LONGEST).contains(&message.len()) {
        return None;
    }
    PRESS.with_borrow_mut(|press| press.pack(message, bits))
}

impl Press {
    fn pack(&mut self, message: &Bytes, bits: u8) -> Option<Bytes> {
        let same = |kept: &&Kept| kept.bits == bits && std::ptr::eq::<[u8]>(&*kept.message, &**message);
        if let Some(found) = self.kept.iter().find(same) {
            return found.packed.clone();
        }
        let slot = self.compressors.get_mut(usize::from(bits).checked_sub(9)?)?;
        // Taken out, so that one that panicked is not used again.
        let mut compressor =
            slot.take().unwrap_or_else(|| Compress::new_with_window_bits(Compression::fast(), false, bits));
        let packed = compress(&mut compressor, message).map(Bytes::from);
        *slot = Some(compressor);
        if !message.is_unique() {
            self.keep(Kept { bits, message: message.clone(), packed: packed.clone() });
        }
        packed
    }

    fn keep(&mut self, result: Kept) {
        self.bytes += result.size();
        self.kept.push_back(result);
        while self.bytes > KEPT || self.kept.len() > MESSAGES {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes -= oldest.size();
        }
    }
}

impl Kept {
    fn size(&self) -> usize {
        self.message.len() + self.packed.as_ref().map_or(0, Bytes::len)
    }
}

/// The message packed by itself, if that makes it shorter.
fn compress(compressor: &mut Compress, message: &[u8]) -> Option<Vec<u8>> {
    const TAIL: &[u8] = &[0, 0, 0xff, 0xff];
    compressor.reset();
    // Room for the worst there is, 9 bits for each byte: the compressor panics where it runs out of room, and is of no
    // use after that.
    let mut packed = Vec::with_capacity(message.len() + message.len() / 8 + 64);
    let status = compressor.compress_vec(message, &mut packed, FlushCompress::Sync);
    // Where all room was needed there may be more to come.
    let whole = compressor.total_in() == message.len() as u64 && packed.len() < packed.capacity();
    let shorter = matches!(status, Ok(Status::Ok)) && whole && packed.ends_with(TAIL);
    packed.truncate(packed.len().saturating_sub(TAIL.len()));
    packed.shrink_to_fit();
    (shorter && packed.len() < message.len()).then_some(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_gains_is_packed() {
        let text = |length| Bytes::from("ahoy ".repeat(length / 5 + 1)).slice(..length);
        for (length, packs) in [(0, false), (63, false), (64, true), (LONGEST, true), (LONGEST + 1, false)] {
            for bits in 9..=15 {
                let packed = pack(&text(length), bits);
                assert_eq!(packed.is_some(), packs, "{length} {bits}");
                assert!(packed.is_none_or(|packed| packed.len() < length));
            }
        }
    }

    /// Numbers without a pattern, from `least` to 255: a generator with full period.
    fn noise(least: u8) -> Bytes {
        let mut state = 1_u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0].max(least)
        });
        noise.take(LONGEST).collect()
    }

    #[test]
    fn what_does_not_gain_is_left_and_harms_nothing() {
        // Below 144 a byte takes 8 bits at worst, above it 9.
        for noise in [noise(0), noise(144), noise(200)] {
            let lengths = (SHORTEST..9000).step_by(37).chain([16_384, 65_536, LONGEST]);
            for length in lengths {
                for bits in [9, 12, 15] {
                    let message = noise.slice(..length);
                    let Some(packed) = pack(&message, bits) else { continue };
                    assert!(packed.len() < length);
                    assert_eq!(unpacked(&packed, bits), message, "{length} {bits}");
                }
            }
        }
    }

    fn unpacked(packed: &[u8], bits: u8) -> Vec<u8> {
        let mut message = Vec::with_capacity(LONGEST + 1);
        let packed = [packed, &[0, 0, 0xff, 0xff]].concat();
        let mut inflater = flate2::Decompress::new_with_window_bits(false, bits);
        inflater.decompress_vec(&packed, &mut message, flate2::FlushDecompress::Sync).unwrap();
        message
    }

    #[test]
    fn members_of_a_thread_share_what_is_packed() {
        let message = Bytes::from("a message to all ".repeat(20));
        let first = pack(&message.clone(), 15).unwrap();
        let second = pack(&message.clone(), 15).unwrap();
        assert_eq!(first.as_ptr(), second.as_ptr());
        assert_ne!(pack(&message.clone(), 9).unwrap().as_ptr(), first.as_ptr());
        for n in 0..100 {
            let other = Bytes::from(format!("{n:>10000}"));
            pack(&other.clone(), 15).unwrap();
        }
        PRESS.with_borrow(|press| {
            assert!(press.bytes <= KEPT && press.kept.len() <= MESSAGES);
            assert_eq!(press.bytes, press.kept.iter().map(Kept::size).sum());
        });
    }
}
