//! Any bytes given to the parser end in a tree and in errors that lie within the source, never in a panic.

#![forbid(unsafe_code)]

use grammar::{FileId, Parse, SyntaxError};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Pieces of the language, of its usual mistakes, and of what has hurt parsers before.
const PIECES: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "#",
    "\n",
    " ",
    "\t",
    "\\",
    "\\u",
    "\\u0000",
    "\\ud800",
    "//",
    "/*",
    "0",
    "-",
    "1.",
    "1e",
    "99999999999999999999999",
    "true",
    "null",
    "on",
    "\"a\"",
    "\"vhosts\"",
    "\"port\"",
    "{}",
    "[]",
    "\u{feff}",
    "\r\n",
    "\u{0}",
    "é",
    "\u{2028}",
    "_lws_ddir_",
    "'",
    ";",
    "{\"a\":1}",
    "\"\\\"",
];

fn settings(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(settings(2000))]

    #[test]
    fn any_bytes_are_read(bytes in vec(any::<u8>(), 0..300)) {
        read(&bytes)?;
    }

    #[test]
    fn any_pieces_are_read(pieces in vec(select(&PIECES[..]), 0..80)) {
        read(pieces.concat().as_bytes())?;
    }
}

#[test]
fn deep_nesting_is_refused_in_words() {
    for opening in ["[", "{\"a\":"] {
        for closing in ["", "]"] {
            let source = opening.repeat(100_000) + &closing.repeat(100_000);
            let Parse { errors, .. } = grammar::parse(FileId(0), source.as_bytes());
            assert!(!errors.is_empty(), "100,000 levels of `{opening}` are not an error");
        }
    }
}

/// Parses; errors must lie within the source, and the tree must be one that can be printed.
fn read(bytes: &[u8]) -> Result<(), TestCaseError> {
    let parse = grammar::parse(FileId(0), bytes);
    for SyntaxError { span, .. } in &parse.errors {
        prop_assert!(span.start <= span.end && span.end as usize <= parse.text.len(), "{span:?}");
    }
    let _ = grammar::display(&parse);
    Ok(())
}
