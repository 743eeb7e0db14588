//! Upper-case letters in a vhost's name: no difference here, but lwsws would not find it.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let has_upper = |name: &str| name.bytes().any(|byte| byte.is_ascii_uppercase());
    for vhost in view.vhosts.iter().filter(|vhost| has_upper(vhost.plan.name)) {
        let Some(name) = vhost.fields.text("name").filter(|_| vhost.listens()) else { continue };
        let headline = format!("the vhost's name {} has upper-case letters", vhost.shown());
        let found = Diagnostic::remark(Code::VhostNameCase, headline, name.span())
            .label("matched in any case")
            .note("lwsws compares letter by letter, and browsers ask in lower case: it would not be found there")
            .fix("in lower case", name.span(), name.value.to_ascii_lowercase());
        report.push(found);
    }
}
