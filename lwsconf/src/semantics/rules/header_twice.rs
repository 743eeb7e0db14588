//! A header that is given twice in one list: both are sent.

use std::collections::HashMap;

use grammar::Span;

use super::headers::{is_one_of, lists};
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

/// Headers that may stand several times, each with a meaning of its own.
const REPEATABLE: [&str; 6] =
    ["Set-Cookie", "Link", "Vary", "WWW-Authenticate", "Content-Security-Policy", "Alt-Svc"];

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, fields) in lists(view).filter(|(headers, _)| headers.len() > 1) {
        let mut first: HashMap<String, Span> = HashMap::new();
        for pair in fields.pairs("headers") {
            let (name, span) = (pair.name.value, pair.name.span());
            let earlier = *first.entry(name.to_ascii_lowercase()).or_insert(span);
            if earlier == span || is_one_of(name, &REPEATABLE) {
                continue;
            }
            let headline = format!("the header {} is given twice", quoted(name));
            let found = Diagnostic::warning(Code::HeaderTwice, headline, span)
                .label("sent as well")
                .also(earlier, "sent first")
                .note("which of the two a client heeds is up to the client")
                .help("keep one of them");
            report.push(found);
        }
    }
}
