//! With `--compat`: a long text in `global`, of which lwsws keeps only the end.

use super::compat_tree::{Seen, walk};
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

/// lwsws takes texts in pieces of this many bytes, and in `global` it keeps what follows the last full one.
const PIECE: usize = 254;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    walk(view, &mut |seen| {
        let Seen::Text(value, text, true) = seen else { return };
        let whole = text.as_str();
        if whole.len() <= PIECE {
            return;
        }
        let kept = (whole.len() - 1) / PIECE * PIECE;
        let tail = String::from_utf8_lossy(&whole.as_bytes()[kept..]).into_owned();
        let headline = format!("lwsws keeps only the end of this text of {} bytes", whole.len());
        let found = Diagnostic::warning(Code::CompatGlobalTail, headline, value.span)
            .label(format!("the last {} bytes", whole.len() - kept))
            .note(format!("it reads {}", quoted(&tail)))
            .note("lwsrun keeps all of it");
        report.push(found);
    });
}
