//! A blank at the start or end of a name or path, which nobody sees and which counts.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema::Fields;
use crate::semantics::view::View;

/// Keys whose texts are names or paths.
const KEYS: [&str; 19] = [
    "name",
    "interface",
    "host-ssl-key",
    "host-ssl-cert",
    "host-ssl-ca",
    "client-ssl-key",
    "client-ssl-cert",
    "client-ssl-ca",
    "access-log",
    "error-document-404",
    "mountpoint",
    "origin",
    "default",
    "basic-auth",
    "cgi-chroot",
    "cgi-chdir",
    "username",
    "groupname",
    "plugin-dir",
];

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let mounts = view.mounts().map(|(_, mount)| mount.fields);
    for fields in
        view.config.global().into_iter().chain(view.vhosts.iter().map(|vhost| vhost.fields)).chain(mounts)
    {
        check_object(fields, report);
    }
}

fn check_object(fields: &Fields<'_>, report: &mut Report) {
    for (key, text) in fields.all_texts() {
        let trimmed = text.value.trim();
        if trimmed.len() == text.value.len() || trimmed.is_empty() || !KEYS.contains(&key) {
            continue;
        }
        let at_start = text.value.len() - text.value.trim_start().len();
        let end = text.value.trim_end().len();
        let (place, side) = match at_start {
            0 => (text.span_of(end..text.value.len()), "ends"),
            length => (text.span_of(0..length), "begins"),
        };
        let headline = format!("`{key}` {side} with a blank: {}", quoted(text.value));
        let found = Diagnostic::warning(Code::SurroundingBlanks, headline, place)
            .label("counts as part of it")
            .fix("leave it out", place, "");
        report.push(found);
    }
}
