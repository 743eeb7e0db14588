//! The machine's form: one JSON object a line for each finding.
//!
//! Fields: `code severity message file`, and for a finding within a file `start end` (bytes from 0, end exclusive)
//! and `line column end_line end_column` (from 1, columns in characters); `label`; `related`, a list of places with
//! the same fields and a `label`; `notes` and `helps`, lists of texts; `fix`, null or a place with `title` and
//! `replacement`.

use grammar::Span;
use serde_json::{Map, Value, json};

use super::{Annotation, Diagnostic, Files, Fix, Place};

/// One diagnostic as one line of JSON, without its newline.
#[must_use]
pub fn render(diagnostic: &Diagnostic, files: &Files) -> String {
    let mut object = match diagnostic.place {
        Place::Span(span) => place(span, files),
        Place::File(file) => Map::from_iter([("file".to_owned(), json!(files.name(file)))]),
    };
    object.insert("code".to_owned(), json!(diagnostic.code.as_str()));
    object.insert("severity".to_owned(), json!(diagnostic.severity.as_str()));
    object.insert("message".to_owned(), json!(diagnostic.headline));
    object.insert("label".to_owned(), json!(diagnostic.label));
    let related = diagnostic.related.iter().map(|annotation| related(annotation, files)).collect::<Vec<_>>();
    object.insert("related".to_owned(), Value::Array(related));
    object.insert("notes".to_owned(), json!(diagnostic.notes));
    object.insert("helps".to_owned(), json!(diagnostic.helps));
    object.insert("fix".to_owned(), diagnostic.fix.as_ref().map_or(Value::Null, |edit| fix(edit, files)));
    Value::Object(object).to_string()
}

fn related(annotation: &Annotation, files: &Files) -> Value {
    let mut object = place(annotation.span, files);
    object.insert("label".to_owned(), json!(annotation.label));
    Value::Object(object)
}

fn fix(fix: &Fix, files: &Files) -> Value {
    let mut object = place(fix.span, files);
    object.insert("title".to_owned(), json!(fix.title));
    object.insert("replacement".to_owned(), json!(fix.replacement));
    Value::Object(object)
}

fn place(span: Span, files: &Files) -> Map<String, Value> {
    let start = files.position(span.file, span.start);
    let end = files.position(span.file, span.end);
    Map::from_iter([
        ("file".to_owned(), json!(files.name(span.file))),
        ("start".to_owned(), json!(span.start)),
        ("end".to_owned(), json!(span.end)),
        ("line".to_owned(), json!(start.line)),
        ("column".to_owned(), json!(start.column)),
        ("end_line".to_owned(), json!(end.line)),
        ("end_column".to_owned(), json!(end.column)),
    ])
}
