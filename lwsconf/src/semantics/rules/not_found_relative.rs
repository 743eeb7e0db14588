//! An `error-document-404` without a slash in front: clients take it relative to the page that they asked for.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in view.vhosts.iter().filter(|vhost| vhost.plan.error_document_404.is_some()) {
        let Some(text) = vhost.fields.text("error-document-404") else { continue };
        if text.value.starts_with('/') || text.value.contains("://") {
            continue;
        }
        let document = text.value.trim_start_matches("./");
        let start = grammar::Span { end: text.span().start, ..text.span() };
        let found = Diagnostic::warning(
            Code::NotFoundRelative,
            "the error document has no `/` in front",
            text.span(),
        )
        .label("relative to whatever page was asked for")
        .note(format!("a client that asks for `/a/b` is sent to `/a/{document}`, which is not there either"))
        .fix("begin it with a slash", start, "/");
        report.push(found);
    }
}
