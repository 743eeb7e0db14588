//! Answers: status and headers of a file, or of a part of it, or of its not having changed.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};

use super::content::Content;
use super::multipart::Multipart;
use super::precondition::{Modified, Validators, Verdict, allows_range, evaluate};
use super::range::{Wanted, parse};
use super::resolve::Identity;
use super::source::Source;
use crate::response::error::{Nothing, Refusal, page};

/// The methods of a file.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// The headers without which a request is answered with the whole file.
const CONDITIONS: [HeaderName; 5] = [IF_NONE_MATCH, IF_MODIFIED_SINCE, RANGE, IF_MATCH, IF_UNMODIFIED_SINCE];

/// What is said of a form of a file, whoever asks. Cache-Control is not in it: that belongs to the mount.
#[derive(Debug)]
pub(super) struct Representation {
    /// The headers of the whole of it, ready to be copied.
    headers: HeaderMap,
    validators: Validators,
    /// In bytes.
    length: u64,
    has_ranges: bool,
}

impl Representation {
    /// `varies`: other clients are sent another form.
    pub(super) fn new(source: &Source, media_type: Option<HeaderValue>, varies: bool) -> Self {
        let length = source.length();
        let validators = Validators { etag: etag(source), modified: modified(&source.opened.identity) };
        let mut headers = HeaderMap::with_capacity(12);
        if let Some(media_type) = media_type {
            headers.insert(CONTENT_TYPE, media_type);
        }
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        validators.add_to(&mut headers);
        let ranges = if source.has_ranges() { "bytes" } else { "none" };
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static(ranges));
        if let Some(coding) = source.coding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        }
        if varies {
            headers.insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
        }
        Self { headers, validators, length, has_ranges: source.has_ranges() }
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

/// The answer to a GET or HEAD. `content` is all of the bytes of `file`.
pub(super) fn reply(request: &Request<()>, file: &Representation, content: Content<'_>) -> Response<Body> {
    let asked = request.headers();
    // One pass over few names is cheaper than a look-up for each condition.
    if !asked.keys().any(|name| CONDITIONS.contains(name)) {
        return whole(request.method(), file, content);
    }
    match evaluate(asked, &file.validators) {
        Verdict::NotModified => return not_modified(file),
        Verdict::Failed => return page(StatusCode::PRECONDITION_FAILED, ""),
        Verdict::Proceed => {}
    }
    match wanted(request, file) {
        Wanted::Part(range) => part(file, range, content),
        // No field could say whether the whole of the message is coded or each part of it.
        Wanted::Parts(ranges) if !file.headers.contains_key(CONTENT_ENCODING) => parts(file, ranges, content),
        Wanted::Whole | Wanted::Parts(_) => whole(request.method(), file, content),
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
            if file.has_ranges
                && request.method() == Method::GET
                && allows_range(request.headers(), &file.validators) =>
        {
            parse(range.as_bytes(), file.length)
        }
        _ => Wanted::Whole,
    }
}

fn whole(method: &Method, file: &Representation, content: Content<'_>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = file.headers.clone();
    if *method != Method::HEAD {
        content.fill(&mut response, 0..file.length);
    }
    response
}

fn part(file: &Representation, range: Range<u64>, content: Content<'_>) -> Response<Body> {
    let mut headers = file.headers.clone();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end.saturating_sub(range.start)));
    headers.insert(CONTENT_RANGE, ascii(&content_range(&range, file.length)));
    let mut response = partial(headers, Body::empty());
    content.fill(&mut response, range);
    response
}

fn parts(file: &Representation, ranges: Vec<Range<u64>>, content: Content<'_>) -> Response<Body> {
    let mut headers = file.headers.clone();
    let mut multipart = Multipart::new(headers.remove(CONTENT_TYPE));
    for range in ranges {
        multipart.push(&content_range(&range, file.length), content, range);
    }
    headers.insert(CONTENT_TYPE, ascii(&multipart.media_type()));
    let body = multipart.finish();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.length()));
    partial(headers, Body::new(body))
}

fn partial(headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    *response.headers_mut() = headers;
    response
}

fn content_range(range: &Range<u64>, length: u64) -> String {
    format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1))
}

fn beyond(length: u64) -> Response<Body> {
    let mut response = page(StatusCode::RANGE_NOT_SATISFIABLE, "");
    response.headers_mut().insert(CONTENT_RANGE, ascii(&format!("bytes */{length}")));
    response
}

fn not_modified(file: &Representation) -> Response<Body> {
    let mut response = Response::new(Body::new(Nothing));
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    file.validators.add_to(response.headers_mut());
    if let Some(vary) = file.headers.get(VARY) {
        response.headers_mut().insert(VARY, vary.clone());
    }
    response
}

fn etag(source: &Source) -> HeaderValue {
    let (dash, coding) = source.coding.map_or(("", ""), |coding| ("-", coding.name()));
    ascii(&format!("\"{}{dash}{coding}\"", source.tag()))
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
