//! `*` in `extra-mimetypes`: every file of the folder is served, those included that nobody thought of.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let with_types = view.mounts().filter(|(_, mount)| !mount.plan.extra_mimetypes.is_empty());
    for (_, mount) in with_types.filter(|(_, mount)| !mount.is_well_known()) {
        for pair in mount.fields.pairs("extra-mimetypes").filter(|pair| pair.name.value == "*") {
            let found =
                Diagnostic::remark(Code::MimeStar, "every file of this folder is served", pair.name.span());
            let found = match pair.value.value {
                "" => found.label("files of unknown suffixes too, and browsers guess what they are"),
                _ => found.label("files of unknown suffixes too"),
            };
            report.push(
                found
                    .note("without `*` they are kept back: backups, sources, keys, databases")
                    .help("name the suffixes that are meant to be served"),
            );
        }
    }
}
