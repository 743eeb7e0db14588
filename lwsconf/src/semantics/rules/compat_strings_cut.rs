//! With `--compat`: more text than lwsws has room for; it cuts the rest without a word.

use super::compat_tree::{Seen, walk};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::View;

/// The buffer that lwsws puts all texts into, in bytes.
const ROOM: usize = 64 * 1024;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let mut used = 0;
    let mut full = None;
    walk(view, &mut |seen| {
        if let Seen::Text(value, text, _) = seen {
            // Each text ends in a NUL.
            used += view.config.resolved.text(value.span, text).text().len() + 1;
            if used > ROOM && full.is_none() {
                full = Some(value.span);
            }
        }
    });
    if let Some(place) = full {
        let headline = format!(
            "lwsws has room for 64 KiB of text, and this configuration has {} KiB",
            used.div_ceil(1024)
        );
        let start = grammar::Span { end: place.start.saturating_add(1), ..place };
        let found = Diagnostic::warning(Code::CompatStringsCut, headline, start)
            .label("about here its room is full: what follows is cut without a word")
            .note("lwsrun has no such limit");
        report.push(found);
    }
}
