//! Resolves the escapes of a string, and remembers where each piece of the text stands in the source.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::errors::Errors;
use crate::tree::Decoded;
use crate::{SourceText, Span, SyntaxError, SyntaxErrorKind, Text};

/// Resolves what stands between the quotes, at `inner` of the source of a file.
///
/// What cannot be resolved is reported and stays as it is written.
pub(crate) fn unescape(inner: Span, file: &Arc<SourceText>, errors: &mut Errors) -> Text {
    let text = Text { source: Arc::clone(file), start: inner.start, end: inner.end, decoded: None };
    let source = text.as_str();
    if !source.bytes().any(|byte| byte == b'\\' || byte.is_ascii_control()) {
        return text;
    }
    let mut decoder = Decoder {
        inner,
        source,
        pos: 0,
        decoded: String::with_capacity(source.len()),
        map: Vec::new(),
        errors,
    };
    while let Some(character) = decoder.rest().chars().next() {
        match character {
            '\\' => decoder.escape(),
            '\0'..' ' => decoder.control_characters(),
            _ => decoder.keep(character.len_utf8()),
        }
    }
    let decoded = Decoded { text: decoder.decoded, map: decoder.map };
    Text { decoded: Some(Box::new(decoded)), ..text }
}

impl Text {
    /// The place between the quotes.
    #[must_use]
    pub fn inner(&self) -> Span {
        Span { file: self.source.file, start: self.start, end: self.end }
    }

    /// The text meant, its escapes resolved.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.decoded {
            Some(decoded) => &decoded.text,
            None => self.source.get(self.inner().range()).unwrap_or_default(),
        }
    }

    /// The bytes of the source that a part of the text was written with.
    ///
    /// `decoded` is a range of bytes in [`as_str`](Self::as_str) on character boundaries. What lies outside of the
    /// text is cut off.
    #[must_use]
    pub fn source_span(&self, decoded: Range<usize>) -> Span {
        let start = self.source_offset(decoded.start);
        let end = self.source_offset(decoded.end).max(start);
        Span { file: self.source.file, start, end }
    }

    fn source_offset(&self, decoded: usize) -> u32 {
        let decoded = u32::try_from(decoded.min(self.as_str().len())).unwrap_or(u32::MAX);
        let map = self.decoded.as_ref().map_or(&[][..], |decoded| &decoded.map);
        let after = map.partition_point(|&(from, _)| from <= decoded);
        let (from, to) = match after.checked_sub(1).and_then(|last| map.get(last)) {
            Some(&stretch) => stretch,
            None => (0, self.start),
        };
        to.saturating_add(decoded - from).min(self.end)
    }
}

/// Without the source, which is the whole file's.
impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Text").field("text", &self.as_str()).field("inner", &self.inner()).finish()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.inner() == other.inner() && self.as_str() == other.as_str() && self.decoded == other.decoded
    }
}

impl Eq for Text {}

struct Decoder<'a> {
    inner: Span,
    source: &'a str,
    /// Up to where `source` is dealt with; on a character boundary.
    pos: usize,
    decoded: String,
    map: Vec<(u32, u32)>,
    errors: &'a mut Errors,
}

impl<'a> Decoder<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.pos..]
    }

    fn keep(&mut self, length: usize) {
        self.decoded.push_str(&self.source[self.pos..self.pos + length]);
        self.pos += length;
    }

    fn replace(&mut self, length: usize, character: char) {
        self.decoded.push(character);
        self.pos += length;
        let decoded = u32::try_from(self.decoded.len()).unwrap_or(u32::MAX);
        self.map.push((decoded, self.offset(self.pos)));
    }

    fn control_characters(&mut self) {
        let length = self.rest().bytes().take_while(|&byte| byte < b' ').count();
        self.report(SyntaxErrorKind::ControlCharacter, length);
        self.keep(length);
    }

    fn escape(&mut self) {
        let character = match self.rest().as_bytes().get(1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => {
                let length = self.rest().chars().take(2).map(char::len_utf8).sum();
                self.report(SyntaxErrorKind::BadEscape, length);
                return self.keep(length);
            }
        };
        self.replace(2, character);
    }

    fn unicode(&mut self) {
        let Some(unit) = unit(self.rest()) else {
            let digits = self.rest().bytes().skip(2).take(4).take_while(u8::is_ascii_hexdigit).count();
            self.report(SyntaxErrorKind::BadHex, 2 + digits);
            return self.keep(2 + digits);
        };
        // Differs from lwsws: it writes each half of a pair as three bytes of its own, which is not UTF-8.
        let low = self.rest().get(6..).and_then(self::unit);
        if let Some(pair) = low.and_then(|low| joined(unit, low)) {
            return self.replace(12, pair);
        }
        match char::from_u32(u32::from(unit)) {
            Some('\0') => {
                self.report(SyntaxErrorKind::NulEscape, 6);
                self.replace(6, '\0');
            }
            Some(character) => self.replace(6, character),
            None => {
                self.report(SyntaxErrorKind::LoneSurrogate, 6);
                self.replace(6, char::REPLACEMENT_CHARACTER);
            }
        }
    }

    fn report(&mut self, kind: SyntaxErrorKind, length: usize) {
        let (start, end) = (self.offset(self.pos), self.offset(self.pos + length));
        self.errors.push(SyntaxError {
            kind,
            span: Span { file: self.inner.file, start, end },
            related: None,
        });
    }

    fn offset(&self, pos: usize) -> u32 {
        self.inner.start.saturating_add(u32::try_from(pos).unwrap_or(u32::MAX))
    }
}

