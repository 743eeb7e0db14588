//! `cache-*` keys that come out as `no-store`, because the one that they need is missing.

use schemas::plan::Origin;

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::schema::Fields;
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
        let found = if cache.max_age > 0 && !cache.reuse && !told(fields, "cache-reuse") {
            no_store("cache-max-age", key_span(fields, "cache-max-age"))
                .label("does nothing without `cache-reuse`")
                .help("add `\"cache-reuse\": \"1\"`, or take the key out")
        } else if let (0, Some(key), false) = (cache.max_age, on, told(fields, "cache-max-age")) {
            no_store(key, key_span(fields, key))
                .label("does nothing without `cache-max-age`")
                .help("say for how many seconds: `\"cache-max-age\": \"60\"`; or take the key out")
        } else {
            continue;
        };
        report.push(found);
    }
}

/// Whether the key is there in a way that has been reported.
fn told(fields: &Fields<'_>, key: &str) -> bool {
    fields.is_misspelt(key) || fields.is_unusable(key)
}

fn no_store(key: &str, place: grammar::Span) -> Diagnostic {
    let headline = format!("`{key}` is set, and browsers are still told to keep nothing");
    Diagnostic::warning(Code::CachedAsNoStore, headline, place)
        .note("`cache-control: no-store` is sent unless both `cache-max-age` and `cache-reuse` are set")
}
