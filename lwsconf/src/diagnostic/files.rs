//! The files of a run, as far as showing a place needs them: names, texts, lines and columns.

use std::ops::Range;
use std::sync::Arc;

use grammar::{FileId, LineIndex, Position, SourceText, Span};

/// The files of a run, in the order of their [`FileId`]s.
#[derive(Debug, Default)]
pub struct Files {
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    path: String,
    name: String,
    text: Arc<SourceText>,
    lines: LineIndex,
}

impl Files {
    /// Adds the next file: its path below the config directory, its name as shown, its text, and where the lines of
    /// that begin.
    pub fn push(&mut self, path: String, name: String, text: Arc<SourceText>, lines: LineIndex) {
        self.files.push(File { path, name, text, lines });
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The name of a file as shown; empty for a file that is not of this run.
    #[must_use]
    pub fn name(&self, file: FileId) -> &str {
        self.file(file).map_or("", |file| &file.name)
    }

    /// The path of a file below the config directory; empty for a file that is not of this run.
    #[must_use]
    pub fn path(&self, file: FileId) -> &str {
        self.file(file).map_or("", |file| &file.path)
    }

    /// The text of a file; empty for a file that is not of this run.
    #[must_use]
    pub fn text(&self, file: FileId) -> &str {
        self.file(file).map_or("", |file| &file.text)
    }

    /// Line and column of a byte.
    #[must_use]
    pub fn position(&self, file: FileId, offset: u32) -> Position {
        match self.file(file) {
            Some(file) => file.lines.position(&file.text, offset),
            None => Position { line: 1, column: 1 },
        }
    }

    /// The bytes of the whole lines that hold a span, the last newline left out.
    #[must_use]
    pub fn lines_around(&self, span: Span) -> Range<usize> {
        let Some(file) = self.file(span.file) else {
            return 0..0;
        };
        let lines = &file.lines;
        let start = lines.start_of(lines.line(span.start)).unwrap_or(0);
        let next = lines.start_of(lines.line(span.end) + 1);
        start..next.map_or(file.text.len(), |next| next - 1)
    }

    fn file(&self, file: FileId) -> Option<&File> {
        self.files.get(file.0 as usize)
    }
}
