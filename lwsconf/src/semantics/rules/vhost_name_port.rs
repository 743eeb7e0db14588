//! A port in the name of a vhost: ports are cut off before names are compared.

use std::net::Ipv6Addr;

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in view.vhosts.iter().filter(|vhost| vhost.plan.name.contains(':')) {
        let Some(name) = vhost.fields.text("name").filter(|_| vhost.listens()) else { continue };
        // An IPv6 address is compared without its brackets, and a URL is another mistake.
        if name.value.contains('/') || name.value.parse::<Ipv6Addr>().is_ok() {
            continue;
        }
        let what = if name.value.starts_with('[') { "brackets" } else { "a port" };
        let headline = format!("the vhost's name {} has {what}, and is never matched", vhost.shown());
        let found = Diagnostic::warning(Code::VhostNamePort, headline, name.span())
            .label("never matched")
            .note("the port, and the brackets of an address, are cut off before names are compared");
        let bare = schemas::route::host_name(name.value);
        report.push(found.fix("the host alone", name.span(), bare));
    }
}
