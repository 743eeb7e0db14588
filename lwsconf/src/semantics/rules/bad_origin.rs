//! A text of `origins` that no browser sends as `Origin`: the server does not start with it, or lets nobody in.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema::Text;
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in &view.vhosts {
        for protocol in vhost.fields.protocols("ws-protocols") {
            for text in protocol.fields.lists("origins") {
                judge(&text, report);
            }
        }
    }
}

/// How many wrong origins of one text are told.
const MOST: usize = 8;

fn judge(text: &Text<'_>, report: &mut Report) {
    if text.value.trim_ascii().is_empty() {
        let found = Diagnostic::error(Code::BadOrigin, "`origins` lists none", text.span());
        return report.push(
            found
                .label("no origin")
                .note("lwsrun does not start the protocol with it")
                .help("take it out to let every page in, or write `self` for pages of the vhost only"),
        );
    }
    let words = text.value.split_ascii_whitespace();
    for word in words.filter(|word| !is_origin(word)).take(MOST) {
        let start = word.as_ptr() as usize - text.value.as_ptr() as usize;
        let place = text.span_of(start..start + word.len());
        let headline = format!("{} is no origin of a page", quoted(word));
        let found = Diagnostic::error(Code::BadOrigin, headline, place)
            .label("not a scheme and a host")
            .note("lwsrun does not start with it");
        report.push(match word.split_once("://") {
            Some((scheme, rest)) if !scheme.is_empty() && !rest.starts_with('/') && !rest.is_empty() => {
                let host = rest.split('/').next().unwrap_or_default();
                found.fix("without its path", place, format!("{scheme}://{host}"))
            }
            _ if *word == *"*" => found.help("leave `origins` out to let in every page"),
            _ => found
                .help("write the scheme, the host and a port that is not the usual: `https://example.com`"),
        });
    }
}

/// What lwsrun takes as one.
fn is_origin(word: &str) -> bool {
    match word.split_once("://") {
        Some((scheme, host)) => !scheme.is_empty() && !host.is_empty() && !host.contains('/'),
        None => word.eq_ignore_ascii_case("null") || word.eq_ignore_ascii_case("self"),
    }
}
