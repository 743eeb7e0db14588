//! A `#` in a mountpoint: what follows it is never sent by a browser.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts() {
        let (Some(at), Some(text)) = (mount.plan.mountpoint.find('#'), mount.fields.text("mountpoint"))
        else {
            continue;
        };
        let headline = format!("no browser asks for the mountpoint {}", quoted(text.value));
        let found = Diagnostic::warning(Code::MountpointHash, headline, text.span_of(at..text.value.len()))
            .label("kept by the browser, never sent")
            .note("only a client that writes `%23` would reach it")
            .help("leave it out; within a string `#` begins no comment");
        report.push(found);
    }
}
