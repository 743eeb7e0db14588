//! `protocol-post-demo`: a page that shows what a form sent, for `callback://` mounts.
//!
//! A POST, url-encoded or `multipart/form-data`, with the fields `text`, `send`, `file` and `upload`; all others are
//! passed over. The page lists length and value of each. A file that is uploaded as `file` is stored in the folder
//! for temporary files as `post-file-` and random letters, mode 0600, and is removed before the page is sent.
//!
//! | status | when |
//! |---|---|
//! | 400 | the form is cut short or cannot be read |
//! | 405 | it is not a POST |
//! | 408 | it did not come within [`PATIENCE`] |
//! | 413 | over [`VALUES`] bytes of values, [`FILE`] bytes of files or [`FORM`] bytes in all |
//! | 415 | it is of another media type |
//! | 500 | the file cannot be stored |
//!
//! A value is shown up to [`SHOWN`] characters; its length is that of all of it, decoded.
//!
//! Differs from lwsws: a field that comes more than once is shown as it came first, with the length of that; what is
//! too much is answered rather than dropped; a GET is answered. There are no websockets.

mod form;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod multipart;
mod page;
mod sink;
mod upload;
mod urlencoded;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::future::BoxFuture;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::{CallbackRequest, Instance, Options, Protocol, StartError, VhostContext};
use crate::response::error::Refusal;
use form::{Form, Wrong};
use sink::Sink;

/// Most bytes of values, decoded, all fields together.
const VALUES: usize = 1024;

/// Most bytes of uploaded files.
const FILE: usize = 100_000;

/// Most bytes of a form, with all that is around values and files.
const FORM: usize = 128 * 1024;

/// Most characters of a value on the page.
const SHOWN: usize = 250;

/// How long a form may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// The protocol.
pub(super) struct PostDemo;

struct Posting;

impl Protocol for PostDemo {
    fn name(&self) -> &str {
        "protocol-post-demo"
    }

    fn start(&self, _: VhostContext, _: Options) -> Result<Arc<dyn Instance>, StartError> {
        Ok(Arc::new(Posting))
    }

    fn websockets(&self) -> bool {
        false
    }
}

impl Instance for Posting {
    fn callback(self: Arc<Self>, request: CallbackRequest) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            let CallbackRequest { method, headers, body, .. } = request;
            if method != Method::POST {
                return not_a_post();
            }
            match timeout(PATIENCE, receive(&headers, body)).await {
                Ok(Ok(page)) => html(page),
                Ok(Err(fault)) => fault.response(),
                Err(_) => Refusal::Timeout.explained("the form did not come in time"),
            }
        })
    }
}

/// Why a form is not answered with its page.
enum Fault {
    Wrong(Wrong),
    /// The connection broke, or the body broke a rule of HTTP.
    Body,
    /// The file cannot be stored.
    Storage(std::io::Error),
}

/// Reads a form piece by piece, storing what is uploaded as it comes, and makes the page.
async fn receive(headers: &HeaderMap, mut body: Body) -> Result<String, Fault> {
    let media_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let mut form = Form::new(media_type, FORM).map_err(Fault::Wrong)?;
    let mut sink = Sink::new(VALUES, FILE);
    let mut upload = None;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(Fault::Body) };
        if let Ok(data) = frame.into_data() {
            form.take(&data, &mut sink).map_err(Fault::Wrong)?;
            upload = upload::store(upload, &mut sink).await.map_err(Fault::Storage)?;
        }
    }
    form.end(&mut sink).map_err(Fault::Wrong)?;
    upload = upload::store(upload, &mut sink).await.map_err(Fault::Storage)?;
    Ok(page::of(&sink, upload.as_ref()))
}

fn html(page: String) -> Response<Body> {
    let mut response = Response::new(Body::from(page));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

fn not_a_post() -> Response<Body> {
    let mut response = Refusal::MethodNotAllowed.explained("a form is sent here with POST");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

impl Fault {
    fn response(self) -> Response<Body> {
        match self {
            Self::Wrong(wrong) => {
                let refusal = match wrong {
                    Wrong::MediaType => Refusal::UnsupportedMediaType,
                    Wrong::Values | Wrong::File | Wrong::Form => Refusal::ContentTooLarge,
                    Wrong::Boundary | Wrong::Malformed | Wrong::Cut => Refusal::BadRequest,
                };
                refusal.explained(&wrong.to_string())
            }
            Self::Body => Refusal::BadRequest.explained("the form did not come whole"),
            Self::Storage(error) => Refusal::Internal.because(format!("a file cannot be stored: {error}")),
        }
    }
}

#[cfg(test)]
mod tests;
