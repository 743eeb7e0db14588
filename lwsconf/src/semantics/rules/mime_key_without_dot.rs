//! A key of `extra-mimetypes` without a dot: it matches more names than was meant.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

/// A word that is this long or shorter, in bytes, is a suffix; longer ones may be whole names of files.
const LONGEST_SUFFIX: usize = 5;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts().filter(|(_, mount)| !mount.plan.extra_mimetypes.is_empty()) {
        for pair in mount.fields.pairs("extra-mimetypes") {
            let (key, place) = (pair.name.value, pair.name.span());
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            if key.len() > LONGEST_SUFFIX || !key.bytes().all(is_plain) {
                continue;
            }
            report.push(match key {
                "" => Diagnostic::warning(Code::MimeKeyWithoutDot, "the empty key matches every file", place)
                    .label("comes before all that stands behind it, and before the table of known types")
                    .help("write `*` for the files that no other key and no table knows"),
                key => {
                    let headline = format!("{} matches every name that ends so, dot or not", quoted(key));
                    Diagnostic::warning(Code::MimeKeyWithoutDot, headline, place)
                        .label("no dot in front")
                        .note(format!("`notes.{key}`, and `not-a-{key}` too"))
                        .fix("the suffix with its dot", place, format!("\".{key}\""))
                }
            });
        }
    }
}
