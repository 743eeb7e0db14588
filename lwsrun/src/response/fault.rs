//! Answers of 5xx, and what is written down about them: one line for each, with the `file:line` of what answered,
//! method, path and reason.
//!
//! A handler gives the [reason](because) with its answer; around each mount [`answered_by`] says whose answer it is; and
//! `boot/site.rs`, which sees all answers, has the line [told](Asked::tell). Each of them adds to an answer only if it is one of
//! 5xx, so that others pay for nothing but a look at their status.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use axum::body::Body;
use http::uri::PathAndQuery;
use http::{Method, Request, Response};

use super::complaints::Complaints;
use super::error::Refusal;

/// The most characters of method and of path in a line; the rest is left out.
const LONGEST: usize = 1024;

/// A refusal of 5xx, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) refusal: Refusal,
    pub(crate) words: Cow<'static, str>,
}

impl Fault {
    pub(crate) fn new(refusal: Refusal, words: impl Into<Cow<'static, str>>) -> Self {
        Self { refusal, words: words.into() }
    }

    pub(crate) fn response(self) -> Response<Body> {
        self.refusal.because(self.words)
    }
}

/// The reason of an answer: an extension of it.
#[derive(Debug, Clone)]
struct Reason(Cow<'static, str>);

/// The log has it already, with its place: an extension of answers.
#[derive(Debug, Clone, Copy)]
struct Said;

/// Who has answered: an extension of answers.
#[derive(Debug, Clone)]
struct AnsweredBy(Arc<Complaints>);

/// Gives an answer of 5xx its reason, for the log.
pub(super) fn because(mut response: Response<Body>, words: impl Into<Cow<'static, str>>) -> Response<Body> {
    response.extensions_mut().insert(Reason(words.into()));
    response
}

/// Marks an answer of 5xx that the log has already, with its place.
pub(crate) fn said(mut response: Response<Body>) -> Response<Body> {
    response.extensions_mut().insert(Said);
    response
}

/// Marks an answer of 5xx as one of a mount.
pub(crate) fn answered_by(response: &mut Response<Body>, mount: &Arc<Complaints>) {
    if response.status().is_server_error() {
        response.extensions_mut().insert(AnsweredBy(Arc::clone(mount)));
    }
}

/// What is kept of a request for the line. Costs a count of references: nothing is copied.
#[derive(Debug)]
pub(crate) struct Asked {
    method: Method,
    target: Option<PathAndQuery>,
}

impl Asked {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        Self { method: request.method().clone(), target: request.uri().path_and_query().cloned() }
    }

    /// Has an answer of 5xx written down; `vhost` for what no mount has answered.
    pub(crate) fn tell(&self, response: &mut Response<Body>, vhost: &Complaints) {
        if !response.status().is_server_error() {
            return;
        }
        let status = response.status().as_u16();
        let extensions = response.extensions_mut();
        if extensions.remove::<Said>().is_some() {
            return;
        }
        let mut words = format!("{self} answered {status}");
        if let Some(Reason(reason)) = extensions.remove() {
            // Writing to a string cannot fail.
            let _ = write!(words, ": {reason}");
        }
        match extensions.remove() {
            Some(AnsweredBy(mount)) => mount.tell(&words),
            None => vhost.tell(&words),
        }
    }
}

/// In quotes, which nothing that the client sent can end: visible ASCII, and cut.
impl std::fmt::Display for Asked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |text: &str| text.escape_default().take(LONGEST).collect::<String>();
        let path = self.target.as_ref().map_or("/", PathAndQuery::path);
        write!(formatter, "\"{} {}\"", shown(self.method.as_str()), shown(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_forges_a_line_or_makes_a_long_one() {
        let asked = |target: &str| {
            Asked { method: Method::GET, target: Some(PathAndQuery::try_from(target).unwrap()) }.to_string()
        };
        assert_eq!(asked("/a\"b\u{e9}?secret"), r#""GET /a\"b\u{e9}""#);
        assert!(asked(&format!("/{}", "x".repeat(60_000))).len() < 1100);
    }
}
