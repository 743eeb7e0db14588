//! The guard against any bytes: its verdict does not depend on how they come, and hyper reads what passes as it does.

#![allow(clippy::unwrap_used, reason = "a target that cannot run may fail loudly")]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::fault::Fault;
use super::scanner::Scanner;
use crate::connection::limits::HeadLimits;
use crate::fuzz::pieces;
use crate::response::error::Refusal;

/// How many of the first bytes of an input say where the others are cut.
const CUTS: usize = 4;

/// Limits that short inputs reach.
const NARROW: HeadLimits = HeadLimits { line: 40, size: 120, fields: 3 };

/// The first four bytes are the lengths of pieces, in turn; what follows is what a client sends.
pub fn head_guard(input: &[u8]) {
    let Some((lengths, bytes)) = input.split_at_checked(CUTS) else { return };
    for limits in [HeadLimits::default(), NARROW] {
        let whole = scanned(limits, [bytes]);
        for cut in [scanned(limits, pieces(bytes, lengths)), scanned(limits, bytes.chunks(1))] {
            assert_eq!(refusal(&whole), refusal(&cut), "{whole:?}, {cut:?}");
            if whole.fault.is_none() {
                assert_eq!(whole, cut);
            }
        }
    }
    let Passed { heads, bytes, .. } = scanned(HeadLimits::default(), [bytes]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (seen, answers) = runtime.block_on(by_hyper(&bytes));
    read_alike(heads, &bytes, &seen, &answers);
}

fn refusal(passed: &Passed) -> Option<Refusal> {
    passed.fault.map(|fault| fault.refusal)
}

/// What the scanner makes of bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Passed {
    /// How many heads pass.
    pub(super) heads: u64,
    /// All that passes.
    pub(super) bytes: Vec<u8>,
    /// Why nothing more does.
    pub(super) fault: Option<Fault>,
}

/// What the scanner makes of bytes that come in these pieces.
pub(super) fn scanned<'a>(limits: HeadLimits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Passed {
    let (mut scanner, mut held) = (Scanner::new(limits), Vec::new());
    let mut passed = Passed { heads: 0, bytes: Vec::new(), fault: None };
    for piece in pieces {
        held.extend_from_slice(piece);
        let scanned = scanner.scan(&held);
        assert!(scanned.pass <= held.len());
        passed.bytes.extend(held.drain(..scanned.pass));
        passed.heads += scanned.heads;
        if scanned.fault.is_some() {
            passed.fault = scanned.fault;
            break;
        }
    }
    passed
}

/// What a service sees of a request: method, target, length of its content, or that it has none that is right.
pub(super) type Seen = (String, String, Option<usize>);

/// Answers with what it sees, and notes it.
pub(super) async fn echo(
    request: Request<Incoming>,
    seen: Arc<Mutex<Vec<Seen>>>,
) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let length = body.collect().await.ok().map(|body| body.to_bytes().len());
    let words = format!("{} {} {length:?}\n", parts.method, parts.uri);
    seen.lock().unwrap().push((parts.method.to_string(), parts.uri.to_string(), length));
    Ok(Response::new(words.into()))
}

/// What hyper alone makes of bytes: requests, and what it answers.
pub(super) async fn by_hyper(bytes: &[u8]) -> (Vec<Seen>, String) {
    let (mut client, server) = duplex(1 << 20);
    let seen = Arc::default();
    let service = service_fn(|request| echo(request, Arc::clone(&seen)));
    let serving = http1::Builder::new().half_close(true).serve_connection(TokioIo::new(server), service);
    let mut answers = Vec::new();
    client.write_all(bytes).await.unwrap();
    client.shutdown().await.unwrap();
    let (_, read) = tokio::join!(serving, client.read_to_end(&mut answers));
    read.unwrap();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (seen, String::from_utf8_lossy(&answers).into_owned())
}

/// Compares the two readings of bytes that pass.
pub(super) fn read_alike(heads: u64, bytes: &[u8], seen: &[Seen], answers: &str) {
    // Behind a request that closes the connection, hyper reads nothing more.
    let seen_all = u64::try_from(seen.len()) == Ok(heads)
        || answers.to_ascii_lowercase().contains("connection: close")
        || bytes.windows(8).any(|version| version == b"HTTP/1.0");
    assert!(seen_all, "{heads} heads, {seen:?}, {answers}");
    assert!(!answers.contains("HTTP/1.1 400 ") && !answers.contains("HTTP/1.1 431 "), "{answers}");
    // Only the last body may be incomplete.
    let complete = seen.iter().rev().skip(1).all(|(_, _, length)| length.is_some());
    assert!(complete, "{seen:?}");
}
