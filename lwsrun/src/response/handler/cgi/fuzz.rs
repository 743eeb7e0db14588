//! Programs' output, any bytes of it: how it comes makes no difference, and what is made of its head is legal.

#![allow(clippy::unwrap_used, reason = "a target that cannot run may fail loudly")]

use axum::body::Body;
use http::header::CONTENT_LENGTH;
use http::{Request, Response};

use super::output::{Answer, answer};
use super::parse::{DROPPED, Head, MOST_FIELDS, end_of_head, head};
use super::redirect::LocalRedirect;
use crate::fuzz::pieces;

/// How many of the first bytes of an input say where the others are cut.
const CUTS: usize = 4;

/// The first four bytes are the lengths of pieces, in turn; what follows is what a program writes.
pub fn cgi_head(input: &[u8]) {
    let Some((lengths, output)) = input.split_at_checked(CUTS) else { return };
    let end = end_of_head(output, 0);
    for pieces in [pieces(output, lengths), output.chunks(1).collect()] {
        assert_eq!(found(&pieces), end);
    }
    let Some(end) = end else { return };
    if end == 0 {
        return assert!(output.starts_with(b"\n") || output.starts_with(b"\r\n"));
    }
    // Nothing that comes later belongs to it.
    assert_eq!(end_of_head(&output[..end], 0), Some(end));
    let Ok(read) = head(&output[..end]) else { return };
    assert!(read.fields.len() <= MOST_FIELDS);
    assert!(
        DROPPED.iter().all(|name| !read.fields.contains_key(name)) && !read.fields.contains_key("status")
    );
    assert!(read.status.is_none_or(|status| (200..600).contains(&status.as_u16())));
    assert_eq!(read.length.is_some(), read.fields.contains_key(CONTENT_LENGTH));
    let again = head(&written(&read));
    // Without a field left there is nothing to read again.
    assert!(written(&read) == b"\n" || again.as_ref() == Ok(&read), "{read:?}, {again:?}");
    if let Answer::Local(target) = answer(read) {
        names_a_path(LocalRedirect::to(target, Request::new(()).into_parts().0));
    }
}

/// Where the head ends in output that comes in pieces.
fn found(pieces: &[&[u8]]) -> Option<usize> {
    let mut held = Vec::new();
    pieces.iter().find_map(|piece| {
        let seen = held.len();
        held.extend_from_slice(piece);
        end_of_head(&held, seen)
    })
}

/// A head as a program would write it.
fn written(head: &Head) -> Vec<u8> {
    let status = head.status.map(|status| format!("Status: {}\n", status.as_u16()).into_bytes());
    let fields = head
        .fields
        .iter()
        .map(|(name, value)| [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
    status.into_iter().chain(fields).chain([b"\n".to_vec()]).collect::<Vec<_>>().concat()
}

fn names_a_path(mut response: Response<Body>) {
    match response.extensions_mut().remove::<LocalRedirect>() {
        Some(redirect) => assert!(redirect.request().uri().path().starts_with('/')),
        None => assert!(response.status().is_server_error()),
    }
}
