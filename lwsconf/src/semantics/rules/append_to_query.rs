//! `append-path` on a URL with a query or fragment: the path would become part of that.

use schemas::plan::Origin;

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{View, key_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts() {
        let Origin::Redirect { url } = mount.plan.origin else { continue };
        let (true, Some(at)) = (mount.plan.append_path, url.find(['?', '#'])) else { continue };
        let Some(origin) = mount.fields.text("origin") else { continue };
        // The text has the mark of a redirect in front of the URL.
        let start = origin.value.len() - url.len() + at;
        let headline = "`append-path` puts the rest of the path behind a query or fragment";
        let found =
            Diagnostic::warning(Code::AppendToQuery, headline, origin.span_of(start..origin.value.len()))
                .label("the rest of the path comes behind this")
                .also(key_span(mount.fields, "append-path"), "switched on here")
                .help("end the URL with the path that the rest belongs to");
        report.push(found);
    }
}
