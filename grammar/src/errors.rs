//! Collects the errors of a file, up to a limit: a file of nothing but errors must not take many times its size.

use crate::{Span, SyntaxError, SyntaxErrorKind};

/// How many syntax errors of one file are told. Whoever has more reads none of them.
pub const MAX_ERRORS: usize = 10_000;

/// The errors found so far.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    list: Vec<SyntaxError>,
    /// How many were not of the tolerated kind, told or not.
    refused: usize,
    /// Where the first one stands that is not told.
    beyond: Option<Span>,
}

impl Errors {
    pub(crate) fn push(&mut self, error: SyntaxError) {
        self.refused += usize::from(!error.kind.tolerated());
        if self.list.len() < MAX_ERRORS {
            self.list.push(error);
        } else {
            self.beyond.get_or_insert(error.span);
        }
    }

    /// How many errors were not of the tolerated kind.
    pub(crate) fn refused(&self) -> usize {
        self.refused
    }

    /// Those that are told, in the order in which they were found.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SyntaxError> {
        self.list.iter()
    }

    /// Takes in what was found elsewhere in the same file.
    pub(crate) fn extend(&mut self, more: Self) {
        more.list.into_iter().for_each(|error| self.push(error));
        self.beyond = self.beyond.or(more.beyond);
    }

    /// All that are told in source order. That there are more is an error of its own, which is never tolerated.
    pub(crate) fn into_sorted(mut self) -> Vec<SyntaxError> {
        if let Some(span) = self.beyond {
            self.list.push(SyntaxError { kind: SyntaxErrorKind::TooMany, span, related: None });
        }
        self.list.sort_by_key(|error| (error.span, error.kind));
        self.list
    }
}
