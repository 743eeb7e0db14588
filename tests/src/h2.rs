//! Just enough HTTP/2 for one request (RFC 9113): a preface, one HEADERS frame, and the answer's status and content.
//!
//! Headers go out as literals that are neither indexed nor compressed; of those that come back only the status is
//! looked at, which is the first, as an index of the static table (RFC 7541, appendix A) or a literal of its name.

use crate::client::Client;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 32;

/// Asks for `path` at `host` on a connection that has not been used, and returns status and content.
///
/// # Panics
/// If the server breaks the protocol, or does not answer.
pub fn get(client: &mut Client, scheme: &str, host: &str, path: &str) -> (u16, Vec<u8>) {
    client.send(PREFACE);
    client.send(frame(SETTINGS, 0, 0, &[]));
    let mut block = Vec::new();
    for (name, value) in [(":method", "GET"), (":scheme", scheme), (":authority", host), (":path", path)] {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).ok().filter(|&length| length < 127).expect("a short text"));
            block.extend_from_slice(text.as_bytes());
        }
    }
    client.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, &block));
    let mut status = None;
    let mut body = Vec::new();
    loop {
        let (kind, flags, stream, payload) = next(client);
        match (kind, stream) {
            (SETTINGS, 0) if flags & 1 == 0 => client.send(frame(SETTINGS, 1, 0, &[])),
            (HEADERS, 1) if status.is_none() => status = Some(status_of(content(flags, &payload))),
            (DATA, 1) => body.extend_from_slice(content(flags, &payload)),
            (RST_STREAM | GOAWAY, _) => panic!("the server refuses: frame {kind}, {payload:?}"),
            _ => {}
        }
        if stream == 1 && matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 {
            return (status.expect("headers come before the end"), body);
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

fn next(client: &mut Client) -> (u8, u8, u32, Vec<u8>) {
    assert!(client.need(9), "a frame was due; so far: {:?}", client.buffered());
    let head = client.take(9);
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    assert!(client.need(length), "a frame is cut short");
    let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
    (head[3], head[4], stream, client.take(length))
}

/// A frame's payload without padding and priority.
fn content(flags: u8, payload: &[u8]) -> &[u8] {
    let (payload, padding) = match payload.split_first() {
        Some((&padding, rest)) if flags & PADDED != 0 => (rest, usize::from(padding)),
        _ => (payload, 0),
    };
    let start = if flags & PRIORITY != 0 { 5 } else { 0 };
    &payload[start..payload.len() - padding]
}

fn status_of(block: &[u8]) -> u16 {
    // A dynamic table size update may come first.
    let block = if block[0] & 0xe0 == 0x20 { &block[1..] } else { block };
    match block[0] {
        0x88 => 200,
        0x89 => 204,
        0x8a => 206,
        0x8b => 304,
        0x8c => 400,
        0x8d => 404,
        0x8e => 500,
        // A literal with the name of entry 8, its value three digits, plain or in the Huffman code, in which the
        // digits 0, 1 and 2 have five bits and the others six.
        _ if block[1] & 0x80 == 0 => {
            std::str::from_utf8(&block[2..5]).expect("digits").parse().expect("a status is a number")
        }
        _ => digits(&block[2..2 + usize::from(block[1] & 0x7f)]),
    }
}

fn digits(huffman: &[u8]) -> u16 {
    let bit = |at: usize| u16::from(huffman[at / 8] >> (7 - at % 8) & 1);
    let bits = |at: usize, count: usize| (at..at + count).fold(0, |value, at| value << 1 | bit(at));
    let mut at = 0;
    let mut number = 0;
    for _ in 0..3 {
        let (digit, length) = match bits(at, 5) {
            short @ 0..=2 => (short, 5),
            _ => (bits(at, 6) - 0x19 + 3, 6),
        };
        number = number * 10 + digit;
        at += length;
    }
    number
}
