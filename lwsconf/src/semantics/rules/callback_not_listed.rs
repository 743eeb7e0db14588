//! A callback mount of a protocol that the vhost does not list.

use schemas::plan::Origin;

use super::listed;
use super::unknown_protocol::{BUILT_IN, meant};
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::{View, value_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (vhost, mount) in view.mounts() {
        let Origin::Callback { protocol } = mount.plan.origin else { continue };
        if listed(view, vhost, protocol) {
            continue;
        }
        let headline = format!("the vhost does not list the protocol {}", quoted(protocol));
        let found =
            Diagnostic::warning(Code::CallbackNotListed, headline, value_span(mount.fields, "origin"))
                .label("nobody answers this mount")
                .note("a vhost offers the protocols of its `ws-protocols`, no others");
        let meant = if BUILT_IN.contains(&protocol) { None } else { meant(protocol) };
        let found = match (meant, mount.fields.text("origin")) {
            (Some(meant), Some(origin)) => {
                let start = origin.value.len() - protocol.len();
                found.fix(
                    format!("did you mean `{meant}`?"),
                    origin.span_of(start..origin.value.len()),
                    meant,
                )
            }
            _ => found.help(format!(
                "add `{{ \"{protocol}\": {{ \"status\": \"ok\" }} }}` to `ws-protocols` of this vhost"
            )),
        };
        report.push(found);
    }
}
