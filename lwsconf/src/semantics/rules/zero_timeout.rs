//! A time of zero seconds, which leaves no time at all.

use grammar::Span;
use schemas::plan::{Origin, Seconds};

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{View, key_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    const ZERO: Option<Seconds> = Some(Seconds(0));
    for vhost in view.vhosts.iter().filter(|vhost| vhost.plan.keepalive_timeout == Seconds(0)) {
        report.push(zero("keepalive_timeout", key_span(vhost.fields, "keepalive_timeout")));
    }
    for (_, mount) in view.mounts() {
        if mount.plan.keepalive_timeout == ZERO {
            report.push(zero("keepalive-timeout", key_span(mount.fields, "keepalive-timeout")));
        }
        // Elsewhere the key does nothing, which is another finding.
        if mount.plan.cgi_timeout == ZERO && matches!(mount.plan.origin, Origin::Cgi { .. }) {
            report.push(zero("cgi-timeout", key_span(mount.fields, "cgi-timeout")));
        }
    }
}

fn zero(key: &str, place: Span) -> Diagnostic {
    let found = Diagnostic::warning(Code::ZeroTimeout, format!("`{key}` is zero seconds"), place);
    if key == "cgi-timeout" {
        found.label("no program gets to answer").help("write how long a program may take, such as 5")
    } else {
        found
            .label("every request needs a connection of its own")
            .note("zero does not mean \"for ever\"")
            .help("write how long a client may wait between two requests, such as 60")
    }
}
