//! `listen-accept-*` keys that lead nowhere: role, occasion and protocol belong to each other, and lwsrun serves but
//! one role.

use schemas::onward::{NoAddress, Onward};

use super::listed;
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema::{OptionValue, Protocol, Text, closest};
use crate::semantics::view::{VhostView, View, key_span};

/// The role that lwsrun serves, and its protocol.
const NAME: &str = "raw-proxy";

/// What becomes of a vhost whose raw connections cannot be handed on.
const UNSERVED: &str = "the vhost answers 501 to every request";

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in &view.vhosts {
        let plan = vhost.plan;
        let occasion = plan.apply_listen_accept || plan.fallback_listen_accept;
        let role = plan.listen_accept_role.or(plan.listen_accept_protocol);
        match (role, occasion) {
            (Some(_), false) => report.push(never(vhost)),
            (None, true) => report.push(nobody(vhost)),
            (Some(_), true) => check_served(view, vhost, report),
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
        .help("add `listen-accept-role` and `listen-accept-protocol`, both `raw-proxy`")
}

/// Whether lwsrun can hand these connections on; if not, it answers 501 to every request to the vhost.
fn check_served(view: &View<'_, '_>, vhost: &VhostView<'_, '_>, report: &mut Report) {
    let keys = ["listen-accept-role", "listen-accept-protocol"];
    let named: Vec<Text<'_>> = keys.iter().filter_map(|key| vhost.fields.text(key)).collect();
    let Some(last) = named.last() else { return };
    let others: Vec<&Text<'_>> = named.iter().filter(|text| text.value != NAME).collect();
    if let Some((unserved, rest)) = others.split_first() {
        report.push(not_served(unserved, rest));
    } else if !listed(view, vhost, NAME) {
        report.push(not_listed(last));
    } else {
        let protocol = vhost.fields.protocols("ws-protocols").find(|listed| listed.name.value == NAME);
        if let Some(found) = protocol.filter(|_| view.whole).and_then(wrong_onward) {
            report.push(found);
        }
    }
}

fn not_served(name: &Text<'_>, rest: &[&Text<'_>]) -> Diagnostic {
    let headline = format!("nobody here takes raw connections as {}", quoted(name.value));
    let mut found = Diagnostic::warning(Code::ListenAccept, headline, name.span()).label("not served");
    for other in rest {
        found = found.also(other.span(), "nor is this");
    }
    let found = found.note(UNSERVED);
    if closest(name.value, std::iter::once(NAME)).is_some() {
        return found.fix(format!("did you mean `{NAME}`?"), name.span(), NAME);
    }
    found.help(format!(
        "`{NAME}` is served, as role and as protocol: it hands connections on to the address of its option `onward`"
    ))
}

fn not_listed(name: &Text<'_>) -> Diagnostic {
    let headline = format!("the vhost does not list the protocol `{NAME}`");
    Diagnostic::warning(Code::ListenAccept, headline, name.span())
        .label("nobody takes these connections")
        .note(UNSERVED)
        .help(format!("add `{{ \"{NAME}\": {{ \"onward\": \"ipv4:127.0.0.1:22\" }} }}` to `ws-protocols`"))
}

/// What is wrong with the option `onward`. A value that is no text has been reported.
fn wrong_onward(protocol: &Protocol<'_>) -> Option<Diagnostic> {
    let written = protocol.options.iter().rfind(|option| option.name.value == "onward");
    let (headline, place, label) = match written.map(|option| &option.value) {
        Some(OptionValue::Text(text)) if text.value.parse::<Onward>().is_err() => {
            let headline = format!("`onward` cannot be {}", quoted(text.value));
            (headline, text.span(), "no such address")
        }
        None if !is_misspelt(protocol) => {
            let headline = format!("the protocol `{NAME}` has no `onward`");
            (headline, protocol.name.span(), "does not say where connections go")
        }
        _ => return None,
    };
    let found = Diagnostic::warning(Code::ListenAccept, headline, place).label(label).note(UNSERVED);
    Some(found.help(NoAddress.to_string()))
}

/// Whether `onward` is there under a name that comes close, which is the one mistake to tell.
fn is_misspelt(protocol: &Protocol<'_>) -> bool {
    protocol.options.iter().any(|option| closest(option.name.value, std::iter::once("onward")).is_some())
}
