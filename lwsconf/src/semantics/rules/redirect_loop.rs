//! Redirects that lead a client back to where it was, over whatever vhosts and ports.

use super::follow::Circle;
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::{View, value_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for circle in view.circles().iter().filter(|circle| circle.has_redirect) {
        push(told(view, circle, Code::RedirectLoop, "redirected"), circle.sure, report);
    }
}

/// An error where each step is certain, else a warning.
pub(super) fn push(found: Option<Diagnostic>, sure: bool, report: &mut Report) {
    match found {
        Some(found) if sure => report.push_tolerated(found),
        Some(found) => {
            let found = found.note("unless one of the subdomains is served by another machine");
            report.push(found.into_warning());
        }
        None => {}
    }
}

/// The finding about a circle: its mounts in the order of the way.
pub(super) fn told(view: &View<'_, '_>, circle: &Circle, code: Code, verb: &str) -> Option<Diagnostic> {
    let stops: Vec<_> = circle
        .stops
        .iter()
        .filter_map(|(vhost, mount)| Some((view.vhost(*vhost)?, view.vhost(*vhost)?.mounts.get(*mount)?)))
        .collect();
    let (first, others) = stops.split_first()?;
    let url = view.url(first.0.plan, first.1.plan.mountpoint);
    let shown = url.as_deref().unwrap_or(first.1.plan.mountpoint);
    let headline = format!("{} is {verb} in a circle", quoted(shown));
    let mut found = Diagnostic::error(code, headline, value_span(first.1.fields, "origin"));
    found = match others {
        [] => found.label("leads back to this very mount"),
        _ => found.label("leads to another mount of this configuration, and back"),
    };
    for (number, (_, mount)) in others.iter().enumerate() {
        let is_last = number + 1 == others.len();
        let label = if is_last { "and this back to the first" } else { "and this on to the next" };
        found = found.also(value_span(mount.fields, "origin"), label);
    }
    Some(found.help(match (code, others) {
        (Code::ProxyLoop, _) => "let the proxy ask another port or host",
        (_, []) => "let it lead to another host or port, or to a path that another mount serves",
        _ => "let one of them lead elsewhere, or to a path that another mount serves",
    }))
}
