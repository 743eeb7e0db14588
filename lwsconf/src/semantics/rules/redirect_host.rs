//! A redirect without a host.

use schemas::plan::Origin;

use super::follow::Url;
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::{View, value_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts() {
        let Origin::Redirect { url } = mount.plan.origin else { continue };
        let has_host = Url::parse(url).is_none_or(|url| !url.host.is_empty());
        if has_host {
            continue;
        }
        let headline = format!("the redirect to {} has no host", quoted(url));
        let found = Diagnostic::error(Code::RedirectHost, headline, value_span(mount.fields, "origin"))
            .label("nothing between `//` and the path")
            .note("lwsws sends it as it is, and browsers take the path's first name for the host, or give up")
            .help("write the whole URL: `>https://HOST/PATH`");
        report.push_tolerated(found);
    }
}
