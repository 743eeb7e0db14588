//! `cache-*` keys that come out as `no-store`, because the one that they need is missing.

use schemas::plan::Origin;

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{View, key_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts() {
        let cache = mount.plan.cache;
        if cache.no_cache || !matches!(mount.plan.origin, Origin::File { .. }) {
            continue;
        }
        let fields = mount.fields;
        let switches = [
            ("cache-reuse", cache.reuse),
            ("cache-revalidate", cache.revalidate),
            ("cache-intermediaries", cache.intermediaries),
        ];
        let on = switches.into_iter().find(|(_, on)| *on).map(|(key, _)| key);
        let found = if cache.max_age > 0 && !cache.reuse && !fields.is_misspelt("cache-reuse") {
            no_store("cache-max-age", key_span(fields, "cache-max-age"))
                .label("does nothing without `cache-reuse`")
                .help("add `\"cache-reuse\": \"1\"`, or take the key out")
        } else if let (0, Some(key), false) = (cache.max_age, on, fields.is_misspelt("cache-max-age")) {
            no_store(key, key_span(fields, key))
                .label("does nothing without `cache-max-age`")
                .help("say for how many seconds: `\"cache-max-age\": \"60\"`; or take the key out")
        } else {
            continue;
        };
        report.push(found);
    }
}

fn no_store(key: &str, place: grammar::Span) -> Diagnostic {
    let headline = format!("`{key}` is set, and files may still not be kept");
    Diagnostic::warning(Code::CachedAsNoStore, headline, place)
        .note("`cache-control: no-store` is sent unless both `cache-max-age` and `cache-reuse` are set")
}
