//! A path that a program names in place of an answer.

use axum::body::Body;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Uri};

use crate::request::path::{self, AsSent};
use crate::response::error::{Refusal, redirect};

/// A path of this vhost that a program has named, to be answered in place of it (RFC 3875, section 6.2.2): an extension
/// of the answer, for whoever has the router.
#[derive(Debug, Clone)]
pub(crate) struct LocalRedirect(Box<Parts>);

impl LocalRedirect {
    /// The answer that holds it. `parts` is the request that the program was started for.
    pub(super) fn to(target: String, mut parts: Parts) -> Response<Body> {
        let uri = PathAndQuery::try_from(target).map(Uri::from);
        let canonical = |uri: Uri| path::canonical(&uri).map(|canonical| canonical.unwrap_or(uri));
        let Some(uri) = uri.ok().and_then(|uri| canonical(uri).ok()) else {
            return Refusal::BadGateway.because("the program's `Location` is no path that can be asked for");
        };
        let mut response = redirect(StatusCode::FOUND, uri.path());
        if parts.method != Method::HEAD {
            parts.method = Method::GET;
        }
        for name in [CONTENT_LENGTH, CONTENT_TYPE, EXPECT, TRANSFER_ENCODING] {
            parts.headers.remove(name);
        }
        parts.extensions.remove::<AsSent>();
        let mut of_request = std::mem::take(&mut parts.uri).into_parts();
        of_request.path_and_query = uri.into_parts().path_and_query;
        parts.uri = Uri::from_parts(of_request).unwrap_or_default();
        response.extensions_mut().insert(Self(Box::new(parts)));
        response
    }

    /// The request for that path.
    pub(crate) fn request(self) -> Request<Body> {
        Request::from_parts(*self.0, Body::empty())
    }
}
