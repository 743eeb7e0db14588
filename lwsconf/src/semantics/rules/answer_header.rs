//! A header that belongs to each single answer, with a text that is the same for all.

use super::headers::{is_one_of, lists, written};
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

const SINGLE: [&str; 8] = [
    "Content-Type",
    "Content-Encoding",
    "Content-Range",
    "ETag",
    "Last-Modified",
    "Date",
    "Location",
    "Server",
];

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let has_server = view.global.server_string.is_some();
    for list in lists(view) {
        for pair in written(list, |name| is_one_of(name, &SINGLE)) {
            let name = pair.name.value;
            let found = if !name.eq_ignore_ascii_case("server") {
                let headline = format!("{} differs from answer to answer", quoted(name));
                Diagnostic::warning(Code::AnswerHeader, headline, pair.name.span())
                    .label("takes the place of the right one, on every answer")
                    .help(match name.to_ascii_lowercase().as_str() {
                        "content-type" => "types by suffix are `extra-mimetypes` of a mount",
                        _ => "take it out: the server sends it where it belongs",
                    })
            } else if has_server {
                Diagnostic::warning(Code::AnswerHeader, "`Server` is sent twice", pair.name.span())
                    .label("sent beside the one of `server-string`")
                    .help("keep `server-string` in `global`, and take this one out")
            } else {
                continue;
            };
            report.push(found);
        }
    }
}
