//! The tree: values and keys with their places, in source order, duplicates kept.

use std::ops::Deref;
use std::sync::Arc;

use crate::{FileId, Span, SyntaxError};

/// What one file holds: always a tree, and every syntax error that was found.
#[derive(Debug, Clone)]
pub struct Parse {
    /// The file that was parsed.
    pub file: FileId,
    /// The source as text. As long as the input, byte for byte: bytes that are not UTF-8 are replaced by `?` one
    /// by one (and reported), so that spans hold for the file on disk too. Shared with the tree.
    pub text: Arc<SourceText>,
    /// The outermost value; `None` where the file holds nothing but blanks and comments, or nothing readable.
    pub root: Option<Value>,
    /// All comments, in source order. What follows the document is not searched for any if it is not all comments.
    pub comments: Vec<Comment>,
    /// All syntax errors in source order, tolerated ones included.
    pub errors: Vec<SyntaxError>,
}

/// A comment: from `#` to the end of its line, the newline not included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its place, the `#` included.
    pub span: Span,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The whole value: quotes, brackets or braces included.
    pub span: Span,
    /// What it is.
    pub kind: ValueKind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueKind {
    /// `"…"`.
    String(Text),
    /// A number, as written: lwsws hands its text to the key, so form and precision are kept.
    Number(String),
    /// `true`, `false` or `null`.
    Word(Word),
    /// `[…]`, items in order.
    Array(Vec<Value>),
    /// `{…}`, members in order.
    Object(Object),
    /// Something that is no value; it has been reported.
    Bad,
}

/// The three bare words of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// `true`, which lwsws reads as `1`.
    True,
    /// `false`, which lwsws reads as `0`.
    False,
    /// `null`, which lwsws reads as the empty text.
    Null,
}

/// The members of `{…}` in source order. A multimap: a key may stand more than once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Object {
    /// Each key with its value.
    pub members: Vec<Member>,
}

/// One `"key": value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The key.
    pub key: Key,
    /// The value; [`ValueKind::Bad`] where it is missing or unreadable.
    pub value: Value,
}

/// A key, with its escapes resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key's text.
    pub text: Text,
    /// Its place, quotes included.
    pub span: Span,
}

/// The text of a file that was parsed. Reads as a `str`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    pub(crate) file: FileId,
    pub(crate) text: Box<str>,
}

impl Deref for SourceText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// The text of a string, its escapes resolved, with the way back to the source.
///
/// Hardly any string has an escape, and trees are large: without one the text is no more than a place in the source.
#[derive(Clone)]
pub struct Text {
    /// The source of the whole file.
    pub(crate) source: Arc<SourceText>,
    /// The place between the quotes: first byte, and the one behind the last.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// What the string means, if that is not what it says.
    pub(crate) decoded: Option<Box<Decoded>>,
}

/// The text of a string with escapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The text meant.
    pub(crate) text: String,
    /// Where decoded and source bytes run apart: each entry `(decoded offset, source offset)` begins a stretch in
    /// which both advance together, until the next entry.
    pub(crate) map: Vec<(u32, u32)>,
}
