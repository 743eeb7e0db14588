//! A header that says where an answer ends: it is the server's own, and is not sent.

use super::headers::{is_one_of, lists, written};
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

const FRAMING: [&str; 4] = ["Connection", "Content-Length", "Transfer-Encoding", "Upgrade"];

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for list in lists(view) {
        for pair in written(list, |name| is_one_of(name, &FRAMING)) {
            let headline = format!("the header {} is the server's own", quoted(pair.name.value));
            let found = Diagnostic::warning(Code::FramingHeader, headline, pair.name.span())
                .label("says how messages are cut out of the connection: not sent")
                .note("a second one could make two readers see two different answers");
            report.push(if pair.name.value.eq_ignore_ascii_case("connection") {
                found.help("take it out; how long connections are kept is `keepalive_timeout`")
            } else {
                found.help("take it out")
            });
        }
    }
}
