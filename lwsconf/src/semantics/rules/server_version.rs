//! A version number in `server-string`.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let Some(text) = view.config.global().and_then(|global| global.text("server-string")) else { return };
    if let Some(at) = version(text.value) {
        let headline = "`server-string` tells a version";
        let found = Diagnostic::remark(Code::ServerVersion, headline, text.span_of(at..text.value.len()))
            .label("sent with every answer")
            .note("it helps those who look for known holes, and nobody else")
            .help("leave the number out");
        report.push(found);
    }
}

/// Where a version begins: a digit behind `/` or `v`, or one that a dot and another digit follow.
fn version(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (0..bytes.len()).find(|&at| {
        let before = at.checked_sub(1).map(|at| bytes[at]);
        let is_marked = matches!(before, Some(b'/' | b'v' | b'V'));
        let is_dotted = bytes.get(at + 1) == Some(&b'.') && bytes.get(at + 2).is_some_and(u8::is_ascii_digit);
        bytes[at].is_ascii_digit() && (is_marked || is_dotted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_from_other_numbers() {
        assert_eq!(version("lwsrun/0.1"), Some(7));
        assert_eq!(version("example server v1"), Some(16));
        assert_eq!(version("httpd 2.4"), Some(6));
        assert_eq!(version("harbour 1"), None);
        assert_eq!(version("4 seasons"), None);
    }
}
