//! A redirect or a proxy to a vhost of the same configuration that has no mount for the path.

use schemas::plan::Origin;

use super::follow::{Follower, Hop};
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::{View, value_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    if !view.whole {
        return;
    }
    let mut follower = Follower::new(view);
    for start in follower.starts() {
        let Some(Hop::Nothing(target, path)) = follower.first_hop(start) else { continue };
        let (Some(vhost), Some(target)) = (view.vhost(start.0), view.vhost(target)) else { continue };
        let Some(mount) = vhost.mounts.get(start.1).filter(|_| target.complete) else { continue };
        // Where the rest of the path is passed on, a mount further down is enough.
        let passes_on = mount.plan.append_path || matches!(mount.plan.origin, Origin::Proxy(_));
        let above = path.trim_end_matches('/');
        if passes_on && target.plan.mounts.iter().any(|mount| mount.mountpoint.starts_with(above)) {
            continue;
        }
        let headline =
            format!("the mount {} leads to a path that nothing serves", quoted(mount.plan.mountpoint));
        let found = Diagnostic::warning(Code::DeadTarget, headline, value_span(mount.fields, "origin"))
            .label("answered 404 there")
            .also(target.place(), format!("this vhost has no mount for {}", quoted(&path)))
            .help("add such a mount, or let this one lead elsewhere");
        report.push(found);
    }
}
