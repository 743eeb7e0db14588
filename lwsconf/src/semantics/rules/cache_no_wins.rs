//! `cache-no` beside other `cache-*` keys, which do nothing then.

use schemas::plan::{Cache, Origin};

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{View, key_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts().filter(|(_, mount)| mount.plan.cache.no_cache) {
        let Cache { max_age, reuse, revalidate, intermediaries, no_cache: _ } = mount.plan.cache;
        let others = [
            ("cache-max-age", max_age > 0),
            ("cache-reuse", reuse),
            ("cache-revalidate", revalidate),
            ("cache-intermediaries", intermediaries),
        ];
        let mut idle = others.into_iter().filter(|(_, set)| *set).map(|(key, _)| key).peekable();
        if idle.peek().is_none() || !matches!(mount.plan.origin, Origin::File { .. }) {
            continue;
        }
        let place = key_span(mount.fields, "cache-no");
        let headline = "`cache-no` switches the other `cache-*` keys off";
        let mut found = Diagnostic::remark(Code::CacheNoWins, headline, place).label("sends `no-cache`");
        for key in idle {
            found = found.also(key_span(mount.fields, key), "does nothing");
        }
        report.push(found.help("keep `cache-no` alone, or take it out"));
    }
}
