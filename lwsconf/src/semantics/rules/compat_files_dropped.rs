//! With `--compat`: files that lwsws never reads, because one before them cannot be parsed.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let files = &view.config.resolved.parsed.files;
    // A broken `conf` keeps lwsws from starting at all, so nothing is lost in silence.
    for (number, file) in files.iter().enumerate().skip(1) {
        let Some(error) = file.parse.errors.iter().find(|error| !error.kind.tolerated()) else { continue };
        let later = files.len() - number - 1;
        if later > 0 {
            let files = if later == 1 { "the file".to_owned() } else { format!("the {later} files") };
            let headline =
                format!("lwsws stops at this error, and silently leaves out {files} behind this one");
            let found = Diagnostic::warning(Code::CompatFilesDropped, headline, error.span)
                .label("read as far as here")
                .note("it serves the vhosts that come before, as if there were no others");
            report.push(found);
        }
        return;
    }
}
