//! The config language of `lwsws`: JSON with `#` comments, read the way lwsws reads it.
//!
//! One call, [`parse`], turns the bytes of one file into a [`Parse`]: a tree whose every value and key knows its
//! bytes in the source, the comments, and *all* syntax errors that could be told apart. There is always a tree,
//! even of a broken file, so that later stages can go on and report what is wrong further down.
//!
//! The language itself stands in `lwsws.pest`, where each rule says which behaviour of lwsws it follows.
//! This crate touches no file and knows nothing of keys or their meaning.

#![forbid(unsafe_code)]

mod brackets;
mod budget;
mod display;
mod error;
mod errors;
mod parser;
mod scan;
mod source;
mod span;
mod tree;
mod unescape;
mod utf8;

pub use budget::{Budget, MAX_TOKENS};
pub use display::display;
pub use error::{Related, SyntaxError, SyntaxErrorKind};
pub use errors::MAX_ERRORS;
pub use parser::{MAX_NESTING, MAX_SOURCE, parse, parse_within};
pub use source::{LineIndex, Position};
pub use span::{FileId, Span};
pub use tree::{Comment, Key, Member, Object, Parse, SourceText, Text, Value, ValueKind, Word};
