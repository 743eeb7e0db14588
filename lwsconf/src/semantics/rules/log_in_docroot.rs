//! An access log or a folder of plugins below a folder that a mount serves.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::schema::Text;
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in view.vhosts.iter().filter(|vhost| vhost.plan.access_log.is_some()) {
        if let Some(log) = vhost.fields.text("access-log") {
            judge(view, &log, "the access log lies", report);
        }
    }
    for folder in view.config.global().into_iter().flat_map(|global| global.texts("plugin-dir")) {
        // The folder itself may be mounted, not only one above it.
        let inside = format!("{}/plugin", folder.value);
        judge(view, &Text { value: &inside, ..folder }, "plugins lie", report);
    }
}

fn judge(view: &View<'_, '_>, text: &Text<'_>, what: &str, report: &mut Report) {
    let Some((folder, place)) = view.docroots().holding(text.value) else { return };
    let headline = format!("{what} in a folder that is served");
    let found = Diagnostic::warning(Code::LogInDocroot, headline, text.span())
        .label(format!("in `{folder}`, or below it"))
        .also(place, "the files in there are served")
        .help("choose a folder that no mount serves");
    report.push(found);
}
