//! An `error-document-404` that is a whole URL: every wrong address leads away.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in view.vhosts.iter().filter(|vhost| vhost.plan.error_document_404.is_some()) {
        let Some(text) = vhost.fields.text("error-document-404") else { continue };
        if text.value.starts_with("//") || text.value.contains("://") {
            let found = Diagnostic::remark(
                Code::NotFoundExternal,
                "wrong addresses lead to another URL",
                text.span(),
            )
            .label("a whole URL, not a path of this vhost")
            .note("search engines take a redirect for \"it has moved there\", never for \"it is not here\"")
            .help("name a path of this vhost, such as `/404.html`");
            report.push(found);
        }
    }
}
