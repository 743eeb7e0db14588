//! Requests for protocols: to a `callback://` mount, and for a file that is rewritten.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, Method};

/// An HTTP request for a protocol.
#[derive(Debug)]
#[non_exhaustive]
pub struct CallbackRequest {
    /// The method.
    pub method: Method,
    /// The path after the mountpoint, decoded: any bytes but NUL.
    pub rest: Vec<u8>,
    /// The query, as sent, without its `?`.
    pub query: Option<String>,
    /// The client's headers.
    pub headers: HeaderMap,
    /// The body. Read it with a limit of your own.
    pub body: Body,
    /// `pmo` of the mount: name and value, in config order.
    pub pmo: Arc<[(Box<str>, Box<str>)]>,
}

impl CallbackRequest {
    /// A value of `pmo`; of several of one name the last.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.pmo.iter().rev().find(|(each, _)| **each == *name).map(|(_, value)| &**value)
    }
}

/// A request for a file that a protocol rewrites.
#[derive(Debug)]
#[non_exhaustive]
pub struct InterpretRequest {
    /// The path, canonical.
    pub path: String,
    /// The query, as sent, without its `?`.
    pub query: Option<String>,
    /// The client's headers, without ranges, conditions and codings.
    pub headers: HeaderMap,
}
