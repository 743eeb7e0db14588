//! Frames of a client with compressed messages to frames without: bytes in, bytes out, cut anywhere.
//!
//! Only frames of compressed messages are touched. Each such message becomes an empty first fragment that says its
//! kind, fragments of what is unpacked as it is unpacked, and an empty last one. All other frames pass as they are,
//! masked, with whatever is wrong with them: the frame decoder judges them. It must take unmasked frames, so whether
//! the client masks is checked here.

use bytes::{Buf, Bytes};
use flate2::{Decompress, FlushDecompress, Status};

use super::super::fault::Fault;
use super::Seat;

/// What every compressed message was cut by (RFC 7692, section 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Most that is unmasked in one go.
const TAKEN: usize = 4096;

/// Most that is unpacked in one go.
const GIVEN: usize = 16 * 1024;

/// Longest frame that unpacking makes.
pub(in super::super) const UNPACKED: usize = GIVEN;

/// Longest head of a frame.
const HEAD: usize = 14;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const RSV1: u8 = 0x40;
const OPCODE: u8 = 0x0f;

/// See the module.
pub(super) struct Inbound {
    bits: u8,
    /// Whether the context is kept from message to message.
    seat: Option<Seat>,
    inflater: Option<Decompress>,
    /// A compressed message has begun and not ended.
    inflating: bool,
    place: Place,
    /// The last call filled all the room it had, so there may be more without more bytes.
    more: bool,
}

/// Where in a frame the next byte is.
enum Place {
    Head {
        bytes: [u8; HEAD],
        length: usize,
    },
    Plain {
        left: u64,
    },
    Packed {
        left: u64,
        mask: [u8; 4],
        last: bool,
    },
    /// After the last frame of a compressed message; so much of [`TAIL`] is unpacked.
    Tail {
        done: usize,
    },
}

const BETWEEN: Place = Place::Head { bytes: [0; HEAD], length: 0 };

impl Inbound {
    /// Of a client whose window has so many bits. Without a seat no context is kept.
    pub(super) fn new(bits: u8, seat: Option<Seat>) -> Self {
        Self { bits, seat, inflater: None, inflating: false, place: BETWEEN, more: false }
    }

    /// Whether no frame and no compressed message is under way.
    pub(super) fn is_between_messages(&self) -> bool {
        !self.inflating && matches!(self.place, Place::Head { length: 0, .. })
    }

    /// The next bytes for the decoder, at most some of [`GIVEN`] that are unpacked. Empty if bytes must come first;
    /// then all of `input` is taken.
    pub(super) fn next(&mut self, input: &mut Bytes) -> Result<Bytes, Fault> {
        loop {
            let given = match self.place {
                Place::Head { bytes, length } if !input.is_empty() => self.head(bytes, length, input)?,
                Place::Plain { left } if !input.is_empty() => self.plain(left, input),
                Place::Packed { left, mask, last } if !input.is_empty() || self.more || left == 0 => {
                    self.packed(left, mask, last, input)?
                }
                Place::Tail { done } => self.tail(done)?,
                _ => return Ok(Bytes::new()),
            };
            if !given.is_empty() {
                return Ok(given);
            }
        }
    }

    /// Takes bytes of a head. Gives what stands for it, once it is whole.
    fn head(&mut self, mut bytes: [u8; HEAD], mut length: usize, input: &mut Bytes) -> Result<Bytes, Fault> {
        while length < head_length(&bytes, length) {
            if input.is_empty() {
                self.place = Place::Head { bytes, length };
                return Ok(Bytes::new());
            }
            bytes[length] = input.get_u8();
            length += 1;
        }
        if bytes[1] & 0x80 == 0 {
            return Err(Fault::Unmasked);
        }
        let [first, ..] = bytes;
        let (opcode, last) = (first & OPCODE, first & FIN != 0);
        let begins = matches!(opcode, 1 | 2) && first & RESERVED == RSV1;
        let goes_on = self.inflating && opcode == 0 && first & RESERVED == 0;
        let left = payload_length(&bytes);
        if !begins && !goes_on {
            self.place = if left == 0 { BETWEEN } else { Place::Plain { left } };
            return Ok(Bytes::copy_from_slice(&bytes[..length]));
        }
        let mut mask = [0; 4];
        mask.copy_from_slice(&bytes[length - 4..length]);
        self.place = Place::Packed { left, mask, last };
        self.inflating = true;
        Ok(if begins { Bytes::copy_from_slice(&[opcode, 0]) } else { Bytes::new() })
    }

