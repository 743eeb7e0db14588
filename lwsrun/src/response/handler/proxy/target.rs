//! Paths between mount and upstream, in both directions.

use bytes::{BufMut, BytesMut};
use http::Uri;
use http::uri::PathAndQuery;
use schemas::route::canonical_path;

use crate::request::path::AsSent;

/// The mountpoint, and the upstream's path that it stands for.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    /// The mountpoint's canonical path without a final slash; empty for `/`.
    mount: Box<str>,
    /// How many segments that has.
    segments: usize,
    /// The upstream's path as configured.
    upstream: Box<str>,
    /// The same without a final slash; empty for `/`.
    base: Box<str>,
}

impl Paths {
    pub(super) fn new(mountpoint: &str, upstream: &str) -> Self {
        let mount = canonical_path(mountpoint.as_bytes());
        let mount = mount.trim_end_matches('/');
        // What of it cannot stand in a request target is escaped.
        let upstream = escaped(upstream);
        Self {
            mount: mount.into(),
            segments: mount.split('/').filter(|segment| !segment.is_empty()).count(),
            base: upstream.trim_end_matches('/').into(),
            upstream: upstream.into(),
        }
    }

    /// Whether a canonical path is the mountpoint without its slash.
    pub(super) fn wants_slash(&self, path: &str) -> bool {
        path.len() == self.mount.len()
    }

    /// The target for the upstream. Its path is spelt as the client spelt it, where that is known to be otherwise:
    /// some programs tell `%3B` from `;`. `None` if it cannot be a target, which no path that came as one is.
    pub(super) fn target(&self, uri: &Uri, sent: Option<&AsSent>) -> Option<PathAndQuery> {
        if sent.is_none() && self.mount == self.base {
            return uri.path_and_query().cloned();
        }
        let mut target = BytesMut::with_capacity(self.base.len() + uri.path().len() + 1);
        match sent {
            None => self.put_below(&mut target, uri.path().get(self.mount.len()..)?),
            Some(sent) => self.put_below(&mut target, &self.rest_of(sent.0.path())),
        }
        if let Some(query) = uri.query() {
            target.put_u8(b'?');
            target.put_slice(query.as_bytes());
        }
        PathAndQuery::from_maybe_shared(target.freeze()).ok()
    }

    fn put_below(&self, target: &mut BytesMut, rest: &str) {
        if rest.is_empty() {
            target.put_slice(self.upstream.as_bytes());
        } else {
            target.put_slice(self.base.as_bytes());
            target.put_slice(rest.as_bytes());
        }
    }

    /// What follows the mountpoint in a path without dot segments and escaped slashes, with its escapes as they are and
    /// runs of slashes made one.
    fn rest_of(&self, sent: &str) -> String {
        let segments = sent.split('/').filter(|segment| !segment.is_empty()).skip(self.segments);
        let mut rest = segments.fold(String::with_capacity(sent.len()), |mut rest, segment| {
            rest.push('/');
            rest.push_str(segment);
            rest
        });
        if sent.ends_with('/') {
            rest.push('/');
        }
        rest
    }

    /// Whether paths of the upstream are those of the mount.
    pub(super) fn is_same(&self) -> bool {
        self.mount == self.base
    }

    /// The path of the mount for one of the upstream; `None` if it has none, or they are the same.
    pub(super) fn back(&self, path: &str) -> Option<String> {
        if self.mount == self.base {
            return None;
        }
        // What does not begin with a slash is relative, to a place that clients know.
        let rest = path.starts_with('/').then(|| path.strip_prefix(&*self.base))??;
        match rest.as_bytes().first() {
            None | Some(b'?' | b'#') if self.mount.is_empty() => Some(format!("/{rest}")),
            Some(b'/') if self.mount.is_empty() => Some(of_this_host(rest)),
            None | Some(b'/' | b'?' | b'#') => Some(format!("{}{rest}", self.mount)),
            Some(_) => None,
        }
    }
}

/// A path that begins with one slash. Two would be followed by the name of another host, and browsers take a backslash for
/// a slash, and no notice of a tab.
pub(super) fn of_this_host(path: &str) -> String {
    format!("/{}", path.trim_start_matches(['/', '\\', '\t']))
}

/// A configured path in which what cannot stand in a target is escaped; escapes that are there stay.
fn escaped(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut out, byte| {
        if byte.is_ascii_graphic()
            && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'#' | b'?')
        {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(paths: &Paths, uri: &str, sent: Option<&str>) -> String {
        let sent = sent.map(|sent| AsSent(sent.parse().unwrap()));
        paths.target(&uri.parse().unwrap(), sent.as_ref()).unwrap().to_string()
    }

    #[test]
    fn the_rest_goes_below_the_upstreams_path() {
        let inner = Paths::new("/px", "/inner");
        assert_eq!(target(&inner, "/px/", None), "/inner/");
        assert_eq!(target(&inner, "/px/a/b?c=d", None), "/inner/a/b?c=d");
        assert_eq!(target(&inner, "/px?x", None), "/inner?x", "an exact match");
        let slash = Paths::new("/px", "/inner/");
        assert_eq!(target(&slash, "/px/a", None), "/inner/a");
        assert_eq!(target(&slash, "/px", None), "/inner/");
        let root = Paths::new("/", "/");
        assert_eq!(target(&root, "/a?", None), "/a?");
        let from_root = Paths::new("/", "/base");
        assert_eq!(target(&from_root, "/", None), "/base/");
        assert_eq!(target(&Paths::new("/x", "/ä b"), "/x/1", None), "/%C3%A4%20b/1");
    }

    #[test]
    fn escapes_stay_as_they_were_sent() {
        let paths = Paths::new("/p x", "/");
        assert_eq!(target(&paths, "/p%20x/a;b", Some("/p%20%78/a%3Bb")), "/a%3Bb");
        assert_eq!(target(&paths, "/p%20x/a/b/", Some("//p%20x///a//b//")), "/a/b/");
        assert_eq!(target(&Paths::new("/", "/"), "/a", Some("/%61?q=%61")), "/%61");
        assert_eq!(target(&Paths::new("/", "/"), "/a?q=%61", Some("/%61?q=%61")), "/%61?q=%61");
    }

    #[test]
    fn paths_of_the_upstream_come_back() {
        let paths = Paths::new("/px", "/inner");
        assert_eq!(paths.back("/inner/x?y").as_deref(), Some("/px/x?y"));
        assert_eq!(paths.back("/inner").as_deref(), Some("/px"));
        assert_eq!(paths.back("/inners"), None);
        assert_eq!(paths.back("/"), None);
        assert_eq!(paths.back("/inner//x").as_deref(), Some("/px//x"));
        assert_eq!(Paths::new("/", "/inner").back("/inner").as_deref(), Some("/"));
        let root = Paths::new("/", "/inner/");
        assert_eq!(root.back("/inner?x").as_deref(), Some("/?x"));
        assert_eq!(root.back("/inner#x").as_deref(), Some("/#x"));
        for path in
            ["/inner//evil.test/", "/inner/\\evil.test/", "/inner/\t/evil.test/", "/inner/\\\t\\evil.test/"]
        {
            assert_eq!(root.back(path).as_deref(), Some("/evil.test/"), "{path:?}");
        }
        let top = Paths::new("/top", "/");
        assert_eq!(top.back("/x").as_deref(), Some("/top/x"));
        for relative in ["", "x", "?x", "#x"] {
            assert_eq!(top.back(relative), None, "{relative}");
        }
        assert_eq!(Paths::new("/", "/").back("/x"), None);
    }
}
