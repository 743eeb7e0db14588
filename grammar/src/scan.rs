//! Cuts a source into tokens: the few kinds that decide which brackets count.
//!
//! The cuts are those of the token rules in `lwsws.pest`; a test holds the two together. This one is by hand because
//! it goes over every file before pest does, and costs a hundredth of it.

use std::ops::Range;

/// What a token is, as far as brackets are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Open(Bracket),
    Close(Bracket),
    /// A string, closed or not.
    String,
    /// A `#` comment.
    Comment,
    /// `//` or `/* */`. `open` if it is never closed.
    SlashComment {
        open: bool,
    },
    /// Any other punctuation, bare word or text in single quotes.
    Other,
}

/// The two pairs of brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bracket {
    /// `{ }`
    Brace,
    /// `[ ]`
    Square,
}

impl Bracket {
    pub(crate) fn closer(self) -> char {
        match self {
            Self::Brace => '}',
            Self::Square => ']',
        }
    }
}

/// Walks over a source, token by token. Copying it marks a place to look ahead from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanner<'s> {
    bytes: &'s [u8],
    pos: usize,
}

impl<'s> Scanner<'s> {
    /// Starts at the front, behind a byte order mark if there is one.
    pub(crate) fn new(text: &'s str) -> Self {
        let pos = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { bytes: text.as_bytes(), pos }
    }

    /// The next token and its bytes; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<(Token, Range<usize>)> {
        while matches!(self.peek(0), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.pos += 1;
        }
        let start = self.pos;
        let token = match self.peek(0)? {
            b'{' => self.single(Token::Open(Bracket::Brace)),
            b'[' => self.single(Token::Open(Bracket::Square)),
            b'}' => self.single(Token::Close(Bracket::Brace)),
            b']' => self.single(Token::Close(Bracket::Square)),
            b',' | b':' | b'=' => self.single(Token::Other),
            b'"' => self.string(),
            b'#' => {
                self.skip_line();
                Token::Comment
            }
            b'/' if matches!(self.peek(1), Some(b'/' | b'*')) => self.slash_comment(),
            b'\'' => self.single_quoted(),
            _ => self.bare(),
        };
        Some((token, start..self.pos))
    }

    /// Skips to the next bracket: `Open` or `Close`, or `None` at the end.
    pub(crate) fn next_bracket(&mut self) -> Option<Token> {
        loop {
            let (token, _) = self.next()?;
            if matches!(token, Token::Open(_) | Token::Close(_)) {
                return Some(token);
            }
        }
    }

    fn single(&mut self, token: Token) -> Token {
        self.pos += 1;
        token
    }

    fn string(&mut self) -> Token {
        self.pos += 1;
        // Where the string ends if no quote closes it: behind the last thing that is not punctuation.
        let mut end = self.pos;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'"' => {
                    self.pos += 1;
                    return Token::String;
                }
                b'\n' => break,
                b'\\' if !matches!(self.peek(1), None | Some(b'\n')) => self.pos += 2,
                b' ' | b'\t' | b'\r' | b',' | b':' | b'{' | b'}' | b'[' | b']' => {
                    self.pos += 1;
                    continue;
                }
                _ => self.pos += 1,
            }
            end = self.pos;
        }
        self.pos = end;
        Token::String
    }

    fn slash_comment(&mut self) -> Token {
        if self.peek(1) == Some(b'/') {
            self.skip_line();
            return Token::SlashComment { open: false };
        }
        let rest = self.bytes.get(self.pos + 2..).unwrap_or_default();
        match rest.windows(2).position(|pair| pair == b"*/") {
            Some(length) => {
                self.pos += length + 4;
                Token::SlashComment { open: false }
            }
            None => {
                self.pos = self.bytes.len();
                Token::SlashComment { open: true }
            }
        }
    }

    fn single_quoted(&mut self) -> Token {
        let rest = self.bytes.get(self.pos + 1..).unwrap_or_default();
        match rest.iter().position(|&byte| matches!(byte, b'\'' | b'\n')) {
            Some(length) if rest.get(length) == Some(&b'\'') => {
                self.pos += length + 2;
                Token::Other
            }
            _ => self.bare(),
        }
    }

    fn bare(&mut self) -> Token {
        while let Some(byte) = self.peek(0) {
            match byte {
                b':' if self.rest().starts_with(b"://") => self.pos += 3,
                b' ' | b'\t' | b'\r' | b'\n' | b'{' | b'}' | b'[' | b']' | b',' | b':' | b'=' | b'#' => break,
                b'/' if matches!(self.peek(1), Some(b'/' | b'*')) => break,
                _ => self.pos += 1,
            }
        }
        Token::Other
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        self.pos += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    }

    fn rest(&self) -> &'s [u8] {
        self.bytes.get(self.pos..).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.pos + ahead).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{FileId, parse};

    proptest! {
        // Few of the random texts are of use, and they are short.
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// Whoever takes a quote or slash for something else finds other comments.
        #[test]
        fn scanner_and_grammar_cut_alike(
            tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..60),
        ) {
            let text = tokens.concat();
            let parse = parse(FileId(0), text.as_bytes());
            let found: Vec<usize> = parse.comments.iter().map(|comment| comment.span.range().start).collect();
            let scanned = comments(&text);
            prop_assert!(scanned.starts_with(&found), "{text:?}: {scanned:?} but {found:?}");
            // The grammar looks for none behind the document.
            if let Some(&missed) = scanned.get(found.len()) {
                let end = parse.root.map_or(usize::MAX, |root| root.span.range().end);
                prop_assert!(missed >= end, "{text:?}: {scanned:?} but {found:?}");
            }
        }
    }

    const TOKENS: &[&str] = &[
        "{", "}", "[", "]", "{\"a\":", "[1,", "\"", "\"b\"", "\\", "'", "#", "#c\n", "//", "/*", "*/", "/",
        "://", ":", "=", ",", " ", "\n", "\r\n", "\t", "1", "-", "true", "x", "\u{e9}", "\0", "\u{feff}",
    ];

    fn comments(text: &str) -> Vec<usize> {
        let mut scanner = Scanner::new(text);
        let tokens = std::iter::from_fn(|| scanner.next());
        tokens.filter(|(token, _)| *token == Token::Comment).map(|(_, range)| range.start).collect()
    }
}
