//! A key of `extra-mimetypes` that no file's name ends in: a pattern, or a type in the place of the suffix.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts().filter(|(_, mount)| !mount.plan.extra_mimetypes.is_empty()) {
        for pair in mount.fields.pairs("extra-mimetypes") {
            let (key, place) = (pair.name.value, pair.name.span());
            let is_pattern = key.len() > 1 && key.contains('*');
            if !is_pattern && !key.contains('/') {
                continue;
            }
            let headline = format!("no file's name ends in {}", quoted(key));
            let found = Diagnostic::warning(Code::MimeKeyNeverMatches, headline, place);
            let value = pair.value.value;
            let suffix = key.trim_start_matches('*');
            report.push(if !is_pattern && value.starts_with('.') {
                found
                    .label("a type where the suffix belongs")
                    .help(format!("the suffix comes first: `\"{value}\": \"{key}\"`"))
            } else if is_pattern && suffix.starts_with('.') && !suffix.contains(['*', '/']) {
                found.label("keys are ends of names, not patterns").fix(
                    "the end of the name alone",
                    place,
                    format!("\"{suffix}\""),
                )
            } else {
                found
                    .label("not the end of a file's name")
                    .help("write a suffix with its dot, such as `.zip`, or `*` alone for all other files")
            });
        }
    }
}
