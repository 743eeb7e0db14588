//! How much all files of a configuration may hold together, so that no directory takes the machine's memory.
//!
//! Bytes alone do not tell: a tree is about ten times the size of what people write, and two hundred times that of a
//! file of nothing but `""`. What it takes goes with the tokens, so these are counted before a file is parsed.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::MAX_SOURCE;

/// How many tokens all files may have together: strings, numbers, words, brackets, commas, colons and comments. A
/// vhost with four mounts has about 250.
pub const MAX_TOKENS: usize = 6_000_000;

/// Counts what the files of one configuration hold. Any number of threads may parse with one.
#[derive(Debug, Default)]
pub struct Budget {
    bytes: AtomicUsize,
    tokens: AtomicUsize,
}

impl Budget {
    /// Whether there was more than may be read. Which files were read all the same depends on which came first.
    #[must_use]
    pub fn is_exceeded(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > MAX_SOURCE || self.tokens.load(Ordering::Relaxed) > MAX_TOKENS
    }

    /// Whether there is room for this many bytes too.
    pub(crate) fn take_bytes(&self, bytes: usize) -> bool {
        self.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= MAX_SOURCE
    }

    /// Whether there is room for this many tokens too.
    pub(crate) fn take_tokens(&self, tokens: usize) -> bool {
        self.tokens.fetch_add(tokens, Ordering::Relaxed).saturating_add(tokens) <= MAX_TOKENS
    }
}
