//! Headers that the config adds to answers.

use std::borrow::Cow;

use crate::plan::{Cache, Header};

/// The value of `Strict-Transport-Security` where `sts` is on: lwsws's own, about six months.
///
/// Differs from lwsws, which sends it over plain HTTP too: RFC 6797, section 7.2, forbids that.
pub const STRICT_TRANSPORT_SECURITY: &str = "max-age=15768000 ; includeSubDomains";

/// The value of `Cache-Control` for files of a mount.
#[must_use]
pub fn cache_control(cache: Cache) -> Cow<'static, str> {
    let Cache { max_age, reuse, revalidate, intermediaries, no_cache } = cache;
    if no_cache {
        return Cow::Borrowed("no-cache");
    }
    if max_age == 0 || !reuse {
        return Cow::Borrowed("no-store");
    }
    let revalidate = if revalidate { "must-revalidate, " } else { "" };
    let audience = if intermediaries { "public" } else { "private" };
    Cow::Owned(format!("{revalidate}{audience}, max-age={max_age}"))
}

/// The configured headers of an answer: the vhost's, except those that the mount names too (in any case), then the
/// mount's. A name that stands twice in one list is sent twice.
pub fn merged_headers<'h, 'a>(
    vhost: &'h [Header<'a>],
    mount: &'h [Header<'a>],
) -> impl Iterator<Item = &'h Header<'a>> {
    vhost.iter().filter(|kept| !mount.iter().any(|h| h.name.eq_ignore_ascii_case(kept.name))).chain(mount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_control_follows_the_table() {
        let cache = |max_age, reuse, revalidate, intermediaries| {
            cache_control(Cache { max_age, reuse, revalidate, intermediaries, no_cache: false })
        };
        assert_eq!(cache(0, true, true, true), "no-store");
        assert_eq!(cache(90, false, true, true), "no-store");
        assert_eq!(cache(90, true, false, false), "private, max-age=90");
        assert_eq!(cache(90, true, false, true), "public, max-age=90");
        assert_eq!(cache(90, true, true, false), "must-revalidate, private, max-age=90");
        assert_eq!(cache(90, true, true, true), "must-revalidate, public, max-age=90");
        let no_cache = Cache { max_age: 90, reuse: true, no_cache: true, ..Cache::default() };
        assert_eq!(cache_control(no_cache), "no-cache");
    }

    #[test]
    fn mount_headers_replace_those_of_the_vhost() {
        let vhost = [Header { name: "X-A", value: "1" }, Header { name: "X-B", value: "2" }];
        let mount = [Header { name: "x-a", value: "3" }, Header { name: "X-C", value: "4" }];
        let merged: Vec<&str> = merged_headers(&vhost, &mount).map(|h| h.value).collect();
        assert_eq!(merged, ["2", "3", "4"]);
    }
}
