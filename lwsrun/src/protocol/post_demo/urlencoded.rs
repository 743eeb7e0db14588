//! `application/x-www-form-urlencoded`: `name=value&name=value`, escapes, `+` for a blank.

use super::form::Wrong;
use super::sink::Sink;

/// Longest name that is kept, in bytes. No field has one as long.
const LONGEST_NAME: usize = 64;

/// A form that is being read.
#[derive(Default)]
pub(super) struct UrlEncoded {
    /// The name so far, decoded; cut, so that it can be no field's, where it is too long.
    name: Vec<u8>,
    in_value: bool,
    /// A `%`, and a digit after it, whose next digit has not come.
    escape: Vec<u8>,
}

impl UrlEncoded {
    pub(super) fn take(&mut self, bytes: &[u8], sink: &mut Sink) -> Result<(), Wrong> {
        bytes.iter().try_for_each(|&byte| self.byte(byte, sink))
    }

    /// No more bytes come.
    pub(super) fn end(mut self, sink: &mut Sink) -> Result<(), Wrong> {
        self.pair_ends(sink)
    }

    fn byte(&mut self, byte: u8, sink: &mut Sink) -> Result<(), Wrong> {
        if !self.escape.is_empty() {
            let digit = char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            match (digit, self.escape.as_slice()) {
                (Some(_), [_]) => {
                    self.escape.push(byte);
                    return Ok(());
                }
                (Some(low), [_, high]) => {
                    let high = char::from(*high).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                    self.escape.clear();
                    return self.decoded(&[high.unwrap_or_default() << 4 | low], sink);
                }
                _ => self.escape_ends(sink)?,
            }
        }
        match byte {
            b'%' => self.escape.push(byte),
            b'&' => self.pair_ends(sink)?,
            b'=' if !self.in_value => self.value_begins(sink)?,
            b'+' => self.decoded(b" ", sink)?,
            _ => self.decoded(&[byte], sink)?,
        }
        Ok(())
    }

    fn decoded(&mut self, bytes: &[u8], sink: &mut Sink) -> Result<(), Wrong> {
        if self.in_value {
            return sink.data(bytes);
        }
        let room = LONGEST_NAME - self.name.len();
        self.name.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(())
    }

    /// What began as an escape was none, and stands for itself.
    fn escape_ends(&mut self, sink: &mut Sink) -> Result<(), Wrong> {
        let escape = std::mem::take(&mut self.escape);
        self.decoded(&escape, sink)
    }

    fn value_begins(&mut self, sink: &mut Sink) -> Result<(), Wrong> {
        self.escape_ends(sink)?;
        sink.begin(&self.name);
        self.in_value = true;
        Ok(())
    }

    /// A name without a `=` has an empty value.
    fn pair_ends(&mut self, sink: &mut Sink) -> Result<(), Wrong> {
        self.escape_ends(sink)?;
        if !self.in_value {
            sink.begin(&self.name);
        }
        self.name.clear();
        self.in_value = false;
        Ok(())
    }
}
