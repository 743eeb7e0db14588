//! What clients send, any bytes of it: the whole way from the socket to the protocol, and compression both ways.

#![allow(clippy::unwrap_used, reason = "a target that cannot run may fail loudly")]

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::SEC_WEBSOCKET_EXTENSIONS;
use http::{HeaderMap, HeaderValue};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::conversation::{Conversation, LARGE};
use super::deflate::{Deflate, pack};
use super::session::Held;
use super::stream::ReadAhead;
use crate::fuzz::pieces;
use crate::protocol::link::Link;
use crate::protocol::{Message, Session};

/// How many of the first bytes of an input say where the others are cut.
const CUTS: usize = 4;

/// Longest message and frame, which short inputs reach, also by swelling; enough for sessions to be made anew.
const LONGEST: usize = 2 * LARGE;

/// What is offered, by the first byte of an input.
const OFFERS: [Option<&str>; 4] = [
    None,
    Some("permessage-deflate"),
    Some("permessage-deflate; client_no_context_takeover"),
    Some("permessage-deflate; client_max_window_bits=9"),
];

/// What a client's bytes come to.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    messages: Vec<(bool, Bytes)>,
    /// The code of the close that is sent.
    close: Option<u16>,
}

/// The first byte chooses what is agreed, the next four are lengths of pieces; what follows is what a client sends.
pub fn ws_frames(input: &[u8]) {
    let Some((&[offer], rest)) = input.split_first_chunk() else { return };
    let Some((lengths, bytes)) = rest.split_at_checked(CUTS) else { return };
    let offer = OFFERS[usize::from(offer) % OFFERS.len()];
    let whole = heard(offer, LONGEST, vec![bytes]);
    assert!(whole.messages.iter().all(|(_, message)| message.len() <= LONGEST));
    for pieces in [pieces(bytes, lengths), bytes.chunks(1).collect()] {
        let cut = heard(offer, LONGEST, pieces);
        assert_eq!(whole.messages, cut.messages);
        // Where several things are wrong with a frame, the first that is seen is told.
        assert_eq!(whole.close.is_some(), cut.close.is_some(), "{whole:?}, {cut:?}");
    }
}

/// The first byte is bits of the window, the next four are lengths of pieces; what follows is a message, sent twice.
pub fn ws_deflate(input: &[u8]) {
    let Some((&[bits], rest)) = input.split_first_chunk() else { return };
    let Some((lengths, bytes)) = rest.split_at_checked(CUTS) else { return };
    let message = Bytes::from(bytes.repeat(4));
    let Some(packed) = pack(&message, 9 + bits % 7) else { return };
    assert!(packed.len() < message.len());
    let (first, second) = packed.split_at(packed.len() / 2);
    let stream = [
        frame(0xc2, &packed),
        frame(0x42, first),
        frame(0x89, b"ping"),
        frame(0x80, second),
        frame(0x88, &1000_u16.to_be_bytes()),
    ]
    .concat();
    let expected = Heard { messages: vec![(false, message.clone()), (false, message)], close: Some(1000) };
    for pieces in [vec![&*stream], pieces(&stream, lengths)] {
        assert_eq!(heard(OFFERS[1], usize::MAX, pieces), expected);
    }
}

/// A masked frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 0x84];
    let mut frame = vec![first, 0xff];
    frame.extend((payload.len() as u64).to_be_bytes());
    if let Ok(short @ ..126) = u8::try_from(payload.len()) {
        frame.truncate(1);
        frame.push(0x80 | short);
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// What a protocol hears, and the client in the end, when these pieces come.
fn heard(offer: Option<&'static str>, longest: usize, pieces: Vec<&[u8]>) -> Heard {
    let mut headers = HeaderMap::new();
    headers.extend(offer.map(|offer| (SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(offer))));
    let deflate = Deflate::agree(&headers);
    assert_eq!(deflate.is_some(), offer.is_some());
    let held = Held { silence: None, deflate, message: longest, frame: longest };
    let mut written = Vec::new();
    let wire = Pieces { pieces: pieces.into_iter(), rests: false, written: &mut written };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let messages = runtime.block_on(async {
        let link = Arc::new(Link::default());
        let mut session = Session::new(Arc::clone(&link));
        let stream = ReadAhead::new(wire, Bytes::new(), longest);
        let mut messages = Vec::new();
        let mut hear = |message| {
            messages.push(match message {
                Message::Text(text) => (true, text.into_bytes()),
                Message::Binary(bytes) => (false, bytes),
            });
        };
        // One message each time that it wakes, so that reading has to wait for it.
        let mut turn = |cx: &mut Context<'_>| {
            session.try_next().map(&mut hear).inspect(|()| cx.waker().wake_by_ref());
        };
        let mut conversation = Conversation::new(stream, link, held).await;
        while poll_fn(|cx| Poll::Ready(conversation.poll(cx, &mut turn))).await.is_pending() {
            if conversation.is_worn() {
                conversation = conversation.renewed().await;
            }
        }
        while let Some(message) = session.try_next() {
            hear(message);
        }
        messages
    });
    Heard { messages, close: close_in(&written) }
}

/// The code in the close among frames that were sent, all of which are short.
fn close_in(mut sent: &[u8]) -> Option<u16> {
    while let [first, length, rest @ ..] = sent {
        let (payload, then) = rest.split_at(usize::from(*length));
        if *first == 0x88 {
            assert!(then.is_empty(), "something follows a close");
            return Some(payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code)));
        }
        sent = then;
    }
    None
}

/// A client that sends pieces, with a rest after each, and then nothing more, and takes all.
struct Pieces<'a> {
    pieces: std::vec::IntoIter<&'a [u8]>,
    rests: bool,
    written: &'a mut Vec<u8>,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.rests) {
            return Poll::Pending;
        }
        // The buffer may be smaller than what is whole.
        if let Some(piece) = self.pieces.as_mut_slice().first_mut() {
            let (now, then) = piece.split_at(piece.len().min(buffer.remaining()));
            buffer.put_slice(now);
            *piece = then;
            if then.is_empty() {
                self.pieces.next();
                self.rests = true;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
