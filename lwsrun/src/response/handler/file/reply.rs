//! Answers: status and headers of a file, or of a part of it, or of its not having changed.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use http::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};

use super::body::Nothing;
use super::precondition::{Modified, Validators, Verdict, allows_range, evaluate};
use super::range::{Wanted, parse};
use super::resolve::Identity;
use crate::response::error::{Refusal, page};

/// The methods of a file.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// The headers without which a request is answered with the whole file.
const CONDITIONS: [HeaderName; 5] = [IF_NONE_MATCH, IF_MODIFIED_SINCE, RANGE, IF_MATCH, IF_UNMODIFIED_SINCE];

/// What is said of a file, whoever asks. Cache-Control is not in it: that belongs to the mount.
#[derive(Debug)]
pub(super) struct Representation {
    /// The headers of the whole file, ready to be copied.
    headers: HeaderMap,
    validators: Validators,
    /// In bytes.
    length: u64,
}

impl Representation {
    pub(super) fn new(identity: &Identity, media_type: Option<HeaderValue>) -> Self {
        let validators = Validators { etag: etag(identity), modified: modified(identity) };
        let mut headers = HeaderMap::with_capacity(5);
        if let Some(media_type) = media_type {
            headers.insert(CONTENT_TYPE, media_type);
        }
        headers.insert(CONTENT_LENGTH, HeaderValue::from(identity.size));
        validators.add_to(&mut headers);
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        Self { headers, validators, length: identity.size }
    }
}

impl Validators {
    fn add_to(&self, headers: &mut HeaderMap) {
        headers.insert(ETAG, self.etag.clone());
        if let Some(modified) = &self.modified {
            headers.insert(LAST_MODIFIED, modified.text.clone());
        }
    }
}

/// The answer to a GET or HEAD. `body` makes the body of the bytes that are wanted of it.
pub(super) fn reply(
    request: &Request<()>,
    file: &Representation,
    body: impl FnOnce(Range<u64>) -> Body,
) -> Response<Body> {
    let asked = request.headers();
    // One pass over few names is cheaper than a look-up for each condition.
    if !asked.keys().any(|name| CONDITIONS.contains(name)) {
        return whole(request.method(), file, body);
    }
    match evaluate(asked, &file.validators) {
        Verdict::NotModified => return not_modified(&file.validators),
        Verdict::Failed => return page(StatusCode::PRECONDITION_FAILED, ""),
        Verdict::Proceed => {}
    }
    match wanted(request, file) {
        Wanted::Whole => whole(request.method(), file, body),
        Wanted::Part(range) => part(file, range, body),
        Wanted::Beyond => beyond(file.length),
    }
}

/// The answer to OPTIONS.
pub(super) fn options() -> Response<Body> {
    let mut response = Response::new(Body::new(Nothing));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, METHODS);
    response
}

/// The answer to methods that files do not have.
pub(super) fn method_not_allowed() -> Response<Body> {
    let mut response = Refusal::MethodNotAllowed.response();
    response.headers_mut().insert(ALLOW, METHODS);
    response
}

/// Only GET has ranges (RFC 9110, section 14.2), and two Range headers are none.
fn wanted(request: &Request<()>, file: &Representation) -> Wanted {
    let mut ranges = request.headers().get_all(RANGE).iter();
    match (ranges.next(), ranges.next()) {
        (Some(range), None)
            if request.method() == Method::GET && allows_range(request.headers(), &file.validators) =>
        {
            parse(range.as_bytes(), file.length)
        }
        _ => Wanted::Whole,
    }
}

fn whole(method: &Method, file: &Representation, body: impl FnOnce(Range<u64>) -> Body) -> Response<Body> {
    let body = if *method == Method::HEAD { Body::empty() } else { body(0..file.length) };
    let mut response = Response::new(body);
    *response.headers_mut() = file.headers.clone();
    response
}

fn part(file: &Representation, range: Range<u64>, body: impl FnOnce(Range<u64>) -> Body) -> Response<Body> {
    let last = range.end.saturating_sub(1);
    let content_range = format!("bytes {}-{last}/{}", range.start, file.length);
    let mut headers = file.headers.clone();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end.saturating_sub(range.start)));
    headers.insert(CONTENT_RANGE, ascii(&content_range));
    let mut response = Response::new(body(range));
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    *response.headers_mut() = headers;
    response
}

fn beyond(length: u64) -> Response<Body> {
    let mut response = page(StatusCode::RANGE_NOT_SATISFIABLE, "");
    response.headers_mut().insert(CONTENT_RANGE, ascii(&format!("bytes */{length}")));
    response
}

fn not_modified(validators: &Validators) -> Response<Body> {
    let mut response = Response::new(Body::new(Nothing));
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    validators.add_to(response.headers_mut());
    response
}

fn etag(identity: &Identity) -> HeaderValue {
    let (seconds, nanoseconds) = identity.modified;
    // Wraps in 2262 and before 1970; it only has to differ.
    let modified = seconds.wrapping_mul(1_000_000_000).wrapping_add(nanoseconds);
    ascii(&format!("\"{:x}-{modified:x}\"", identity.size))
}

/// Not later than now, as RFC 9110, section 8.8.2.1, asks.
fn modified(identity: &Identity) -> Option<Modified> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let seconds = u64::try_from(identity.modified.0).ok()?.min(now);
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    Some(Modified { seconds, text: ascii(&date) })
}

/// Text that this file has made of digits and punctuation, as a header value.
fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
