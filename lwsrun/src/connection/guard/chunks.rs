//! A chunked body, judged byte by byte (RFC 9112, section 7.1): sizes, extensions, the ends of chunks, trailers.
//!
//! No blanks around a size, no bare CR or LF, no size that could overflow anywhere: these are what servers in a chain
//! read differently.

use super::fault::Fault;
use super::head::{is_token, is_value};
use crate::response::error::Refusal;

/// The most digits of a chunk's size: more bytes than any disk has, and no overflow of a signed number.
const MAX_DIGITS: u8 = 15;

/// The most bytes of extensions of one chunk.
const MAX_EXTENSION: u16 = 1 << 10;

/// The most bytes of all trailers together.
const MAX_TRAILERS: u16 = 8 << 10;

/// The most trailers; hyper has a limit of its own for all fields.
const MAX_FIELDS: u8 = 64;

/// Trailers that would change what the head said; kept in lower case.
const FORBIDDEN: [&[u8]; 4] = [b"content-length", b"transfer-encoding", b"host", b"trailer"];

const BAD_SIZE: Fault = Fault::bad("the size of a chunk is not a plain hexadecimal number");
const BAD_EXTENSION: Fault = Fault::bad("the extension of a chunk holds what it may not");
const BAD_END: Fault = Fault::bad("a chunk does not end in CRLF");
const BAD_TRAILER: Fault = Fault::bad("a trailer is malformed");

/// Where in a chunked body the next byte stands.
#[derive(Debug)]
pub(super) struct Chunks {
    state: State,
    /// Bytes of trailers so far.
    trailers: u16,
    fields: u8,
    /// The beginning of a trailer's name, in lower case.
    name: [u8; 18],
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// In a size, of which there are so many digits.
    Size {
        digits: u8,
        size: u64,
    },
    /// In the extensions of a chunk.
    Extension {
        length: u16,
        size: u64,
    },
    /// Behind the CR of a size.
    SizeLf {
        size: u64,
    },
    /// In a chunk of which so many bytes are left.
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    /// At the start of a trailer, or of the last line.
    Trailer,
    Name {
        length: usize,
    },
    Value,
    ValueLf,
    LastLf,
}

impl Chunks {
    pub(super) fn new() -> Self {
        Self { state: State::Size { digits: 0, size: 0 }, trailers: 0, fields: 0, name: [0; 18] }
    }

    /// Judges bytes up to the end of the body: how many of them belong to it, and whether it is complete.
    ///
    /// # Errors
    /// What is wrong with the body.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(usize, bool), Fault> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if let State::Data { left } = self.state {
                let here = u64::try_from(bytes.len() - at).unwrap_or(u64::MAX).min(left);
                // `here` is at most the length of a slice.
                at += usize::try_from(here).unwrap_or(usize::MAX);
                self.state = if here == left { State::DataCr } else { State::Data { left: left - here } };
                continue;
            }
            at += 1;
            if self.byte(byte)? {
                return Ok((at, true));
            }
        }
        Ok((at, false))
    }

    /// One byte outside of the data of chunks; `true` for the last one of the body.
    fn byte(&mut self, byte: u8) -> Result<bool, Fault> {
        self.state = match (self.state, byte) {
            (State::Size { digits, size }, _) if byte.is_ascii_hexdigit() => {
                if digits == MAX_DIGITS {
                    return Err(BAD_SIZE);
                }
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                State::Size { digits: digits + 1, size: size << 4 | u64::from(digit) }
            }
            (State::Size { digits: 0, .. }, _) => return Err(BAD_SIZE),
            (State::Size { size, .. }, b'\r') => State::SizeLf { size },
            (State::Size { size, .. }, b';') => State::Extension { length: 0, size },
            (State::Size { .. }, _) => return Err(BAD_SIZE),
            (State::Extension { size, .. }, b'\r') => State::SizeLf { size },
            (State::Extension { length, size }, b'\t' | b' '..=b'~') if length < MAX_EXTENSION => {
                State::Extension { length: length + 1, size }
            }
            (State::Extension { .. }, _) => return Err(BAD_EXTENSION),
            (State::SizeLf { size: 0 }, b'\n') => State::Trailer,
            (State::SizeLf { size }, b'\n') => State::Data { left: size },
            (State::SizeLf { .. }, _) => return Err(BAD_SIZE),
            (State::Data { left }, _) => State::Data { left },
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size { digits: 0, size: 0 },
            (State::DataCr | State::DataLf, _) => return Err(BAD_END),
            (State::Trailer, b'\r') => State::LastLf,
            (State::LastLf, b'\n') => return Ok(true),
            (State::LastLf, _) => return Err(BAD_TRAILER),
            (state, byte) => self.trailer(state, byte)?,
        };
        Ok(false)
    }

    fn trailer(&mut self, state: State, byte: u8) -> Result<State, Fault> {
        self.trailers += 1;
        if self.trailers > MAX_TRAILERS {
            return Err(Fault::of(Refusal::FieldsTooLarge, "the trailers are too large"));
        }
        match (state, byte) {
            (State::Trailer, byte) if is_token(byte) => {
                self.fields += 1;
                if self.fields > MAX_FIELDS {
                    return Err(Fault::of(Refusal::FieldsTooLarge, "there are too many trailers"));
                }
                self.name[0] = byte.to_ascii_lowercase();
                Ok(State::Name { length: 1 })
            }
            (State::Name { length }, byte) if is_token(byte) => {
                if let Some(place) = self.name.get_mut(length) {
                    *place = byte.to_ascii_lowercase();
                }
                Ok(State::Name { length: length + 1 })
            }
            (State::Name { length }, b':')
                if !FORBIDDEN.contains(&self.name.get(..length).unwrap_or(b"")) =>
            {
                Ok(State::Value)
            }
            (State::Value, b'\r') => Ok(State::ValueLf),
            (State::Value, byte) if is_value(byte) => Ok(State::Value),
            (State::ValueLf, b'\n') => Ok(State::Trailer),
            _ => Err(BAD_TRAILER),
        }
    }
}
