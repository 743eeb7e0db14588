//! A wildcard as the name of a vhost: `*` stands for itself, and subdomains are matched without it.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in view.vhosts.iter().filter(|vhost| vhost.plan.name.contains('*')) {
        let Some(name) = vhost.fields.text("name").filter(|_| vhost.listens()) else { continue };
        let headline = format!("the vhost's name {} is never matched: there are no wildcards", vhost.shown());
        let found =
            Diagnostic::warning(Code::VhostNameWildcard, headline, name.span()).label("never matched");
        let first = view.listener(vhost.plan).and_then(|listener| listener.vhosts.first());
        let is_first = first == Some(&vhost.id);
        report.push(match name.value.strip_prefix("*.") {
            Some(domain) if !domain.contains('*') => found
                .note(format!(
                    "a vhost `{domain}` answers for all of its subdomains without a vhost of their own"
                ))
                .fix("the domain alone", name.span_of(0..2), ""),
            _ if is_first => {
                found.help("leave the name out: the first vhost of a listener gets what no other does")
            }
            _ => {
                found.help("for all other hosts, put this vhost first on its listener; it needs no name then")
            }
        });
    }
}
