//! A default document that leads out of the folder that is asked for.

use schemas::plan::Origin;

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts() {
        let (Some(default), Origin::File { .. }) = (mount.plan.default, &mount.plan.origin) else { continue };
        let Some(text) = mount.fields.text("default") else { continue };
        let up = default.split('/').any(|segment| segment == "..");
        // One that ends in a slash is no file at all, which has been said.
        if default.ends_with('/') || !(up || default.starts_with('/')) {
            continue;
        }
        let headline = format!("the default document {} lies outside its folder", quoted(default));
        let found = Diagnostic::warning(Code::DefaultOutside, headline, text.span())
            .note("it is looked for below each folder that is asked for, and never outside the mount");
        report.push(match default.trim_start_matches('/') {
            relative if !up => {
                let slashes = text.span_of(0..default.len() - relative.len());
                found.label("begins with a `/`").fix("leave the slash out", slashes, "")
            }
            _ => found.label("leads up").help("name a file in the folder, such as `index.html`"),
        });
    }
}
