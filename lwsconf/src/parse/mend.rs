//! The edits that put syntax errors right, where there is no doubt what was meant.

use grammar::{Span, SyntaxError, SyntaxErrorKind};

use crate::diagnostic::Diagnostic;

/// Quotes that are not the plain double one.
const QUOTES: [char; 5] = ['\'', '\u{201c}', '\u{201d}', '\u{201e}', '\u{2019}'];

/// Adds to a finding the edit that puts it right, or the help of its kind. `text` is the file's.
pub(super) fn mend(found: Diagnostic, error: &SyntaxError, text: &str) -> Diagnostic {
    let span = error.span;
    let written = text.get(span.range()).unwrap_or_default();
    let edit = match error.kind {
        SyntaxErrorKind::ByteOrderMark => Some(("leave it out", span, String::new())),
        SyntaxErrorKind::CommaBeforeBrace | SyntaxErrorKind::CommaBeforeBracket => {
            Some(("remove the comma", span, String::new()))
        }
        SyntaxErrorKind::CommaExpected if written.is_empty() => {
            Some(("put a comma here", span, ",".to_owned()))
        }
        SyntaxErrorKind::ColonExpected if written.is_empty() => {
            Some(("put a colon here", span, ":".to_owned()))
        }
        SyntaxErrorKind::ColonExpected if written == "=" => Some(("write a colon", span, ":".to_owned())),
        SyntaxErrorKind::SlashComment if written.starts_with("//") => {
            Some(("begin it with `#`", Span { end: span.start + 2, ..span }, "#".to_owned()))
        }
        SyntaxErrorKind::KeyExpected | SyntaxErrorKind::ValueExpected => {
            quoted(written).map(|fixed| ("put it in plain double quotes", span, fixed))
        }
        SyntaxErrorKind::BadNumber => quoted(written).map(|fixed| ("put it in double quotes", span, fixed)),
        _ => None,
    };
    match (edit, error.kind.help()) {
        (Some((title, span, replacement)), _) => found.fix(title, span, replacement),
        (None, Some(help)) => found.help(help),
        (None, None) => found,
    }
}

/// A bare word, or one in other quotes, as a string; none if it holds anything that makes its end uncertain.
fn quoted(written: &str) -> Option<String> {
    let bare = written.trim_matches(QUOTES);
    let is_plain = !bare.is_empty()
        && !bare.contains(['"', '\\', '{', '}', '[', ']', ','])
        && !bare.contains(QUOTES)
        && !bare.chars().any(char::is_control);
    // A bare word ends at the next blank; what follows may belong to it.
    let is_whole = bare.len() < written.len() || !bare.contains([' ', ':', '=']);
    (is_plain && is_whole).then(|| format!("\"{bare}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_is_put_in_quotes() {
        assert_eq!(quoted("on").as_deref(), Some("\"on\""));
        assert_eq!(quoted("'a b'").as_deref(), Some("\"a b\""));
        assert_eq!(quoted("\u{201c}/\u{201d}").as_deref(), Some("\"/\""));
        for doubtful in
            ["", "''", "a b", "a:b", "'it's'", "a\"b", "a\\b", "\u{201c}a\u{201d} \u{201c}b\u{201d}"]
        {
            assert_eq!(quoted(doubtful), None, "{doubtful}");
        }
    }
}
