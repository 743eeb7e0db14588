//! Redirects that lead a client back to where it was, over whatever vhosts and ports.

use schemas::plan::Origin;

use super::follow::{Circle, Follower};
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::{View, value_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (circle, has_redirect) in circles(view) {
        if has_redirect {
            push(told(view, &circle, Code::RedirectLoop, "redirected"), circle.sure, report);
        }
    }
}

/// All circles of a configuration, and whether each has a redirect in it.
pub(super) fn circles(view: &View<'_, '_>) -> Vec<(Circle, bool)> {
    let mut follower = Follower::new(view);
    let mut circles = Vec::new();
    for start in follower.starts() {
        if let Some(circle) = follower.circle(start) {
            let mut stops =
                circle.stops.iter().filter_map(|(vhost, mount)| view.vhost(*vhost)?.mounts.get(*mount));
            let has_redirect = stops.any(|mount| matches!(mount.plan.origin, Origin::Redirect { .. }));
            circles.push((circle, has_redirect));
        }
    }
    circles
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
    Some(found.help(match code {
        Code::ProxyLoop => "let the proxy ask another port or host",
        _ => "let one of them lead elsewhere, or to a path that another mount serves",
    }))
}
