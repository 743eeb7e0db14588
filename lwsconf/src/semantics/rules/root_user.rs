//! A server that is told to stay root, or to become it.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{View, value_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let Some(fields) = view.config.global() else { return };
    for key in ["uid", "gid"] {
        if let Some(zero) = fields.integer(key).filter(|id| id.value == 0) {
            let headline = format!("`{key}` 0 means \"do not change\"");
            let found = Diagnostic::remark(Code::RootUser, headline, zero.span)
                .label("keeps the rights that the server is started with")
                .help("name a user without rights, such as `www-data`, or take the key out");
            report.push(found);
        }
    }
    for (key, name) in [("username", view.global.username), ("groupname", view.global.groupname)] {
        if matches!(name, Some("root" | "wheel")) {
            let found =
                Diagnostic::warning(Code::RootUser, "the server serves as root", value_span(fields, key))
                    .label("whoever breaks into it has the machine")
                    .help("name a user without rights, such as `www-data`");
            report.push(found);
        }
    }
}
