//! With `--compat`: `_lws_ddir_` where lwsws leaves it as it is, in `global` and behind the first of a text.

use super::compat_tree::{Seen, walk};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::resolve::WORD;
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    walk(view, &mut |seen| {
        let Seen::Text(value, text, is_global) = seen else { return };
        let words = text.as_str().matches(WORD).count();
        if words == 0 || (words == 1 && !is_global) {
            return;
        }
        let (headline, label) = match is_global {
            true => (format!("lwsws does not replace `{WORD}` in `global`"), "stays as it is there"),
            false => (
                format!("lwsws replaces `{WORD}` once in a text"),
                "all but the first stay as they are there",
            ),
        };
        let found = Diagnostic::warning(Code::CompatDdirOnce, headline, value.span)
            .label(label)
            .note("its documentation promises it for all texts, and lwsrun does so");
        report.push(found);
    });
}
