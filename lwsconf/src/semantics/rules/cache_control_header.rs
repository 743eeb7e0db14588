//! A `Cache-Control` header beside `cache-*` keys: the header is sent, the keys do nothing.

use schemas::plan::{Cache, Header, Origin};

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{View, key_span};

const NAME: &str = "Cache-Control";
const KEYS: [&str; 5] =
    ["cache-max-age", "cache-reuse", "cache-revalidate", "cache-intermediaries", "cache-no"];

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let has = |headers: &[Header<'_>]| headers.iter().any(|header| header.name.eq_ignore_ascii_case(NAME));
    for (vhost, mount) in view.mounts().filter(|(_, mount)| mount.plan.cache != Cache::default()) {
        let fields = match (has(&mount.plan.headers), has(&vhost.plan.headers)) {
            (true, _) => mount.fields,
            (false, true) => vhost.fields,
            (false, false) => continue,
        };
        let header = fields.pairs("headers").find(|pair| pair.name.value.eq_ignore_ascii_case(NAME));
        let key = KEYS.into_iter().find(|key| mount.fields.has(key));
        let (Some(header), Some(key), Origin::File { .. }) = (header, key, &mount.plan.origin) else {
            continue;
        };
        let headline = format!("`{key}` and a `Cache-Control` header say two things");
        let found = Diagnostic::warning(Code::CacheControlHeader, headline, key_span(mount.fields, key))
            .label("does nothing beside the header")
            .also(header.name.span(), "sent as it is written")
            .help("keep one of the two");
        report.push(found);
    }
}
