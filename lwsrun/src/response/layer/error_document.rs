//! `error-document-404`: a 404 becomes a redirect to the document, and the document itself is sent with 404.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

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
    S::Future: Unpin,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let is_document = request.uri().path() == &*self.location;
        Answer { inner: self.inner.call(request), is_document, location: Arc::clone(&self.location) }
    }
}

/// The answer of the inner service, changed when it is there.
#[derive(Debug)]
pub(crate) struct Answer<F> {
    inner: F,
    is_document: bool,
    location: Arc<str>,
}

impl<F> Future for Answer<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(mut response) = ready!(Pin::new(&mut self.inner).poll(cx));
        match (response.status(), self.is_document) {
            (StatusCode::NOT_FOUND, false) => response = redirect(StatusCode::FOUND, &self.location),
            (StatusCode::OK, true) => *response.status_mut() = StatusCode::NOT_FOUND,
            _ => {}
        }
        Poll::Ready(Ok(response))
    }
}
