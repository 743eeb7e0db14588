//! HTTP/2 frame by frame (RFC 9113): sends exactly the frames of the test, right or wrong.
//!
//! Headers go out as literals that are neither indexed nor compressed. Of those that come back only the status is
//! looked at, which is the first. The server may put no fields into a table of the connection, so it is an index of the
//! static table (RFC 7541, appendix A) or a literal of its name.

use crate::client::Client;

/// What a client begins with.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Types of frames (RFC 9113, section 6).
pub const DATA: u8 = 0;
#[allow(missing_docs)]
pub const HEADERS: u8 = 1;
#[allow(missing_docs)]
pub const PRIORITY: u8 = 2;
#[allow(missing_docs)]
pub const RST_STREAM: u8 = 3;
#[allow(missing_docs)]
pub const SETTINGS: u8 = 4;
#[allow(missing_docs)]
pub const PUSH_PROMISE: u8 = 5;
#[allow(missing_docs)]
pub const PING: u8 = 6;
#[allow(missing_docs)]
pub const GOAWAY: u8 = 7;
#[allow(missing_docs)]
pub const WINDOW_UPDATE: u8 = 8;
#[allow(missing_docs)]
pub const CONTINUATION: u8 = 9;

/// The setting that bounds the table of fields that answers refer to (RFC 9113, section 6.5.2).
pub const HEADER_TABLE_SIZE: u16 = 1;

/// The flags of HEADERS and DATA, and of answers to SETTINGS and PING.
pub const END_STREAM: u8 = 1;
#[allow(missing_docs)]
pub const ACK: u8 = 1;
#[allow(missing_docs)]
pub const END_HEADERS: u8 = 4;
#[allow(missing_docs)]
pub const PADDED: u8 = 8;
#[allow(missing_docs)]
pub const HAS_PRIORITY: u8 = 32;

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The type.
    pub kind: u8,
    /// The flags.
    pub flags: u8,
    /// The stream; 0 for the connection.
    pub stream: u32,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Whether it is the last of its stream.
    #[must_use]
    pub fn ends_stream(&self) -> bool {
        matches!(self.kind, HEADERS | DATA) && self.flags & END_STREAM != 0
    }

    /// The error code of RST_STREAM and GOAWAY.
    #[must_use]
    pub fn error(&self) -> Option<u32> {
        let at = match self.kind {
            RST_STREAM => 0,
            GOAWAY => 4,
            _ => return None,
        };
        let code = self.payload.get(at..at + 4)?;
        Some(u32::from_be_bytes(code.try_into().ok()?))
    }
}

/// A connection that speaks HTTP/2.
#[derive(Debug)]
pub struct Connection {
    client: Client,
}

impl Connection {
    /// Begins with the preface and these settings, after one that keeps answers readable by themselves.
    #[must_use]
    pub fn open(client: Client, settings: &[(u16, u32)]) -> Self {
        let mut connection = Self { client };
        connection.client.send(PREFACE);
        let all = [&[(HEADER_TABLE_SIZE, 0)], settings].concat();
        connection.send(SETTINGS, 0, 0, &self::settings(&all));
        connection
    }

    /// Takes a client's preface, and begins as its server; `None` if it does not come.
    #[must_use]
    pub fn accept(client: Client) -> Option<Self> {
        let mut connection = Self { client };
        connection.client.take_through(PREFACE)?;
        connection.send(SETTINGS, 0, 0, &[]);
        Some(connection)
    }

