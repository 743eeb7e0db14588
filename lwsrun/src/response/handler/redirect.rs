//! Redirect mounts: `>http://…` and `>https://…`, 301 with the origin as written, or with the rest of the path
//! behind it (`append-path`). The query is never added, as in lwsws.
//!
//! Differs from lwsws: HTTP/1.1 and kept alive, and what is appended is escaped.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use schemas::route::{appended_location, canonical_path, decode_path};
use tower::Service;

use crate::response::error::redirect;

/// The service of one redirect mount.
#[derive(Debug, Clone)]
pub(crate) struct Redirect {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    url: String,
    /// The headers of every answer, where nothing is appended: ready to be copied, with room for those of layers.
    headers: Option<HeaderMap>,
    /// Bytes of the mountpoint's canonical path.
    mountpoint: usize,
}

impl Redirect {
    /// A redirect to `url`; with `append_path`, to what lies below it.
    pub(crate) fn new(url: &str, append_path: bool, mountpoint: &str) -> Self {
        let location = if append_path { None } else { HeaderValue::from_str(url).ok() };
        let headers = location.map(|location| {
            let mut headers = HeaderMap::with_capacity(6);
            headers.insert(LOCATION, location);
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
            headers
        });
        let mountpoint = canonical_path(mountpoint.as_bytes()).trim_end_matches('/').len();
        Self { shared: Arc::new(Shared { url: url.to_owned(), headers, mountpoint }) }
    }

    fn answer(&self, path: &str) -> Response<Body> {
        let Some(headers) = &self.shared.headers else {
            let rest = path.get(self.shared.mountpoint..).unwrap_or_default();
            let rest = if rest.is_empty() { Ok(rest.as_bytes().into()) } else { decode_path(rest) };
            let location = appended_location(&self.shared.url, &rest.unwrap_or_default());
            return redirect(StatusCode::MOVED_PERMANENTLY, &location);
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
        *response.headers_mut() = headers.clone();
        response
    }
}

impl Service<Request<Body>> for Redirect {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        ready(Ok(self.answer(request.uri().path())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(url: &str, append: bool, mountpoint: &str, path: &str) -> String {
        let response = Redirect::new(url, append, mountpoint).answer(path);
        assert_eq!(response.status(), StatusCode::MOVED_PERMANENTLY);
        response.headers()[LOCATION].to_str().unwrap().to_owned()
    }

    #[test]
    fn appends_only_when_asked() {
        assert_eq!(location("http://e.test/x", false, "/go", "/go/a/b"), "http://e.test/x");
        assert_eq!(location("http://e.test/x", true, "/go", "/go/a%20b"), "http://e.test/x/a%20b");
        assert_eq!(location("http://e.test/x", true, "/go", "/go"), "http://e.test/x");
        assert_eq!(location("http://e.test/", true, "/", "/a"), "http://e.test/a");
    }
}
