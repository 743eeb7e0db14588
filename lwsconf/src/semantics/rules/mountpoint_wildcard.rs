//! A `*` in a mountpoint: there are no patterns, so it stands for itself.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts() {
        let (Some(at), Some(text)) = (mount.plan.mountpoint.find('*'), mount.fields.text("mountpoint"))
        else {
            continue;
        };
        let headline = format!("the mountpoint {} is no pattern", quoted(text.value));
        let found = Diagnostic::warning(Code::MountpointWildcard, headline, text.span_of(at..at + 1))
            .label("matches nothing but a `*`")
            .note("a mount answers its mountpoint and everything below it");
        report.push(match text.value.strip_suffix("/*") {
            Some("") => found.fix("for everything", text.span(), "/"),
            Some(folder) if !folder.contains('*') => {
                found.fix("the folder alone", text.span_of(folder.len()..text.value.len()), "")
            }
            _ => found.help("mount the folder above it; by suffix nothing can be mounted"),
        });
    }
}
