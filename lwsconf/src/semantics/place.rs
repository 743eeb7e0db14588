//! Spans of the compiler to places of the plan: file and line.

use grammar::Span;
use schemas::plan::{Place, SourceId};

use crate::parse::{Parsed, ParsedFile};

/// Where the lines of all files begin.
pub(super) struct Places<'a> {
    files: &'a [ParsedFile],
}

impl<'a> Places<'a> {
    pub(super) fn new(parsed: &'a Parsed) -> Self {
        Self { files: &parsed.files }
    }

    /// The line that a span begins on.
    pub(super) fn of(&self, span: Span) -> Place {
        let line = self.files.get(span.file.0 as usize).map_or(1, |file| file.lines.line(span.start));
        Place { file: SourceId(span.file.0), line }
    }

    /// The line that an object begins on; the first one of all for an object that the config does not have.
    pub(super) fn of_object(&self, brace: Option<Span>) -> Place {
        brace.map_or(Place { file: SourceId(0), line: 1 }, |brace| self.of(brace))
    }
}
