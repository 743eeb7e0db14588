//! A URL as the name of a vhost: hosts have no scheme and no path, so nothing matches it.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in view.vhosts.iter().filter(|vhost| vhost.plan.name.contains('/')) {
        let Some(name) = vhost.fields.text("name").filter(|_| vhost.listens()) else { continue };
        let headline = format!("the vhost's name {} is a URL, which no client asks for", vhost.shown());
        let found = Diagnostic::warning(Code::VhostNameUrl, headline, name.span())
            .label("never matched")
            .note("the name is compared with the host alone, without scheme, port and path");
        let rest = name.value.split_once("://").map_or(name.value, |(_, rest)| rest);
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        report.push(match host {
            "" => found.help("write the host's name alone"),
            host => found.fix("the host alone", name.span(), host),
        });
    }
}
