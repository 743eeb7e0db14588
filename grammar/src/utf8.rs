//! Makes text of bytes that may not be UTF-8, byte for byte.

use std::borrow::Cow;

use crate::errors::Errors;
use crate::parser::span;
use crate::{FileId, Span, SyntaxError, SyntaxErrorKind};

/// The source as text of the same length: each byte that is not UTF-8 becomes `?`. Every run of such bytes is one
/// error. lwsws passes them through, so that they end up in paths and header values as they are.
pub(crate) fn decode(file: FileId, source: Cow<'_, [u8]>) -> (String, Errors) {
    match String::from_utf8(source.into_owned()) {
        Ok(text) => (text, Errors::default()),
        Err(error) => repair(file, error.as_bytes()),
    }
}

fn repair(file: FileId, source: &[u8]) -> (String, Errors) {
    let mut text = String::with_capacity(source.len());
    let mut errors = Errors::default();
    let mut report = |span| errors.push(SyntaxError { kind: SyntaxErrorKind::NotUtf8, span, related: None });
    let mut run: Option<Span> = None;
    for chunk in source.utf8_chunks() {
        text.push_str(chunk.valid());
        if chunk.invalid().is_empty() {
            continue;
        }
        let start = text.len();
        text.extend(std::iter::repeat_n('?', chunk.invalid().len()));
        let bad = span(file, start..text.len());
        run = match run {
            Some(last) if last.end == bad.start => Some(last.to(bad)),
            last => {
                last.into_iter().for_each(&mut report);
                Some(bad)
            }
        };
    }
    run.into_iter().for_each(&mut report);
    (text, errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_keep_their_places() {
        let (text, errors) = decode(FileId(0), b"a\xff\xfeb\xe2\x82c\xc3\xa9"[..].into());
        assert_eq!(text, "a??b??c\u{e9}");
        let spans: Vec<_> = errors.iter().map(|error| error.span.range()).collect();
        assert_eq!(spans, [1..3, 4..6]);
    }
}
