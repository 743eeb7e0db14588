//! `basic-auth` on a redirect: it is answered before credentials are asked for.

use schemas::plan::Origin;

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::{View, key_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts().filter(|(_, mount)| mount.plan.basic_auth.is_some()) {
        let Origin::Redirect { url } = mount.plan.origin else { continue };
        let place = key_span(mount.fields, "basic-auth");
        let headline = format!("the redirect {} is not protected", quoted(mount.plan.mountpoint));
        let found = Diagnostic::warning(Code::AuthOnRedirect, headline, place)
            .label("redirects are answered before credentials are asked for")
            .note(format!("everybody learns of {}", quoted(url)))
            .help("protect the place that it leads to, and take the key out here");
        report.push(found);
    }
}
