//! `listen-accept-*` keys that do not fit together: role, occasion and protocol belong to each other.

use super::listed;
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::{VhostView, View, key_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in &view.vhosts {
        let plan = vhost.plan;
        let occasion = plan.apply_listen_accept || plan.fallback_listen_accept;
        let role = plan.listen_accept_role.or(plan.listen_accept_protocol);
        match (role, occasion) {
            (Some(_), false) => report.push(never(vhost)),
            (None, true) => report.push(nobody(vhost)),
            (Some(_), true) => check_protocol(view, vhost, report),
            (None, false) => {}
        }
    }
}

fn never(vhost: &VhostView<'_, '_>) -> Diagnostic {
    let has_role = vhost.plan.listen_accept_role.is_some();
    let key = if has_role { "listen-accept-role" } else { "listen-accept-protocol" };
    Diagnostic::warning(Code::ListenAccept, format!("`{key}` is never used"), key_span(vhost.fields, key))
        .label("nothing says which connections it is for")
        .help("add `fallback-listen-accept` for those that are not HTTP, or `apply-listen-accept` for all")
}

fn nobody(vhost: &VhostView<'_, '_>) -> Diagnostic {
    let applies = vhost.plan.apply_listen_accept;
    let key = if applies { "apply-listen-accept" } else { "fallback-listen-accept" };
    let headline = format!("`{key}` has nobody to give connections to");
    Diagnostic::warning(Code::ListenAccept, headline, key_span(vhost.fields, key))
        .label("does nothing by itself")
        .help("add `listen-accept-role` and `listen-accept-protocol`")
}

fn check_protocol(view: &View<'_, '_>, vhost: &VhostView<'_, '_>, report: &mut Report) {
    let Some(text) = vhost.fields.text("listen-accept-protocol") else { return };
    if listed(view, vhost, text.value) {
        return;
    }
    let headline = format!("the vhost does not list the protocol {}", quoted(text.value));
    let found = Diagnostic::warning(Code::ListenAccept, headline, text.span())
        .label("nobody takes these connections")
        .help(format!("add `{{ \"{}\": {{ \"status\": \"ok\" }} }}` to `ws-protocols`", text.value));
    report.push(found);
}
