//! `exact-match` on a folder or a proxy: those want a slash behind their mountpoint, which is another path.

use schemas::plan::Origin;

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::{View, key_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (vhost, mount) in view.mounts() {
        let plan = mount.plan;
        let wants_slash = matches!(plan.origin, Origin::File { .. } | Origin::Proxy(_));
        if !plan.exact_match || !wants_slash || plan.mountpoint == "/" {
            continue;
        }
        let headline = format!("nothing of the mount {} is ever served", quoted(plan.mountpoint));
        let place = key_span(mount.fields, "exact-match");
        let mut found = Diagnostic::warning(Code::ExactMatchFolder, headline, place)
            .label("only the path without a slash matches, and that one is redirected");
        if let Some(url) = view.url(vhost.plan, plan.mountpoint) {
            found = found.note(format!("`{url}` is redirected to `{url}/`, which this mount does not match"));
        }
        report.push(found.help("take `exact-match` out; for a single file, mount the folder that holds it"));
    }
}
