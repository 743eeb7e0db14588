//! A vhost's name that ends in a dot: that dot is cut off the host before names are compared.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in view.vhosts.iter().filter(|vhost| vhost.plan.name.ends_with('.')) {
        let Some(name) = vhost.fields.text("name").filter(|_| vhost.listens()) else { continue };
        let dot = name.span_of(name.value.len() - 1..name.value.len());
        let headline = format!("the vhost's name {} ends in a dot, and is never matched", vhost.shown());
        let found = Diagnostic::warning(Code::VhostNameDot, headline, dot)
            .label("cut off the host before it is compared")
            .fix("leave the dot out", dot, "");
        report.push(found);
    }
}
