//! Failure to status: the only place that picks one, and the page that goes with it.

use std::borrow::Cow;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::fault::because;

/// Why a request is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The path has a bad escape or a NUL, or Host is missing or malformed.
    BadRequest,
    /// A mount that asks for credentials, and none that it knows.
    Unauthorized,
    /// A websocket for which no protocol is named, where one must be.
    Forbidden,
    /// No mount, no file, or a file that may not be read.
    NotFound,
    /// A method that the mount does not serve.
    MethodNotAllowed,
    /// A head that did not come in time, or a body that came too slowly.
    Timeout,
    /// A body that is longer than any can be.
    ContentTooLarge,
    /// A request line that is too long.
    UriTooLong,
    /// The connection was made under another vhost's policy (RFC 9110, section 15.5.20).
    Misdirected,
    /// No table knows the suffix of the file.
    UnsupportedMediaType,
    /// An expectation that nobody here can meet.
    ExpectationFailed,
    /// A websocket of another version.
    UpgradeRequired,
    /// A head that is too large, or has too many fields.
    FieldsTooLarge,
    /// A key of the mount is not honoured, or its protocol is not built in.
    NotImplemented,
    /// Reading the file failed.
    Internal,
    /// A program or the upstream of a proxy that cannot be reached, or whose answer cannot be understood.
    BadGateway,
    /// A limit is reached.
    Unavailable,
    /// A program or the upstream of a proxy takes too long.
    GatewayTimeout,
    /// The request went in a circle of proxies.
    LoopDetected,
    /// The client did not wait for the answer. Only the log sees it.
    ClientGone,
    /// A version of HTTP that is neither 1.0 nor 1.1, in a request of HTTP/1.
    VersionNotSupported,
}

impl Refusal {
    /// The status that stands for it.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::ContentTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ExpectationFailed => StatusCode::EXPECTATION_FAILED,
            Self::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
            Self::FieldsTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::BadGateway => StatusCode::BAD_GATEWAY,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::GatewayTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::LoopDetected => StatusCode::LOOP_DETECTED,
            // No standard has one; this is what others write down.
            Self::ClientGone => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            Self::VersionNotSupported => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        }
    }

    /// The answer: status and page.
    pub(crate) fn response(self) -> Response<Body> {
        match self {
            // The one that is asked for by the million.
            Self::NotFound => {
                static PAGE: OnceLock<Bytes> = OnceLock::new();
                let page = PAGE.get_or_init(|| page_of(self.status(), "").into_body().into());
                response_of(self.status(), Body::from(page.clone()))
            }
            _ => page(self.status(), ""),
        }
    }

    /// The answer with words for the page, and for the log if it is one of 5xx.
    pub(crate) fn explained(self, words: &str) -> Response<Body> {
        let answer = page(self.status(), words);
        if answer.status().is_server_error() { because(answer, words.to_owned()) } else { answer }
    }

    /// The answer of 5xx with its reason, for the log only.
    pub(crate) fn because(self, words: impl Into<Cow<'static, str>>) -> Response<Body> {
        because(self.response(), words)
    }
}

/// An error page. `text` is escaped here: it may be the operator's own, such as a reject keyword's.
pub(crate) fn page(status: StatusCode, text: &str) -> Response<Body> {
    page_of(status, text).map(Body::from)
}

/// The same, with its text still at hand.
pub(crate) fn page_of(status: StatusCode, text: &str) -> Response<String> {
    let reason = status.canonical_reason().unwrap_or_default();
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{code} {reason}</title>\
         <h1>{code} {reason}</h1><p>{text}</p></html>\n",
        code = status.as_u16(),
        text = escape(text),
    );
    response_of(status, body)
}

fn response_of<B>(status: StatusCode, body: B) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = HeaderMap::with_capacity(6);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

/// A redirect without a body. A location that cannot be a header value is the server's own fault: 500.
pub(crate) fn redirect(status: StatusCode, location: &str) -> Response<Body> {
    let Ok(location) = HeaderValue::from_str(location) else { return Refusal::Internal.response() };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

/// What a mount of some kind may take. CONNECT and TRACE none does.
pub(crate) const METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// The answer to OPTIONS for the server as a whole.
pub(crate) fn server_options() -> Response<Body> {
    let mut response = Response::new(Body::new(Nothing));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, METHODS);
    response
}

/// The body of a status that never has one. Unlike an empty body it has no length that anyone could write into a
/// Content-Length, which would be wrong on a 304 and forbidden on a 204 (RFC 9110, section 8.6).
#[derive(Debug)]
pub(crate) struct Nothing;

impl http_body::Body for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
