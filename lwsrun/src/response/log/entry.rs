//! One request's line, from its first byte to its last.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use http::{Request, Response, StatusCode};
use schemas::plan::LogFormat;

use super::Target;
use super::body::Logged;
use super::line::{self, Facts};
use crate::connection::{ConnectionFacts, Cut};

/// What stands for the status of a request that nobody answered before its client was gone. nginx's number.
const CLIENT_GONE: u16 = 499;

/// Who is logged in, by `basic-auth`: an extension of requests and of their answers.
#[derive(Debug, Clone)]
pub(crate) struct User(pub(crate) Arc<[u8]>);

/// The protocol of a websocket that was opened: an extension of its 101.
#[derive(Debug, Clone)]
pub(crate) struct Protocol(pub(crate) Arc<str>);

/// A line that is being made. It is written when this is dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    target: Arc<Target>,
    /// What is known from the request.
    text: line::Text,
    status: u16,
    /// Bytes of the body that were given to the connection.
    pub(super) bytes: u64,
    user: Option<User>,
    protocol: Option<Protocol>,
    /// When the request came, where that is written.
    begun: Option<Instant>,
}

impl Entry {
    pub(super) fn of_request<B>(
        target: Arc<Target>,
        connection: &ConnectionFacts,
        request: &Request<B>,
    ) -> Self {
        let text = line::Text::of_request(&target, connection, request);
        let client = connection.client.as_ref().map(|client| User(client.subject.as_bytes().into()));
        Self::new(target, text, CLIENT_GONE, client)
    }

    pub(super) fn of_bytes(
        target: Arc<Target>,
        connection: &ConnectionFacts,
        head: &[u8],
        status: StatusCode,
    ) -> Self {
        let text = line::Text::of_bytes(&target, connection, head);
        Self::new(target, text, status.as_u16(), None)
    }

    fn new(target: Arc<Target>, text: line::Text, status: u16, user: Option<User>) -> Self {
        let begun = (target.format == LogFormat::Json).then(Instant::now);
        Self { target, text, status, bytes: 0, user, protocol: None, begun }
    }

    /// The request is answered, as far as the head goes.
    fn answered<B>(&mut self, response: &Response<B>) {
        self.status = response.status().as_u16();
        let extensions = response.extensions();
        if !extensions.is_empty() {
            if let Some(user) = extensions.get::<User>() {
                self.user = Some(user.clone());
            }
            self.protocol = extensions.get().cloned();
        }
    }

    /// Bytes of an answer that is written without a body of its own.
    pub(crate) fn sent(&mut self, bytes: u64) {
        self.bytes = bytes;
    }
}

/// The line of a request that is being answered. If that is given up, its status tells why.
#[derive(Debug)]
pub(crate) struct Pending<'c> {
    entry: Option<Entry>,
    cut: Option<&'c Cut>,
}

impl<'c> Pending<'c> {
    /// `cut`: where the connection tells that it has answered by itself.
    pub(crate) fn new(entry: Option<Entry>, cut: Option<&'c Cut>) -> Self {
        Self { entry, cut }
    }

    /// The answer, with the line that its body ends. If the connection has answered by itself meanwhile, that is what the
    /// client gets, and the line is written here.
    pub(crate) fn answered(mut self, response: Response<Body>) -> Response<Logged> {
        if let Some(entry) = &mut self.entry {
            entry.answered(&response);
        }
        let entry = if self.cut().is_some() { None } else { self.entry.take() };
        response.map(|body| Logged::new(body, entry))
    }

    fn cut(&self) -> Option<(StatusCode, u64)> {
        self.cut.and_then(Cut::answer)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let cut = self.cut();
        if let (Some(entry), Some((status, bytes))) = (&mut self.entry, cut) {
            (entry.status, entry.bytes) = (status.as_u16(), bytes);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Self { target, text, status, bytes, user, protocol, begun } = self;
        let facts = Facts {
            status: *status,
            bytes: *bytes,
            user: user.as_ref().map(|user| &*user.0),
            protocol: protocol.as_ref().map(|protocol| &*protocol.0),
            took: begun.map(|begun| begun.elapsed()),
        };
        target.queue.push(target.file, |out| text.write(target.format, &facts, out));
    }
}