    /// Sends a frame.
    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.client.send(frame(kind, flags, stream, payload));
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.client.send(bytes);
    }

    /// Asks for `path` at `a.test`, without content.
    pub fn ask(&mut self, stream: u32, path: &str) {
        self.send(HEADERS, END_STREAM | END_HEADERS, stream, &request("GET", path));
    }

    /// The next frame. Settings are confirmed and pings answered on the way, and given as well. `None`: the
    /// connection has ended.
    ///
    /// # Panics
    /// If neither comes.
    pub fn receive(&mut self) -> Option<Frame> {
        let frame = receive(&mut self.client)?;
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => self.send(SETTINGS, ACK, 0, &[]),
            PING if frame.flags & ACK == 0 => self.send(PING, ACK, 0, &frame.payload),
            _ => {}
        }
        Some(frame)
    }

    /// The next frame for which `is_it` holds; `None`: the connection has ended before.
    pub fn next_that(&mut self, is_it: impl Fn(&Frame) -> bool) -> Option<Frame> {
        loop {
            let frame = self.receive()?;
            if is_it(&frame) {
                return Some(frame);
            }
        }
    }

    /// Status and content of a stream's answer.
    ///
    /// # Panics
    /// If the stream or the connection ends otherwise.
    pub fn answer(&mut self, stream: u32) -> (u16, Vec<u8>) {
        let mut status = None;
        let mut body = Vec::new();
        loop {
            let frame = self.receive().expect("the connection has ended before the answer");
            assert!(frame.kind != GOAWAY || frame.error() == Some(0), "the server refuses: {frame:?}");
            if frame.stream != stream {
                continue;
            }
            match frame.kind {
                HEADERS if status.is_none() => status = Some(status_of(content(frame.flags, &frame.payload))),
                DATA => body.extend_from_slice(content(frame.flags, &frame.payload)),
                RST_STREAM => panic!("the server refuses: {frame:?}"),
                _ => {}
            }
            if frame.ends_stream() {
                return (status.expect("headers come before the end"), body);
            }
        }
    }
}

/// Asks for `path` at `host` on a connection that has not been used, and returns status and content.
///
/// # Panics
/// If the server breaks the protocol, or does not answer.
#[must_use]
pub fn get(client: Client, scheme: &str, host: &str, path: &str) -> (u16, Vec<u8>) {
    let mut connection = Connection::open(client, &[]);
    let fields = [(":method", "GET"), (":scheme", scheme), (":authority", host), (":path", path)];
    connection.send(HEADERS, END_STREAM | END_HEADERS, 1, &block(&fields));
    connection.answer(1)
}

/// The block of a request to `a.test` that has no fields of its own.
#[must_use]
pub fn request(method: &str, path: &str) -> Vec<u8> {
    block(&[(":method", method), (":scheme", "https"), (":authority", "a.test"), (":path", path)])
}

/// A block of fields, each of them a literal.
#[must_use]
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            length(text.len(), &mut block);
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// An integer with a prefix of seven bits (RFC 7541, section 5.1).
fn length(length: usize, block: &mut Vec<u8>) {
    let Some(mut rest) = length.checked_sub(127) else {
        block.push(u8::try_from(length).unwrap());
        return;
    };
    block.push(127);
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}

/// The payload of a SETTINGS frame.
#[must_use]
pub fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    settings
        .iter()
        .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
        .collect()
}

/// A frame as it is sent.
///
/// # Panics
/// If the payload has 16 MiB or more.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    assert_eq!(length[0], 0, "a short frame");
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

fn receive(client: &mut Client) -> Option<Frame> {
    if !client.need(9) {
        assert!(client.has_ended(), "a frame was due; so far: {:?}", client.buffered());
        return None;
    }
    let head = client.take(9);
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    assert!(client.need(length), "a frame is cut short");
    let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
    Some(Frame { kind: head[3], flags: head[4], stream, payload: client.take(length) })
}

/// A frame's payload without padding and priority.
#[must_use]
pub fn content(flags: u8, payload: &[u8]) -> &[u8] {
    let (payload, padding) = match payload.split_first() {
        Some((&padding, rest)) if flags & PADDED != 0 => (rest, usize::from(padding)),
        _ => (payload, 0),
    };
    let start = if flags & HAS_PRIORITY != 0 { 5 } else { 0 };
    &payload[start..payload.len() - padding]
}

/// The status of an answer whose HEADERS frame holds this block.
///
/// # Panics
/// If it is not one of a server that puts it first.
#[must_use]
pub fn status_of(block: &[u8]) -> u16 {
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