    fn plain(&mut self, left: u64, input: &mut Bytes) -> Bytes {
        let now = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - now as u64;
        self.place = if left == 0 { BETWEEN } else { Place::Plain { left } };
        input.split_to(now)
    }

    fn packed(
        &mut self,
        left: u64,
        mut mask: [u8; 4],
        last: bool,
        input: &mut Bytes,
    ) -> Result<Bytes, Fault> {
        let now = input.len().min(TAKEN).min(usize::try_from(left).unwrap_or(usize::MAX));
        let mut clear = [0; TAKEN];
        let clear = &mut clear[..now];
        for ((clear, masked), mask) in clear.iter_mut().zip(&input[..now]).zip(mask.iter().cycle()) {
            *clear = masked ^ mask;
        }
        let (used, given) = self.inflate(clear)?;
        input.advance(used);
        mask.rotate_left(used % 4);
        let left = left - used as u64;
        self.place = match (left == 0 && !self.more, last) {
            (false, _) => Place::Packed { left, mask, last },
            (true, false) => BETWEEN,
            (true, true) => Place::Tail { done: 0 },
        };
        Ok(given)
    }

    /// Unpacks what the client left out, and ends the message.
    fn tail(&mut self, done: usize) -> Result<Bytes, Fault> {
        if done == TAIL.len() && !self.more {
            self.place = BETWEEN;
            self.inflating = false;
            if self.seat.is_none() {
                self.inflater = None;
            }
            return Ok(Bytes::from_static(&[FIN, 0]));
        }
        let (used, given) = self.inflate(&TAIL[done..])?;
        self.place = Place::Tail { done: done + used };
        Ok(given)
    }

    /// Unpacks some bytes: how many of them are done with, and the fragment they gave.
    fn inflate(&mut self, packed: &[u8]) -> Result<(usize, Bytes), Fault> {
        if packed.is_empty() && !self.more {
            return Ok((0, Bytes::new()));
        }
        let bits = self.bits;
        let inflater = self.inflater.get_or_insert_with(|| Decompress::new_with_window_bits(false, bits));
        // The head of the fragment comes first, its length is known later.
        let mut fragment = Vec::with_capacity(4 + GIVEN.min(512 + 8 * packed.len()));
        fragment.extend_from_slice(&[0, 126, 0, 0]);
        let before = inflater.total_in();
        let status = inflater.decompress_vec(packed, &mut fragment, FlushDecompress::Sync);
        let used = usize::try_from(inflater.total_in() - before).map_err(|_| Fault::Damaged)?;
        let given = u16::try_from(fragment.len() - 4).map_err(|_| Fault::Damaged)?;
        self.more = fragment.len() == fragment.capacity();
        match status.map_err(|_| Fault::Damaged)? {
            // The client ended its stream; what follows is a new one (section 7.2.3.5).
            Status::StreamEnd => {
                inflater.reset(false);
                self.more = false;
            }
            _ if used == 0 && given == 0 && !packed.is_empty() => return Err(Fault::Damaged),
            _ => {}
        }
        if given == 0 {
            return Ok((used, Bytes::new()));
        }
        fragment[2..4].copy_from_slice(&given.to_be_bytes());
        Ok((used, fragment.into()))
    }
}

/// The length of a head of which so many bytes are known.
fn head_length(bytes: &[u8; HEAD], known: usize) -> usize {
    match bytes[1] & 0x7f {
        _ if known < 2 => 2,
        // Without a mask it is an error, which needs no more bytes.
        _ if bytes[1] & 0x80 == 0 => 2,
        126 => 8,
        127 => HEAD,
        _ => 6,
    }
}

fn payload_length(bytes: &[u8; HEAD]) -> u64 {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    match bytes[1] & 0x7f {
        126 => number(&bytes[2..4]),
        127 => number(&bytes[2..10]),
        short => short.into(),
    }
}

#[cfg(test)]
mod tests;
