//! `error-document-404`: a 404 becomes a redirect to the document, and the document itself is sent with 404.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use http::{Request, Response, StatusCode};
use tower::{Layer, Service};

use crate::response::error::redirect;

/// The layer for a vhost with an error document.
#[derive(Debug, Clone)]
pub(crate) struct ErrorDocumentLayer {
    location: Arc<str>,
}

impl ErrorDocumentLayer {
    /// `location` is the value of the key, sent as it is.
    pub(crate) fn new(location: &str) -> Self {
        Self { location: location.into() }
    }
}

impl<S> Layer<S> for ErrorDocumentLayer {
    type Service = ErrorDocument<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ErrorDocument { inner, location: Arc::clone(&self.location) }
    }
}

/// The service that the layer makes.
#[derive(Debug, Clone)]
pub(crate) struct ErrorDocument<S> {
    inner: S,
    location: Arc<str>,
}

impl<S> Service<Request<Body>> for ErrorDocument<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let is_document = request.uri().path() == &*self.location;
        let location = Arc::clone(&self.location);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            match (response.status(), is_document) {
                (StatusCode::NOT_FOUND, false) => Ok(redirect(StatusCode::FOUND, &location)),
                (StatusCode::OK, true) => {
                    *response.status_mut() = StatusCode::NOT_FOUND;
                    Ok(response)
                }
                _ => Ok(response),
            }
        })
    }
}
