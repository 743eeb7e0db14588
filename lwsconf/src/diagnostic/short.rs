//! The short form: `file:line:column: error[L0203]: headline`, one line for each finding.

use super::{Diagnostic, Files, Place};

/// One diagnostic as one line, without its newline. A finding about a whole file has no line and column.
#[must_use]
pub fn render(diagnostic: &Diagnostic, files: &Files) -> String {
    let place = match diagnostic.place {
        Place::Span(span) => {
            let position = files.position(span.file, span.start);
            format!("{}:{}:{}", files.name(span.file), position.line, position.column)
        }
        Place::File(file) => files.name(file).to_owned(),
    };
    format!("{place}: {}[{}]: {}", diagnostic.severity.as_str(), diagnostic.code, diagnostic.headline)
}
