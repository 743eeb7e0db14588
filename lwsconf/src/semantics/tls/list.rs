//! Lists of names as OpenSSL takes them, word by word with their places, and what is said about words that select
//! nothing here.

use std::ops::Range;

use grammar::Span;

use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::schema::Text;

/// How many names are marked and told by name.
const MOST: usize = 8;

/// How many words of a list are read: there are not so many names.
const MOST_WORDS: usize = 1000;

/// The words of a list and their places in it. OpenSSL parts them by colons, commas, semicolons or blanks.
pub(super) fn words(list: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut end = 0;
    let words = list.split([':', ',', ';', ' ']).map(move |word| {
        let start = end;
        end = start + word.len() + 1;
        (start..start + word.len(), word)
    });
    words.filter(|(_, word)| !word.is_empty()).take(MOST_WORDS)
}

/// Words of one list that select nothing, with the reason for each.
pub(super) struct Unknown<'l> {
    words: Vec<(Span, &'l str, &'static str)>,
}

impl<'l> Unknown<'l> {
    pub(super) fn new() -> Self {
        Self { words: Vec::new() }
    }

    pub(super) fn push(&mut self, list: &Text<'l>, place: Range<usize>, word: &'l str, reason: &'static str) {
        self.words.push((list.span_of(place), word, reason));
    }

    /// One finding for all of them, if there are any. `what` names them, such as `cipher suite`.
    pub(super) fn finding(self, code: Code, key: &str, what: &str) -> Option<Diagnostic> {
        let (first, others) = self.words.split_first()?;
        let headline = match others {
            [] => format!("{} in `{key}` is not a supported {what}", quoted(first.1)),
            _ => format!("{} names in `{key}` are not supported {what}s", others.len() + 1),
        };
        let mut found = Diagnostic::warning(code, headline, first.0).label(first.2);
        for other in others.iter().take(MOST) {
            found = found.also(other.0, other.2);
        }
        if others.len() > MOST {
            found = found.note(format!("{} more of them are not marked", others.len() - MOST));
        }
        let them = if others.is_empty() { "it" } else { "them" };
        Some(found.help(format!("take {them} out; `lwsconf explain {code}` tells what is supported")))
    }
}

/// The error for a list that leaves nothing.
pub(super) fn nothing_left<'n>(key: &str, list: &Text<'_>, has: impl Iterator<Item = &'n str>) -> Diagnostic {
    let headline = format!("nothing in `{key}` is supported");
    Diagnostic::error(Code::NothingLeft, headline, list.span())
        .label("leaves nothing")
        .note(format!("supported are {}", has.map(quoted).collect::<Vec<_>>().join(", ")))
        .help("name one of them, or take the key out to have them all")
}
