//! Stage 3 of 6: replaces `_lws_ddir_` in string values. Comes after [`parse`](crate::parse), before
//! [`schema`](crate::schema).
//!
//! Every occurrence in every string value counts, those in `global` included. Differs from lwsws, which replaces
//! only the first of a string and none in `global`: its documentation promises all. Keys are left alone.

use std::collections::HashMap;
use std::ops::Range;

use grammar::{Object, Span, Text, Value, ValueKind};

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::parse::Parsed;

/// The word that stands for the data directory.
pub const WORD: &str = "_lws_ddir_";
/// The longest that a text with the word may become, in bytes: what Linux takes as a path.
const LONGEST: usize = 4096;

/// The trees, and what the strings that hold [`WORD`] became.
#[derive(Debug)]
pub struct Resolved<'a> {
    /// The trees.
    pub parsed: &'a Parsed,
    /// What [`WORD`] stands for.
    pub ddir: &'a str,
    expanded: HashMap<Span, Expanded>,
}

/// A string after replacing, with the way back.
#[derive(Debug)]
struct Expanded {
    text: String,
    /// The replaced words: where each stands in `text`, and where in the decoded text that it replaces.
    words: Vec<(Range<usize>, Range<usize>)>,
}

/// The text of a string as meant: escapes resolved, [`WORD`] replaced.
#[derive(Debug, Clone, Copy)]
pub struct Resolution<'a> {
    written: &'a Text,
    expanded: Option<&'a Expanded>,
}

/// Replaces [`WORD`] in all string values of all files. From here on comments silence findings.
#[must_use]
pub fn resolve<'a>(parsed: &'a Parsed, ddir: &'a str, report: &mut Report) -> Resolved<'a> {
    let mut resolved = Resolved { parsed, ddir, expanded: HashMap::new() };
    for file in &parsed.files {
        let text = &file.parse.text;
        report.allow(text, &file.parse.comments);
        // Most files hold no such word, nor an escape that could hide one: then there is nothing to walk.
        if let Some(root) = &file.parse.root
            && (text.contains(WORD) || text.contains("\\u"))
        {
            resolved.visit(root, report);
        }
    }
    resolved
}

impl<'a> Resolved<'a> {
    /// The text that a string stands for. `span` is the place of the string, quotes included.
    #[must_use]
    pub fn text(&'a self, span: Span, written: &'a Text) -> Resolution<'a> {
        let expanded = if self.expanded.is_empty() { None } else { self.expanded.get(&span) };
        Resolution { written, expanded }
    }

    /// Walks a value. The depth is bounded by the grammar.
    fn visit(&mut self, value: &Value, report: &mut Report) {
        match &value.kind {
            ValueKind::String(text) if text.as_str().contains(WORD) => {
                let length = expanded_length(text.as_str(), self.ddir);
                if length > LONGEST {
                    report.push(too_long(value.span, length));
                } else {
                    self.expanded.insert(value.span, expand(text.as_str(), self.ddir));
                }
            }
            ValueKind::Array(items) => items.iter().for_each(|item| self.visit(item, report)),
            ValueKind::Object(object) => self.visit_object(object, report),
            _ => {}
        }
    }

    fn visit_object(&mut self, object: &Object, report: &mut Report) {
        for member in &object.members {
            if member.key.text.as_str().contains(WORD) {
                let headline = format!("`{WORD}` is not replaced in a key");
                let warning = Diagnostic::warning(Code::WordInKey, headline, member.key.span)
                    .note("only values are resolved, as lwsws does it");
                report.push(warning);
            }
            self.visit(&member.value, report);
        }
    }
}

impl<'a> Resolution<'a> {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.expanded.map_or(self.written.as_str(), |expanded| &expanded.text)
    }

    /// The source of a stretch of the text; of a replaced word always the whole word.
    #[must_use]
    pub fn source_span(&self, range: Range<usize>) -> Span {
        let decoded = match self.expanded {
            Some(expanded) => expanded.start_before(range.start)..expanded.end_before(range.end),
            None => range,
        };
        self.written.source_span(decoded)
    }

    /// The place of the whole text, between its quotes.
    #[must_use]
    pub fn span(&self) -> Span {
        self.written.inner()
    }
}

impl Expanded {
    /// The decoded offset at which a stretch begins that begins at `offset` of the text.
    fn start_before(&self, offset: usize) -> usize {
        match self.words.iter().rev().find(|(new, _)| new.start <= offset) {
            Some((new, old)) if offset < new.end => old.start,
            Some((new, old)) => old.end + (offset - new.end),
            None => offset,
        }
    }

    /// The decoded offset at which a stretch ends that ends at `offset` of the text.
    fn end_before(&self, offset: usize) -> usize {
        match self.words.iter().rev().find(|(new, _)| new.start < offset) {
            Some((new, old)) if offset < new.end => old.end,
            Some((new, old)) => old.end + (offset - new.end),
            None => offset,
        }
    }
}

fn expanded_length(decoded: &str, ddir: &str) -> usize {
    let words = decoded.matches(WORD).count();
    decoded.len() - words * WORD.len() + words * ddir.len()
}

fn expand(decoded: &str, ddir: &str) -> Expanded {
    let mut text = String::new();
    let mut words = Vec::new();
    let mut copied = 0;
    for (start, word) in decoded.match_indices(WORD) {
        text.push_str(&decoded[copied..start]);
        let new_start = text.len();
        text.push_str(ddir);
        copied = start + word.len();
        words.push((new_start..text.len(), start..copied));
    }
    text.push_str(&decoded[copied..]);
    Expanded { text, words }
}

fn too_long(span: Span, length: usize) -> Diagnostic {
    let headline = format!("the text is {length} bytes long once `{WORD}` is replaced");
    Diagnostic::error(Code::ExpandedTooLong, headline, span)
        .label(format!("may become {LONGEST} bytes"))
        .help(format!("write {} fewer times, or choose a shorter `--ddir`", quoted(WORD)))
}
