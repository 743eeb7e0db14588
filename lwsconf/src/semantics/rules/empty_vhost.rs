//! A vhost that listens, and has neither mounts nor protocols: every path is answered 404.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{VhostView, View};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    if !view.whole {
        return;
    }
    for vhost in view.vhosts.iter().filter(|vhost| is_empty(vhost)) {
        let headline = format!("the vhost {} serves nothing", vhost.shown());
        let found = Diagnostic::warning(Code::EmptyVhost, headline, vhost.place())
            .label("has neither `mounts` nor `ws-protocols`")
            .note("every request is answered 404")
            .help("add `\"mounts\": [ { \"mountpoint\": \"/\", \"origin\": \"file:///srv/www\" } ]`, or take it out");
        report.push(found);
    }
}

fn is_empty(vhost: &VhostView<'_, '_>) -> bool {
    let plan = vhost.plan;
    plan.mounts.is_empty()
        && plan.protocols.is_empty()
        && plan.listener.is_some()
        && plan.listen_accept_role.is_none()
        && vhost.complete
        && !vhost.fields.is_misspelt("ws-protocols")
        && !vhost.fields.is_unusable("mounts")
        && !vhost.fields.is_unusable("ws-protocols")
}
