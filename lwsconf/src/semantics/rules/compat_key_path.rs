//! With `--compat`: keys whose joined names are too long for lwsws.

use super::compat_tree::{Seen, walk};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::View;

/// The longest that the names of all open keys may be, joined, in bytes.
const LONGEST: usize = 191;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    walk(view, &mut |seen| {
        if let Seen::Key(key, path) = seen
            && path > LONGEST
            // What lies deeper in it is no other mistake.
            && path - key.text.as_str().len() <= LONGEST
        {
            let headline = "the names of this key and those around it are too long for lwsws";
            let found = Diagnostic::warning(Code::CompatKeyPath, headline, key.span)
                .label(format!("{path} bytes with all that it stands in; {LONGEST} is the most"))
                .note("lwsws gives up on the file here, with an error that has no name");
            report.push(found);
        }
    });
}
