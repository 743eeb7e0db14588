//! An owner of a unix socket that is not of the form `USER:GROUP`: the server does not start with it.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in view.vhosts.iter().filter(|vhost| vhost.fields.is_on("unix-socket")) {
        let Some(text) = vhost.fields.text("unix-socket-perms") else { continue };
        let parts = text.value.split_once(':');
        if parts.is_some_and(|(user, group)| ![user, group].contains(&"") && !group.contains(':')) {
            continue;
        }
        let headline = format!("`unix-socket-perms` cannot be {}", quoted(text.value));
        let found = Diagnostic::error(Code::SocketPerms, headline, text.span())
            .label("not a user, a colon and a group")
            .help("name both, such as `www-data:www-data`");
        report.push(found);
    }
}
