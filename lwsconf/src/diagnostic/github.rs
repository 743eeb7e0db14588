//! Annotations of GitHub's workflows: `::error file=…,line=…,col=…,endLine=…,endColumn=…,title=…::text`.
//!
//! A runner that finds such a line in the output of a step shows it at the line of the file. Everything stands on one
//! line, so line breaks are written as `%0A`.

use super::{Diagnostic, Files, Place, Severity};

/// One diagnostic as one line, without its newline.
///
/// Columns are left out where the place runs over several lines: runners take them on one line only.
#[must_use]
pub fn render(diagnostic: &Diagnostic, files: &Files) -> String {
    let word = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let place = match diagnostic.place {
        Place::Span(span) => {
            let start = files.position(span.file, span.start);
            let end = files.position(span.file, span.end);
            let name = property(files.name(span.file));
            if start.line == end.line {
                let (line, column, end_column) = (start.line, start.column, end.column);
                format!("file={name},line={line},col={column},endLine={line},endColumn={end_column}")
            } else {
                format!("file={name},line={},endLine={}", start.line, end.line)
            }
        }
        Place::File(file) => format!("file={}", property(files.name(file))),
    };
    let title = property(diagnostic.code.as_str());
    format!("::{word} {place},title={title}::{}", escaped(&text(diagnostic)))
}

/// What is said: the headline, and below it what stands at the places, background and advice.
fn text(diagnostic: &Diagnostic) -> String {
    let mut text = diagnostic.headline.clone();
    if !diagnostic.label.is_empty() {
        text.push_str(": ");
        text.push_str(&diagnostic.label);
    }
    for (kind, lines) in [("note", &diagnostic.notes), ("help", &diagnostic.helps)] {
        for line in lines {
            text.push_str(&format!("\n{kind}: {line}"));
        }
    }
    if let Some(fix) = &diagnostic.fix {
        text.push_str(&format!("\nhelp: {}", fix.title));
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value before the second `::`, where colons and commas mean something.
fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}
