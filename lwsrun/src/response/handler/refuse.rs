//! Answers every request with one refusal: where no mount matches, and where a mount asks for something that is
//! not honoured and must therefore not be served as if it were absent.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::body::Body;
use http::{Request, Response};
use tower::Service;

use crate::response::error::Refusal;
use crate::response::fault::said;

/// The service that refuses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refuse(pub(crate) Refusal);

impl Service<Request<Body>> for Refuse {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let answer = self.0.response();
        // What is not honoured is said at start, with its place.
        ready(Ok(if answer.status().is_server_error() { said(answer) } else { answer }))
    }
}
