//! Keys for plain HTTP on a TLS port that do not fit together.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{View, key_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in view.vhosts.iter().filter(|vhost| vhost.plan.tls.is_some()) {
        let (plan, fields) = (vhost.plan, vhost.fields);
        let place = |key| key_span(fields, key);
        let found = match (plan.allow_non_tls, plan.redirect_http, plan.allow_http_on_https) {
            (_, true, true) => {
                let headline = "plain HTTP cannot be both redirected and served";
                Diagnostic::warning(Code::ClearKeys, headline, place("allow-http-on-https"))
                    .label("does nothing")
                    .also(place("redirect-http"), "wins")
                    .help("keep one of them")
            }
            (false, true, false) if !fields.is_misspelt("allow-non-tls") => {
                without_allow("redirect-http", place)
            }
            (false, false, true) if !fields.is_misspelt("allow-non-tls") => {
                without_allow("allow-http-on-https", place)
            }
            (true, false, false) => {
                let headline = "`allow-non-tls` lets plain HTTP in, and nothing says what to do with it";
                Diagnostic::warning(Code::ClearKeys, headline, place("allow-non-tls"))
                    .label("such requests are refused")
                    .help("add `redirect-http` to send them to `https`, or take the key out")
            }
            _ => continue,
        };
        report.push(found);
    }
}

fn without_allow(key: &'static str, place: impl Fn(&'static str) -> grammar::Span) -> Diagnostic {
    let headline = format!("`{key}` does nothing without `allow-non-tls`");
    Diagnostic::warning(Code::ClearKeys, headline, place(key))
        .label("no plain HTTP comes in on this port")
        .help("add `\"allow-non-tls\": \"1\"`, or take the key out")
}
