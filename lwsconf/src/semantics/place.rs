//! Spans of the compiler to places of the plan: file and line.

use grammar::{LineIndex, Span};
use schemas::plan::{Place, SourceId};

use crate::parse::Parsed;

/// Where the lines of all files begin.
pub(super) struct Places {
    lines: Vec<LineIndex>,
}

impl Places {
    pub(super) fn new(parsed: &Parsed) -> Self {
        Self { lines: parsed.files.iter().map(|file| LineIndex::new(&file.parse.text)).collect() }
    }

    /// The line that a span begins on.
    pub(super) fn of(&self, span: Span) -> Place {
        let line = self.lines.get(span.file.0 as usize).map_or(1, |lines| lines.line(span.start));
        Place { file: SourceId(span.file.0), line }
    }

    /// The line that an object begins on; the first one of all for an object that the config does not have.
    pub(super) fn of_object(&self, brace: Option<Span>) -> Place {
        brace.map_or(Place { file: SourceId(0), line: 1 }, |brace| self.of(brace))
    }
}