/// The 16 bits of a `\uXXXX` that the text begins with.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    // A sign would pass the conversion.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

/// The character that two halves of a surrogate pair make.
fn joined(high: u16, low: u16) -> Option<char> {
    match char::decode_utf16([high, low]).next() {
        Some(Ok(character)) if character.len_utf16() == 2 => Some(character),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileId;

    fn decode(source: &str) -> (Text, Vec<(SyntaxErrorKind, Range<usize>)>) {
        let mut errors = Errors::default();
        let end = u32::try_from(source.len()).unwrap();
        let file = Arc::new(SourceText { file: FileId(0), text: source.into() });
        let text = unescape(Span { file: FileId(0), start: 0, end }, &file, &mut errors);
        (text, errors.iter().map(|error| (error.kind, error.span.range())).collect())
    }

    #[test]
    fn every_escape_of_the_language_is_resolved() {
        let (text, errors) = decode(r#"\" \\ \/ \b \f \n \r \t \u00e9 \u20AC"#);
        assert_eq!(text.as_str(), "\" \\ / \u{8} \u{c} \n \r \t \u{e9} \u{20ac}");
        assert_eq!(errors, []);
    }

    #[test]
    fn a_text_without_escapes_has_no_map() {
        let (text, errors) = decode("plain # text, \u{e9}\u{7f}");
        // DEL is a control character of ASCII and needs no escape.
        assert_eq!((text.as_str(), errors.len()), ("plain # text, \u{e9}\u{7f}", 0));
        assert!(decode("plain # text, \u{e9}").0.decoded.is_none());
    }

    #[test]
    fn surrogate_halves_are_joined() {
        let (text, errors) = decode(r"\ud83d\uDE00!");
        assert_eq!((text.as_str(), errors.len()), ("\u{1f600}!", 0));
        assert_eq!(text.source_span(0..4).range(), 0..12);
        assert_eq!(text.source_span(4..5).range(), 12..13);
    }

    #[test]
    fn a_half_alone_is_replaced_and_reported() {
        let lone = SyntaxErrorKind::LoneSurrogate;
        let (text, errors) = decode(r"\ude00\ud83d.\ud83d\ud83d\ude00");
        assert_eq!(text.as_str(), "\u{fffd}\u{fffd}.\u{fffd}\u{1f600}");
        assert_eq!(errors, [(lone, 0..6), (lone, 6..12), (lone, 13..19)]);
    }

    #[test]
    fn what_is_no_escape_stays_and_is_reported() {
        use SyntaxErrorKind::{BadEscape, BadHex, ControlCharacter, NulEscape};
        let cases = [
            (r"a\qb", r"a\qb", BadEscape, 1..3),
            ("\\\u{e9}x", "\\\u{e9}x", BadEscape, 0..3),
            (r"\u12x4", r"\u12x4", BadHex, 0..4),
            (r"\u+123", r"\u+123", BadHex, 0..2),
            (r"\u00e", r"\u00e", BadHex, 0..5),
            (r"a\u0000b", "a\0b", NulEscape, 1..7),
            ("a\t\rb", "a\t\rb", ControlCharacter, 1..3),
        ];
        for (source, decoded, kind, range) in cases {
            let (text, errors) = decode(source);
            assert_eq!(text.as_str(), decoded, "{source}");
            assert_eq!(errors, [(kind, range)], "{source}");
        }
    }

    #[test]
    fn parts_of_a_text_are_found_in_the_source() {
        let (text, _) = decode(r"ab\ncd\u00e9e");
        assert_eq!(text.as_str(), "ab\ncd\u{e9}e");
        assert_eq!(text.source_span(0..2).range(), 0..2);
        assert_eq!(text.source_span(2..3).range(), 2..4);
        assert_eq!(text.source_span(3..5).range(), 4..6);
        assert_eq!(text.source_span(5..7).range(), 6..12);
        assert_eq!(text.source_span(7..8).range(), 12..13);
        assert_eq!(text.source_span(0..8).range(), 0..13);
        assert_eq!(text.source_span(9..99).range(), 13..13);
    }
}
