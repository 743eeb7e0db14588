//! A Strict-Transport-Security header by hand that does little, or that is sent twice.

use grammar::Span;

use super::headers::{is_one_of, written};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::schema::Pair;
use crate::semantics::view::{VhostView, View, key_span};

const NAME: [&str; 1] = ["Strict-Transport-Security"];
/// Half a year in seconds, which is also what `sts` sends.
const LONG_ENOUGH: u64 = 15_768_000;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in &view.vhosts {
        let own = (&vhost.plan.headers[..], vhost.fields);
        let mounts = vhost.mounts.iter().map(|mount| (&mount.plan.headers[..], mount.fields));
        for list in std::iter::once(own).chain(mounts) {
            for pair in written(list, |name| is_one_of(name, &NAME)) {
                report_one(vhost, &pair, report);
            }
        }
    }
}

fn report_one(vhost: &VhostView<'_, '_>, pair: &Pair<'_>, report: &mut Report) {
    let warn = |headline: &str, place: Span| Diagnostic::warning(Code::StsHeader, headline, place);
    let found = if vhost.plan.tls.is_none() && !vhost.fields.is_misspelt("host-ssl-cert") {
        warn("a Strict-Transport-Security header without TLS", pair.name.span())
            .label("clients heed it over TLS only")
            .help("put it into the vhost that speaks TLS")
    } else if vhost.plan.sts {
        warn("Strict-Transport-Security is sent twice", pair.name.span())
            .label("sent beside the one of `sts`")
            .also(key_span(vhost.fields, "sts"), "sends it already")
            .help("keep one of them")
    } else {
        match max_age(pair.value.value) {
            None => warn("a Strict-Transport-Security header without a time", pair.value.span())
                .label("no `max-age`: clients do not heed it")
                .help("write `max-age=31536000`, or set `sts` instead"),
            // Zero takes a former promise back.
            Some(0) => return,
            Some(age) if age < LONG_ENOUGH => {
                warn("a Strict-Transport-Security header for less than six months", pair.value.span())
                    .label(match age / 86_400 {
                        0 | 1 => format!("{age} seconds"),
                        days => format!("{days} days"),
                    })
                    .help("write `max-age=31536000`, or set `sts` instead")
            }
            Some(_) => return,
        }
    };
    report.push(found);
}

/// The seconds that a header's value names.
fn max_age(value: &str) -> Option<u64> {
    let directives = value.split(';').filter_map(|directive| directive.trim().split_once('='));
    let mut ages = directives.filter(|(name, _)| name.trim().eq_ignore_ascii_case("max-age"));
    ages.next()?.1.trim().trim_matches('"').parse().ok()
}
