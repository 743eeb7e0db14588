//! A CGI program below a folder that a mount serves: its source can be fetched.

use schemas::plan::Origin;

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{View, value_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts() {
        let Origin::Cgi { program } = mount.plan.origin else { continue };
        let Some((folder, place)) = view.docroots().holding(program) else { continue };
        let headline = "a CGI program lies in a folder that is served";
        let found = Diagnostic::warning(Code::CgiInDocroot, headline, value_span(mount.fields, "origin"))
            .label(format!("lies below `{folder}`"))
            .also(place, "the files in there are served")
            .note("whether its source goes out hangs on its suffix, and on `extra-mimetypes`")
            .help("keep programs in a folder of their own");
        report.push(found);
    }
}
