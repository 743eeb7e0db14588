//! An upstream's answer made into the mount's.

use std::borrow::Cow;

use axum::body::Body;
use http::header::{CONTENT_LOCATION, HeaderName, LOCATION, SERVER, SET_COOKIE, STRICT_TRANSPORT_SECURITY};
use http::{HeaderMap, HeaderValue, Response};

use super::origin::Origin;
use super::target::{Paths, of_this_host};

/// What is changed in answers.
#[derive(Debug)]
pub(super) struct Rewrite {
    paths: Paths,
    /// The upstream's scheme and authority, as its own URLs begin.
    url: Box<str>,
}

impl Rewrite {
    pub(super) fn new(paths: &Paths, origin: &Origin) -> Self {
        let scheme = if origin.is_secure() { "https" } else { "http" };
        let authority = origin.authority().to_str().unwrap_or_default();
        Self { paths: paths.clone(), url: format!("{scheme}://{authority}").into() }
    }

    /// Takes out what tells of the upstream; turns its paths into the mount's. `tls`: whether the client speaks it.
    pub(super) fn apply(&self, mut answer: Response<Body>, tls: bool) -> Response<Body> {
        let headers = answer.headers_mut();
        let (mut secret, mut paths) = (false, false);
        // One pass for what most answers have none of, in place of a search for each.
        for name in headers.keys() {
            match name.as_str() {
                "server" | "strict-transport-security" => secret = true,
                "location" | "content-location" | "set-cookie" => paths = true,
                _ => {}
            }
        }
        if secret {
            // This server says what it is, or nothing.
            headers.remove(SERVER);
            if !tls {
                headers.remove(STRICT_TRANSPORT_SECURITY);
            }
        }
        if paths {
            self.locations(headers);
        }
        answer
    }

    fn locations(&self, headers: &mut HeaderMap) {
        for name in [LOCATION, CONTENT_LOCATION] {
            let back = headers.get(&name).and_then(|value| self.back(value.to_str().ok()?));
            replace(headers, name, back);
        }
        if headers.contains_key(SET_COOKIE) {
            let values = headers.get_all(SET_COOKIE).iter();
            let cookies: Vec<_> =
                values.map(|value| self.cookie(value).unwrap_or_else(|| value.clone())).collect();
            headers.remove(SET_COOKIE);
            for cookie in cookies {
                headers.append(SET_COOKIE, cookie);
            }
        }
    }

    /// The URL of the mount for one of the upstream, as a path; `None` if it has none, or is right as it is.
    fn back(&self, url: &str) -> Option<String> {
        let path = match url.get(..self.url.len()) {
            Some(begin) if begin.eq_ignore_ascii_case(&self.url) => &url[self.url.len()..],
            _ if url.starts_with("//") => return None,
            _ => return self.paths.back(url),
        };
        // The upstream's own address is of no use to clients.
        let path = match path.as_bytes().first() {
            None | Some(b'?' | b'#') => Cow::Owned(format!("/{path}")),
            Some(b'/') => Cow::Borrowed(path),
            Some(_) => return None,
        };
        let own = || self.paths.is_same().then(|| of_this_host(&path));
        self.paths.back(&path).or_else(own)
    }

    /// A cookie whose `Path` is the mount's; `None` if it is right as it is.
    fn cookie(&self, value: &HeaderValue) -> Option<HeaderValue> {
        let text = value.to_str().ok()?;
        // Clients refuse one of this name whose path is not `/` (RFC 6265bis, section 4.1.3.2).
        if text.trim_start().get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case("__Host-")) {
            return None;
        }
        let mut changed = false;
        let attributes = text.split(';').enumerate().map(|(number, attribute)| {
            let path = attribute
                .split_once('=')
                .filter(|(name, _)| number > 0 && name.trim().eq_ignore_ascii_case("path"));
            match path.and_then(|(_, path)| self.paths.back(path.trim())) {
                Some(path) => {
                    changed = true;
                    format!(" Path={path}")
                }
                None => attribute.to_owned(),
            }
        });
        let text = attributes.collect::<Vec<_>>().join(";");
        if changed { HeaderValue::try_from(text).ok() } else { None }
    }
}

fn replace(headers: &mut HeaderMap, name: HeaderName, value: Option<String>) {
    if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use schemas::plan::{ProxyLimits, Upstream, UpstreamAddress};

    use super::*;

    fn rewrite(mount: &str, path: &str) -> Rewrite {
        let address = UpstreamAddress::Host { host: "up.test", port: 8080 };
        let upstream = Upstream { tls: false, address, path };
        Rewrite::new(&Paths::new(mount, path), &Origin::new(&upstream, &ProxyLimits::default(), None))
    }

    #[test]
    fn locations_of_the_upstream_are_the_mounts() {
        let inner = rewrite("/px", "/inner");
        for (url, back) in [
            ("http://up.test:8080/inner/a?b#c", Some("/px/a?b#c")),
            ("HTTP://UP.test:8080/inner", Some("/px")),
            ("/inner/", Some("/px/")),
            ("/other", None),
            ("a/b", None),
            ("//up.test:8080/inner/", None),
            ("http://up.test:8080/other", None),
            ("http://up.test:80801/inner/", None),
            ("https://elsewhere.test/inner/", None),
        ] {
            assert_eq!(inner.back(url).as_deref(), back, "{url}");
        }
        let same = rewrite("/", "/");
        assert_eq!(same.back("http://up.test:8080/a").as_deref(), Some("/a"));
        assert_eq!(same.back("http://up.test:8080").as_deref(), Some("/"));
        assert_eq!(same.back("http://up.test:8080?x").as_deref(), Some("/?x"));
        assert_eq!(same.back("http://up.test:8080//evil.test/").as_deref(), Some("/evil.test/"));
        assert_eq!(same.back("http://up.test:8080/\\evil.test/").as_deref(), Some("/evil.test/"));
        assert_eq!(same.back("/a"), None);
        let below = rewrite("/", "/inner");
        assert_eq!(below.back("http://up.test:8080/inner//evil.test/").as_deref(), Some("/evil.test/"));
        let above = rewrite("/px", "/");
        assert_eq!(above.back("http://up.test:8080?x").as_deref(), Some("/px/?x"));
        for relative in ["", "a/b", "?page=2", "#f"] {
            assert_eq!(above.back(relative), None, "{relative}");
        }
    }

    #[test]
    fn cookies_get_the_mounts_path_and_keep_the_rest() {
        let inner = rewrite("/px", "/inner");
        let cookie = |text| {
            inner.cookie(&HeaderValue::from_static(text)).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(cookie("a=b; Path=/inner/x; HttpOnly").as_deref(), Some("a=b; Path=/px/x; HttpOnly"));
        assert_eq!(cookie("path=/inner; path=/inner").as_deref(), Some("path=/inner; Path=/px"));
        assert_eq!(cookie("a=b; Path=/"), None);
        assert_eq!(cookie("a=b"), None);
        let above = rewrite("/px", "/");
        for text in ["__Host-a=b; Secure; Path=/", "a=b; Path=", "a=b; Path=x"] {
            assert_eq!(above.cookie(&HeaderValue::from_static(text)), None, "{text}");
        }
    }
}
