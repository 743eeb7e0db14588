//! Brings the path of a request into its canonical form, so that routers and handlers see one spelling only.

use http::Uri;
use http::uri::PathAndQuery;
use schemas::route::{canonical_path, decode_path, is_canonical};

use crate::response::error::Refusal;

/// The path as the client spelt it: an extension of requests whose path was brought into another form, on vhosts with
/// mounts that hand it on.
#[derive(Debug, Clone)]
pub(crate) struct AsSent(pub(crate) PathAndQuery);

/// The target with its path made canonical, or `None` where it is so already, as nearly all are.
///
/// # Errors
/// If the path is not legal: a bad escape, a NUL, no slash at its start.
pub(crate) fn canonical(uri: &Uri) -> Result<Option<Uri>, Refusal> {
    let path = uri.path();
    if is_canonical(path) {
        return Ok(None);
    }
    let decoded = decode_path(path).map_err(|_| Refusal::BadRequest)?;
    let mut target = canonical_path(&decoded).into_owned();
    if target == path {
        return Ok(None);
    }
    if let Some(query) = uri.query() {
        target.push('?');
        target.push_str(query);
    }
    let target = PathAndQuery::try_from(target).map_err(|_| Refusal::BadRequest)?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target);
    Uri::from_parts(parts).map(Some).map_err(|_| Refusal::BadRequest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        for (target, meant) in [
            ("/a/../b//c?q=%2e", "/b/c?q=%2e"),
            ("/%61%20b", "/a%20b"),
            ("/%c3%A9", "/%C3%A9"),
            ("http://h.test/./x", "http://h.test/x"),
        ] {
            let uri: Uri = target.parse().unwrap();
            assert_eq!(canonical(&uri).unwrap().unwrap().to_string(), meant);
        }
        for target in ["/", "/a/b.c", "/a%20b?x=/../"] {
            assert_eq!(canonical(&target.parse().unwrap()), Ok(None), "{target}");
        }
        for target in ["/%zz", "/a%00", "*"] {
            assert_eq!(canonical(&target.parse().unwrap()), Err(Refusal::BadRequest), "{target}");
        }
    }
}
