//! A vhost without a name that is not the first on its listener: only a host called `default` would reach it.

use std::collections::HashSet;

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::vhost::DEFAULT_NAME;
use crate::semantics::view::{View, object_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let mut seen = HashSet::new();
    for vhost in view.vhosts.iter().filter(|vhost| vhost.plan.name == DEFAULT_NAME) {
        let Some(listener) = view.listener(vhost.plan) else { continue };
        // A second one of that name has been reported for its name.
        let is_known = !seen.insert(vhost.plan.listener);
        let Some(first) = listener.vhosts.first().and_then(|id| view.vhost(*id)) else { continue };
        if is_known || first.id == vhost.id || !vhost.fields.lacks("name") {
            continue;
        }
        let place = object_span(vhost.fields);
        let mut found =
            Diagnostic::warning(Code::NamelessVhost, "hardly any request reaches this vhost", place)
                .label("has no name, and is not the first on its listener")
                .also(first.place(), "requests for hosts without a vhost go here");
        if let Some(url) = view.url(vhost.plan, "/") {
            let asked = url.replacen("localhost", DEFAULT_NAME, 1);
            found = found
                .note(format!("it answers only clients that ask for the host `default`, as in `{asked}`"));
        }
        report.push(found.help("give it a `name`, or put it before the others on its port"));
    }
}
