//! A mount of a folder of the system, which holds far more than a site.

use schemas::plan::Origin;

use super::docroots::normal;
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{View, value_span};

/// Folders that are no site.
const WHOLE: [(&str, &str); 7] = [
    ("/", "the whole machine"),
    ("/etc", "settings and passwords"),
    ("/root", "the files of root"),
    ("/home", "the files of all users"),
    ("/var", "logs, mail and databases"),
    ("/boot", "the kernel"),
    ("/run", "the sockets of running services"),
];

/// Folders of which nothing belongs on the web, whatever lies below them.
const BELOW: [&str; 3] = ["/proc", "/sys", "/dev"];

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts() {
        let Origin::File { docroot } = mount.plan.origin else { continue };
        // Most folders are deeper than any of these.
        let is_candidate = docroot.len() < 8 || BELOW.iter().any(|folder| docroot.starts_with(folder));
        let Some(what) = is_candidate.then(|| normal(docroot)).and_then(|folder| what_it_is(&folder)) else {
            continue;
        };
        let headline = format!("the mount serves {what}");
        let found = Diagnostic::warning(Code::WideDocroot, headline, value_span(mount.fields, "origin"))
            .label("a folder of the system")
            .help("mount the folder that holds the site, and nothing else");
        report.push(found);
    }
}

fn what_it_is(folder: &str) -> Option<&'static str> {
    let whole = WHOLE.iter().find(|(whole, _)| *whole == folder).map(|(_, what)| *what);
    let is_below = |above: &&&str| {
        folder.strip_prefix(**above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    whole.or_else(|| BELOW.iter().find(is_below).map(|_| "devices or the state of the kernel"))
}
