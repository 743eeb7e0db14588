//! `interpret` with a protocol that the vhost does not list.

use super::listed;
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (vhost, mount) in view.mounts().filter(|(_, mount)| !mount.plan.interpret.is_empty()) {
        for pair in mount.fields.pairs("interpret") {
            let protocol = pair.value.value;
            if listed(view, vhost, protocol) {
                continue;
            }
            let headline = format!("the vhost does not list the protocol {}", quoted(protocol));
            let found = Diagnostic::warning(Code::InterpretNotListed, headline, pair.value.span())
                .label(format!("nobody rewrites files that end in {}", quoted(pair.name.value)))
                .help(format!(
                    "add `{{ \"{protocol}\": {{ \"status\": \"ok\" }} }}` to `ws-protocols` of this vhost"
                ));
            report.push(found);
        }
    }
}
