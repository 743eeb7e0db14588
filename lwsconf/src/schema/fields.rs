//! The outcome of the schema stage: objects whose values have been checked and converted, each with its place.
//!
//! The getters take the key's preferred spelling. One that asks for the wrong kind finds nothing.

use std::ops::Range;

use grammar::Span;

use super::keys::{Key, Keys};
use crate::resolve::Resolution;

/// A value and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands in the source.
    pub span: Span,
}

/// The checked members of one object, or of several that were put together (`global`).
#[derive(Debug)]
pub struct Fields<'a> {
    pub(crate) keys: &'static Keys,
    /// The opening brace of the object; of several objects, that of the first.
    pub(crate) brace: Option<Span>,
    pub(crate) entries: Vec<Entry<'a>>,
    /// Keys that are not there, and that unknown keys which are there were most likely meant to be.
    pub(crate) misspelt: Vec<&'static str>,
}

/// One member.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// The key that it stands for, other spellings resolved.
    pub(crate) key: &'static Key,
    /// Where the key stands.
    pub(crate) key_span: Span,
    /// Counts the objects that were put together.
    pub(crate) object: u32,
    /// Whether the key was written as itself, not in another spelling.
    pub(crate) canonical: bool,
    /// The value.
    pub(crate) value: Checked<'a>,
}

/// A value after the check.
#[derive(Debug)]
pub(crate) enum Checked<'a> {
    Integer(Spanned<i64>),
    Boolean(Spanned<bool>),
    Text(Text<'a>),
    Texts(Vec<Text<'a>>),
    Present,
    Pairs(Vec<Pair<'a>>),
    Objects(Vec<Fields<'a>>),
    Protocols(Vec<Protocol<'a>>),
    /// It is there, but was found wrong and has been reported.
    Unusable,
}

/// A text: as meant, with escapes and `_lws_ddir_` resolved.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// The text.
    pub value: &'a str,
    pub(crate) source: TextSource<'a>,
}

/// Where a text comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TextSource<'a> {
    /// A string.
    String(Resolution<'a>),
    /// A number, a word, or a key: taken as a whole.
    Bare(Span),
}

/// A name and its text.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The name.
    pub name: Text<'a>,
    /// The text.
    pub value: Text<'a>,
}

/// A protocol of `ws-protocols`.
#[derive(Debug)]
pub struct Protocol<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// The options that every protocol has.
    pub fields: Fields<'a>,
    /// All options in the order of the config, those of `fields` included, under the names that the schema prefers.
    pub options: Vec<ProtocolOption<'a>>,
}

/// An option of a protocol.
#[derive(Debug)]
pub struct ProtocolOption<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// What it is set to.
    pub value: OptionValue<'a>,
}

/// What an option of a protocol is set to.
#[derive(Debug)]
pub enum OptionValue<'a> {
    /// A text, or a number or word as lwsws would hand it over.
    Text(Text<'a>),
    /// A list or an object, as compact JSON.
    Json(String),
}

impl<'a> Fields<'a> {
    pub(crate) fn new(keys: &'static Keys) -> Self {
        Self { keys, brace: None, entries: Vec::new(), misspelt: Vec::new() }
    }

    /// The opening brace; none for an object that the config does not have.
    #[must_use]
    pub fn brace(&self) -> Option<Span> {
        self.brace
    }

