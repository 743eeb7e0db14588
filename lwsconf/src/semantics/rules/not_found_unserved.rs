//! An `error-document-404` that no mount serves, or that a redirect takes away.

use schemas::plan::Origin;
use schemas::route::{Mounts, decode_path};

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::{View, value_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let whole = view.whole;
    for vhost in view.vhosts.iter().filter(|vhost| whole && vhost.complete) {
        let Some(document) = vhost.plan.error_document_404 else { continue };
        let Some(text) = vhost.fields.text("error-document-404") else { continue };
        let path = document.split(['?', '#']).next().unwrap_or_default();
        let (false, Ok(path)) = (document.starts_with("//"), decode_path(path)) else { continue };
        let headline = format!("the error document {} is not served", quoted(document));
        let found = Diagnostic::warning(Code::NotFoundUnserved, headline, text.span());
        let mount = Mounts::new(&vhost.plan.mounts).find(&path);
        match mount.and_then(|matched| vhost.mounts.get(matched.mount.index())) {
            None => report.push(
                found
                    .label("no mount has this path")
                    .note("clients see a plain 404")
                    .help("name a document that a mount of files serves"),
            ),
            Some(mount) if matches!(mount.plan.origin, Origin::Redirect { .. }) => report.push(
                found
                    .label("redirected once more")
                    .also(value_span(mount.fields, "origin"), "to here")
                    .help("name a document that a mount of files serves"),
            ),
            Some(_) => {}
        }
    }
}
