//! Lines of fields, as heads and trailers have them (RFC 9112, section 5): a name, a colon, a value. Lines end in CRLF or LF;
//! a line that goes on the one before, blanks before a colon and control characters are not taken.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

/// The fields up to the empty line.
pub(super) struct Fields<'b> {
    /// All of it; values share its memory.
    all: &'b Bytes,
    rest: &'b [u8],
}

/// What is not a field.
#[derive(Debug)]
pub(super) struct NoField;

impl<'b> Fields<'b> {
    pub(super) fn new(all: &'b Bytes) -> Self {
        Self { all, rest: all }
    }

    /// The next line, as it is; `None` if none has ended.
    pub(super) fn line(&mut self) -> Option<&'b [u8]> {
        let at = memchr::memchr(b'\n', self.rest)?;
        let line = &self.rest[..at];
        self.rest = &self.rest[at + 1..];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// Whether nothing follows.
    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn field(&self, line: &'b [u8]) -> Option<(HeaderName, HeaderValue)> {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_maybe_shared(self.all.slice_ref(trim(&line[colon + 1..]))).ok()?;
        Some((name, value))
    }
}

impl Iterator for Fields<'_> {
    type Item = Result<(HeaderName, HeaderValue), NoField>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.line()?;
        (!line.is_empty()).then(|| self.field(line).ok_or(NoField))
    }
}

/// Takes blanks off both ends. Other white space does not belong in a value at all.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
