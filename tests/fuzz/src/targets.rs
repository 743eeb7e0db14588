//! What has to hold for any bytes, one function for each fuzz target.

#![allow(clippy::unwrap_used, reason = "a target fails by a panic")]

use std::fs;

use grammar::{FileId, MAX_NESTING, Span, Value, ValueKind};
use lwsconf::Options;
use lwsconf::diagnostic::{Severity, full, github, json, sarif, short};
use schemas::plan::Plan;

/// Any bytes end in a tree and errors: every place lies in the source, and the errors stand in order.
pub fn parse_config(bytes: &[u8]) {
    let parse = grammar::parse(FileId(0), bytes);
    assert!(parse.text.len() == bytes.len() || parse.root.is_none(), "the text is as long as the source");
    let inside = |span: Span| assert!(parse.text.get(span.range()).is_some(), "{span:?}");
    for error in &parse.errors {
        inside(error.span);
        error.related.iter().for_each(|related| inside(related.span));
    }
    assert!(parse.errors.is_sorted_by_key(|error| error.span), "errors stand in order");
    parse.comments.iter().for_each(|comment| inside(comment.span));
    if let Some(root) = &parse.root {
        check_value(root, &inside, 1);
    }
    assert!(!grammar::display(&parse).is_empty());
}

fn check_value(value: &Value, inside: &dyn Fn(Span), depth: usize) {
    inside(value.span);
    match &value.kind {
        ValueKind::String(text) => inside(text.source_span(0..text.as_str().len())),
        ValueKind::Array(items) => {
            assert!(depth <= MAX_NESTING);
            items.iter().for_each(|item| check_value(item, inside, depth + 1));
        }
        ValueKind::Object(object) => {
            assert!(depth <= MAX_NESTING);
            for member in &object.members {
                inside(member.key.span);
                inside(member.key.text.inner());
                check_value(&member.value, inside, depth + 1);
            }
        }
        ValueKind::Number(_) | ValueKind::Word(_) | ValueKind::Bad => {}
    }
}

/// Any configuration ends in findings that can all be shown, and in a plan if and only if none of them is an error;
/// the server can read that plan. A first byte that is odd means `--compat`; NUL bytes part the files.
pub fn compile_config(bytes: &[u8]) {
    let (compat, bytes) = bytes.split_first().map_or((false, bytes), |(first, rest)| (first % 2 == 1, rest));
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("conf.d")).unwrap();
    for (number, file) in bytes.split(|byte| *byte == 0).take(8).enumerate() {
        let name = if number == 0 { "conf".to_owned() } else { format!("conf.d/{number}") };
        fs::write(dir.path().join(name), file).unwrap();
    }
    let options = Options { dir: dir.path().to_owned(), compat, ..Options::default() };
    let path = dir.path().join("plan");
    let Ok(outcome) = lwsconf::compile(&options, &path) else {
        // Too much for a plan, which is told and leaves none.
        assert!(!path.exists());
        return;
    };
    for diagnostic in &outcome.diagnostics {
        assert!(!full::render(diagnostic, &outcome.files).is_empty());
        for line in [
            short::render(diagnostic, &outcome.files),
            json::render(diagnostic, &outcome.files),
            github::render(diagnostic, &outcome.files),
        ] {
            assert!(!line.contains('\n'), "{line}");
        }
    }
    assert!(sarif::render(&outcome.diagnostics, &outcome.files, dir.path()).ends_with("}\n"));
    let errors = outcome.diagnostics.iter().any(|one| one.severity() == Severity::Error);
    assert_eq!(
        path.exists(),
        !errors && outcome.hidden.errors == 0,
        "a plan if and only if there is no error"
    );
    if path.exists() {
        Plan::from_bytes(fs::read(&path).unwrap()).unwrap();
    }
}
