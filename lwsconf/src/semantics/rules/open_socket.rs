//! A unix socket whose file nobody owns in particular: the umask decides who may connect.

use schemas::plan::{Bind, Global};

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{View, value_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    if has_identity(view.global) {
        return;
    }
    for listener in view.listeners {
        let Bind::Unix { path, perms: None } = listener.bind else { continue };
        let Some(vhost) = listener.vhosts.first().and_then(|id| view.vhost(*id)) else { continue };
        if path.starts_with('@') || !vhost.fields.lacks("unix-socket-perms") {
            continue;
        }
        let headline = "anybody on the machine may be able to connect to this socket";
        let found = Diagnostic::warning(Code::OpenSocket, headline, value_span(vhost.fields, "interface"))
            .label("its mode is what the umask leaves")
            .help("add `\"unix-socket-perms\": \"USER:GROUP\"`: then these two may connect, and nobody else");
        report.push(found);
    }
}

/// Whether the server becomes somebody: then the socket is given to that user and group.
fn has_identity(global: &Global<'_>) -> bool {
    global.username.is_some() || global.uid.is_some_and(|uid| uid != 0)
}
