//! A vhost that serves files without the headers that keep browsers from doing harm with them. A hint.

use schemas::plan::{Header, Origin};
use schemas::route::merged_headers;

use super::enumerated;
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{VhostView, View};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    // Where something cannot be read there is more to say than hints.
    if !view.whole {
        return;
    }
    let listening = view.vhosts.iter().filter(|vhost| vhost.plan.listener.is_some());
    let mut lacking =
        listening.map(|vhost| (vhost, missing(vhost))).filter(|(_, missing)| !missing.is_empty());
    let Some((first, missing)) = lacking.next() else { return };
    // Once for all: a hint that comes with every vhost is read with none.
    report.push(match lacking.count() {
        0 => hint(first, &missing),
        1 => hint(first, &missing).note("1 more vhost lacks some of them"),
        more => hint(first, &missing).note(format!("{more} more vhosts lack some of them")),
    });
}

/// The headers that at least one mount of files does not send.
fn missing(vhost: &VhostView<'_, '_>) -> Vec<&'static str> {
    let mut missing = [false; PROTECTIVE.len()];
    let files = vhost.mounts.iter().filter(|mount| matches!(mount.plan.origin, Origin::File { .. }));
    for mount in files.filter(|mount| !mount.is_well_known()) {
        for ((_, is_it), missing) in PROTECTIVE.into_iter().zip(&mut missing) {
            *missing = *missing || !merged_headers(&vhost.plan.headers, &mount.plan.headers).any(is_it);
        }
        if missing == [true; PROTECTIVE.len()] {
            break;
        }
    }
    PROTECTIVE.into_iter().zip(missing).filter(|(_, missing)| *missing).map(|((name, _), _)| name).collect()
}

/// A header by what it is called in the hint, and how one is told that does its work.
type Protective = (&'static str, fn(&Header<'_>) -> bool);

const PROTECTIVE: [Protective; 3] = [
    ("Content-Security-Policy", is_policy),
    ("X-Content-Type-Options: nosniff", |header| {
        header.name.eq_ignore_ascii_case("X-Content-Type-Options")
            && header.value.trim().eq_ignore_ascii_case("nosniff")
    }),
    ("X-Frame-Options", |header| {
        header.name.eq_ignore_ascii_case("X-Frame-Options")
            || (is_policy(header) && header.value.contains("frame-ancestors"))
    }),
];

fn is_policy(header: &Header<'_>) -> bool {
    header.name.eq_ignore_ascii_case("Content-Security-Policy")
}

fn hint(vhost: &VhostView<'_, '_>, missing: &[&str]) -> Diagnostic {
    let headline = format!("files of the vhost {} are sent without {}", vhost.shown(), enumerated(missing));
    Diagnostic::remark(Code::SecurityHeaders, headline, vhost.place())
        .label("a hint: these headers protect those who visit")
        .help(format!(
            "add them to `headers` of the vhost; `lwsconf explain {}` tells what each does",
            Code::SecurityHeaders
        ))
}
