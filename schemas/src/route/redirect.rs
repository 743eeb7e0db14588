//! Locations of redirects.

use super::canonical_path;

/// The location for a mountpoint or a folder that lacks its slash: relative, so that scheme and host stay the
/// client's own, and with the query kept. `path` is canonical and does not end in `/`.
///
/// Differs from lwsws, which sends an absolute location made of the Host header and drops the query.
#[must_use]
pub fn slash_location(path: &str, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}/?{query}"),
        None => format!("{path}/"),
    }
}

/// The location of a redirect mount with `append-path`: `rest` is the decoded path after the mountpoint.
///
/// Differs from lwsws, which does not escape what it appends.
#[must_use]
pub fn appended_location(url: &str, rest: &[u8]) -> String {
    let rest = canonical_path(rest);
    let url = if rest.starts_with('/') { url.strip_suffix('/').unwrap_or(url) } else { url };
    format!("{url}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_escaped_and_with_one_slash() {
        assert_eq!(appended_location("http://a/base", b"/x y"), "http://a/base/x%20y");
        assert_eq!(appended_location("http://a/", b"/x"), "http://a/x");
        assert_eq!(appended_location("http://a/base", b""), "http://a/base");
        assert_eq!(slash_location("/a", Some("q=1")), "/a/?q=1");
    }
}