    /// Whether the key is there, be its value usable or not.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.all(key).next().is_some()
    }

    /// Whether a key is missing, and not just misspelt: that has been reported as the one mistake that it is.
    #[must_use]
    pub fn lacks(&self, key: &str) -> bool {
        !self.has(key) && !self.is_misspelt(key)
    }

    /// Whether a key is missing because it is misspelt.
    #[must_use]
    pub fn is_misspelt(&self, key: &str) -> bool {
        self.misspelt.contains(&key)
    }

    /// Whether a key is there with a value that was found wrong and has been reported.
    #[must_use]
    pub fn is_unusable(&self, key: &str) -> bool {
        self.all(key).any(|entry| matches!(entry.value, Checked::Unusable))
    }

    /// Where a key stands.
    #[must_use]
    pub fn key_span(&self, key: &str) -> Option<Span> {
        self.all(key).next().map(|entry| entry.key_span)
    }

    /// All keys that are there with their places, in config order.
    pub fn keys(&self) -> impl Iterator<Item = (&'static str, Span)> {
        self.entries.iter().map(|entry| (entry.key.name.as_str(), entry.key_span))
    }

    /// A whole number, in the range of its key.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<Spanned<i64>> {
        self.integers(key).next()
    }

    /// A whole number, or the documented default of its key.
    #[must_use]
    pub fn integer_or_default(&self, key: &str) -> Option<i64> {
        self.integer(key).map(|integer| integer.value).or_else(|| self.keys.get(key)?.default)
    }

    /// The numbers of a key that may stand several times.
    pub fn integers(&self, key: &str) -> impl Iterator<Item = Spanned<i64>> {
        self.all(key).filter_map(|entry| match &entry.value {
            Checked::Integer(integer) => Some(*integer),
            _ => None,
        })
    }

    /// A switch.
    #[must_use]
    pub fn boolean(&self, key: &str) -> Option<Spanned<bool>> {
        self.all(key).find_map(|entry| match &entry.value {
            Checked::Boolean(boolean) => Some(*boolean),
            _ => None,
        })
    }

    /// Whether a switch is on; absent switches are off.
    #[must_use]
    pub fn is_on(&self, key: &str) -> bool {
        self.boolean(key).is_some_and(|boolean| boolean.value)
    }

    /// A text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<Text<'a>> {
        self.texts(key).next()
    }

    /// The texts of a key that may stand several times.
    pub fn texts(&self, key: &str) -> impl Iterator<Item = Text<'a>> {
        self.all(key).filter_map(|entry| match &entry.value {
            Checked::Text(text) => Some(*text),
            _ => None,
        })
    }

    /// The texts of a key that takes lists of them, of all its values in order.
    pub fn lists(&self, key: &str) -> impl Iterator<Item = Text<'a>> {
        let lists = self.all(key).filter_map(|entry| match &entry.value {
            Checked::Texts(texts) => Some(texts),
            _ => None,
        });
        lists.flatten().copied()
    }

    /// The texts of all keys, in config order.
    pub fn all_texts(&self) -> impl Iterator<Item = (&'static str, Text<'a>)> {
        self.entries.iter().filter_map(|entry| match &entry.value {
            Checked::Text(text) => Some((entry.key.name.as_str(), *text)),
            _ => None,
        })
    }

    /// The pairs of a key, of all its lists and objects in order.
    pub fn pairs(&self, key: &str) -> impl Iterator<Item = Pair<'a>> {
        let lists = self.all(key).filter_map(|entry| match &entry.value {
            Checked::Pairs(pairs) => Some(pairs),
            _ => None,
        });
        lists.flatten().copied()
    }

    /// The objects of a key, of all its lists in order.
    pub fn objects(&self, key: &str) -> impl Iterator<Item = &Fields<'a>> {
        self.all(key).flat_map(|entry| match &entry.value {
            Checked::Objects(objects) => objects.as_slice(),
            _ => &[],
        })
    }

    /// The protocols of a key, of all its lists in order.
    pub fn protocols(&self, key: &str) -> impl Iterator<Item = &Protocol<'a>> {
        self.all(key).flat_map(|entry| match &entry.value {
            Checked::Protocols(protocols) => protocols.as_slice(),
            _ => &[],
        })
    }

    /// All keys that are there, in the order in which they first came, with their places; of a key given several
    /// times each place.
    pub fn key_places(&self) -> impl Iterator<Item = (&'static str, Span)> {
        self.entries.iter().map(|entry| (entry.key.name.as_str(), entry.key_span))
    }

    fn all(&self, key: &str) -> impl Iterator<Item = &Entry<'a>> {
        debug_assert!(self.keys.get(key).is_some(), "{} has no key `{key}`", self.keys.title);
        #[cfg(test)]
        self.keys.mark_asked(key);
        self.entries.iter().filter(move |entry| entry.key.name == key)
    }
}

impl<'a> Text<'a> {
    /// A text from nowhere.
    #[cfg(test)]
    pub(crate) fn bare(value: &'a str) -> Self {
        let span = Span { file: grammar::FileId(0), start: 0, end: 0 };
        Self { value, source: TextSource::Bare(span) }
    }

    /// The place of the whole text: of a string, what is between its quotes.
    #[must_use]
    pub fn span(&self) -> Span {
        match &self.source {
            TextSource::String(resolution) => resolution.span(),
            TextSource::Bare(span) => *span,
        }
    }

    /// The place of a stretch of the text, in bytes.
    #[must_use]
    pub fn span_of(&self, range: Range<usize>) -> Span {
        match &self.source {
            TextSource::String(resolution) => resolution.source_span(range),
            TextSource::Bare(span) => *span,
        }
    }
}
