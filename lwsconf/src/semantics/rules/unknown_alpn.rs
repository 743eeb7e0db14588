//! A name in `alpn` or `default-alpn` that is not supported: the server does not start with it.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema::Text;
use crate::semantics::view::View;

/// How many names of one list are told.
const MOST: usize = 8;
const SUPPORTED: [&str; 2] = ["h2", "http/1.1"];

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let has_tls = view.vhosts.iter().any(|vhost| vhost.plan.tls.is_some());
    if let Some(list) =
        view.config.global().and_then(|global| global.text("default-alpn")).filter(|_| has_tls)
    {
        check_list("default-alpn", &list, report);
    }
    for vhost in &view.vhosts {
        if vhost.plan.tls.as_ref().is_some_and(|tls| tls.alpn.is_some())
            && let Some(list) = vhost.fields.text("alpn")
        {
            check_list("alpn", &list, report);
        }
    }
}

fn check_list(key: &str, list: &Text<'_>, report: &mut Report) {
    let mut end = 0;
    let places = list.value.split(',').map(|entry| {
        let start = end + entry.len() - entry.trim_start().len();
        end += entry.len() + 1;
        (start, entry.trim())
    });
    let unknown = places.filter(|(_, name)| !name.is_empty() && !SUPPORTED.contains(name));
    for (start, name) in unknown.take(MOST) {
        let headline = format!("{} in `{key}` is not supported", quoted(name));
        let found = Diagnostic::error(Code::UnknownAlpn, headline, list.span_of(start..start + name.len()))
            .label("lwsrun refuses to start with it")
            .note("supported are `h2` and `http/1.1`");
        report.push(match name {
            "h3" => found.help("take it out: HTTP/3 runs over QUIC, not over this port"),
            _ if name.contains([';', ':', ' ']) => found.help("part the names by commas: `h2,http/1.1`"),
            _ => found.help("take it out"),
        });
    }
}
