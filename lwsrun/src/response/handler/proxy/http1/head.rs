//! Heads of answers (RFC 9112, sections 4 to 6): taken out of what came, judged, and made into a status, fields and a framing.
//!
//! Where upstreams may be read in two ways this reads them in none: two lengths, a length beside chunks, codings of the
//! transfer that are not known. Ends of lines may be bare LF, which the section on them allows.

use bytes::BytesMut;
use http::header::{CONTENT_LENGTH, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::chunks::Chunks;
use super::content::Content;
use super::fields::{Fields, NoField};
use crate::response::handler::proxy::hop_by_hop::is_hop_by_hop;

/// The largest head, in bytes.
pub(super) const MAX_HEAD: usize = 64 << 10;

/// The most fields of a head.
const MAX_FIELDS: usize = 100;

/// The fields of a head that there is room for at once.
const USUAL_FIELDS: usize = 12;

/// How every head begins.
const BEGIN: &[u8] = b"HTTP/1.";

/// What an answer's head says.
#[derive(Debug)]
pub(in super::super) struct Head {
    pub(in super::super) status: StatusCode,
    /// Without those that are for one connection only.
    pub(in super::super) headers: HeaderMap,
    /// What protocol is spoken from now on, where the status says so.
    pub(in super::super) upgrade: Option<HeaderValue>,
    pub(super) content: Content,
    /// Whether the connection stays open after the content.
    pub(super) keeps: bool,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum Wrong {
    #[error("it does not begin with `HTTP/1.`")]
    Protocol,
    #[error("its head is larger than {MAX_HEAD} bytes")]
    TooLarge,
    #[error("its head has more than {MAX_FIELDS} fields")]
    TooMany,
    #[error("its status line is not a version, a status of three digits and a reason")]
    StatusLine,
    #[error("a line of its head is not a name, a colon and a value")]
    Field,
    #[error("its `Content-Length` is not one number")]
    Length,
    #[error("it has a `Transfer-Encoding` other than `chunked`")]
    Coding,
    #[error("it has both a `Content-Length` and a `Transfer-Encoding`")]
    TwoLengths,
    #[error("there is no end of interim answers before it")]
    Interim,
    #[error("the size of a chunk is not a hexadecimal number in a line of its own")]
    ChunkSize,
    #[error("a chunk is not as long as its size says")]
    ChunkEnd,
    #[error("its trailers are malformed or too large")]
    Trailers,
}

impl From<NoField> for Wrong {
    fn from(_: NoField) -> Self {
        Self::Field
    }
}

/// Takes a head out of what came, once it is there.
///
/// - `looked_at`: how many bytes were looked at before and held no end of a head; kept for the next time.
/// - `of_head`: whether HEAD was asked, whose answers have no content.
///
/// # Errors
/// What is wrong with it.
pub(super) fn take(
    input: &mut BytesMut,
    looked_at: &mut usize,
    of_head: bool,
) -> Result<Option<Head>, Wrong> {
    let known = input.len().min(BEGIN.len());
    if input[..known] != BEGIN[..known] {
        return Err(Wrong::Protocol);
    }
    let end = end(input, *looked_at);
    if end.unwrap_or(input.len()) > MAX_HEAD {
        return Err(Wrong::TooLarge);
    }
    let Some(end) = end else {
        *looked_at = input.len();
        return Ok(None);
    };
    *looked_at = 0;
    let bytes = input.split_to(end).freeze();
    let mut fields = Fields::new(&bytes);
    let (status, current) = fields.line().and_then(status).ok_or(Wrong::StatusLine)?;
    let mut reading = Reading::new(current);
    for (count, field) in fields.enumerate() {
        if count == MAX_FIELDS {
            return Err(Wrong::TooMany);
        }
        let (name, value) = field?;
        reading.field(name, value)?;
    }
    reading.finish(status, of_head).map(Some)
}

/// A status line: the status, and whether its version is HTTP/1.1, not 1.0. The reason is nobody's business any more.
fn status(line: &[u8]) -> Option<(StatusCode, bool)> {
    let (version, rest) = line.split_at_checked(BEGIN.len() + 2)?;
    let current = match version {
        b"HTTP/1.1 " => true,
        b"HTTP/1.0 " => false,
        _ => return None,
    };
    let (digits, reason) = rest.split_at_checked(3)?;
    let status = StatusCode::from_bytes(digits).ok()?;
    let plain = match reason {
        [] => true,
        [b' ', reason @ ..] => reason.iter().all(|&byte| byte == b'\t' || byte >= b' ' && byte != 0x7f),
        _ => false,
    };
    plain.then_some((status, current))
}

/// Where the head ends in what came so far: behind its empty line.
fn end(bytes: &[u8], looked_at: usize) -> Option<usize> {
    let start = looked_at.saturating_sub(2);
    memchr::memchr_iter(b'\n', &bytes[start..]).find_map(|at| {
        let next = start + at + 1;
        match &bytes[next..] {
            [b'\n', ..] => Some(next + 1),
            [b'\r', b'\n', ..] => Some(next + 2),
            _ => None,
        }
    })
}

/// What the fields so far say.
struct Reading {
    headers: HeaderMap,
    upgrade: Option<HeaderValue>,
    length: Option<u64>,
    chunked: bool,
    /// HTTP/1.1, not 1.0: it knows chunks, and keeps connections unless it says otherwise.
    current: bool,
    keeps: bool,
    closes: bool,
    /// Fields that `Connection` names.
    named: Vec<HeaderName>,
}

impl Reading {
    fn new(current: bool) -> Self {
        Self {
            headers: HeaderMap::with_capacity(USUAL_FIELDS),
            upgrade: None,
            length: None,
            chunked: false,
            current,
            keeps: current,
            closes: false,
            named: Vec::new(),
        }
    }

    fn field(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), Wrong> {
        match name.as_str() {
            "content-length" => {
                let length = length(value.as_bytes()).ok_or(Wrong::Length)?;
                if self.length.replace(length).is_some_and(|other| other != length) {
                    return Err(Wrong::Length);
                }
                self.headers.insert(name, value);
            }
            "transfer-encoding" => {
                let known = value.as_bytes().eq_ignore_ascii_case(b"chunked");
                if !known || self.chunked || !self.current {
                    return Err(Wrong::Coding);
                }
                self.chunked = true;
            }
            "connection" => self.connection(&value),
            "upgrade" => self.upgrade = Some(value),
            _ if is_hop_by_hop(&name) => {}
            _ => {
                self.headers.append(name, value);
            }
        }
        Ok(())
    }

    fn connection(&mut self, value: &HeaderValue) {
        for word in value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            if word.eq_ignore_ascii_case(b"close") {
                self.closes = true;
            } else if word.eq_ignore_ascii_case(b"keep-alive") {
                self.keeps = true;
            } else if let Ok(name) = HeaderName::from_bytes(word) {
                self.named.push(name);
            }
        }
    }

    fn finish(mut self, status: StatusCode, of_head: bool) -> Result<Head, Wrong> {
        // A length is for every connection, whatever is said about it.
        for name in self.named.iter().filter(|name| **name != CONTENT_LENGTH) {
            self.headers.remove(name);
        }
        let empty = of_head || status.is_informational() || matches!(status.as_u16(), 204 | 304);
        let content = match (self.length, self.chunked) {
            (Some(_), true) => return Err(Wrong::TwoLengths),
            _ if empty => Content::Ended,
            (None, true) => Content::Chunked(Chunks::default()),
            (Some(0), false) => Content::Ended,
            (Some(length), false) => Content::Length(length),
            (None, false) => Content::ToTheEnd,
        };
        if status == StatusCode::NO_CONTENT {
            self.headers.remove(CONTENT_LENGTH);
        }
        let keeps = self.keeps && !self.closes && !matches!(content, Content::ToTheEnd);
        Ok(Head { status, headers: self.headers, upgrade: self.upgrade, content, keeps })
    }
}

/// One number of digits.
fn length(value: &[u8]) -> Option<u64> {
    let digits =
        std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Head>, Wrong> {
        take(&mut text.into(), &mut 0, false)
    }

    fn head(text: &str) -> Head {
        read(text).unwrap().unwrap()
    }

    #[test]
    fn what_is_for_one_connection_stays_with_it() {
        let head = head(
            "HTTP/1.1 200 OK\r\nConnection: x-hop, content-length\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nContent-Length: 3\r\n\
             Upgrade: h2c\r\nX-Kept: \u{e9}\r\nX-Kept: 2\r\nEmpty:\r\nProxy-Authenticate: x\r\n\r\n",
        );
        let mut fields: Vec<_> =
            head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        fields.sort_unstable();
        let kept: &[(&str, &[u8])] =
            &[("content-length", b"3"), ("empty", b""), ("x-kept", b"2"), ("x-kept", "\u{e9}".as_bytes())];
        assert_eq!(fields, kept);
    }

    #[test]
    fn where_content_ends() {
        for (text, content, keeps) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", Content::Length(3), true),
            ("HTTP/1.1 200\nContent-Length: 3\n\n", Content::Length(3), true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", Content::Length(3), true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Content::Ended, true),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\nConnection: Close\r\n\r\n",
                Content::Length(3),
                false,
            ),
            ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", Content::Length(3), false),
            (
                "HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: Keep-Alive\r\n\r\n",
                Content::Length(3),
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
                Content::Chunked(Chunks::default()),
                true,
            ),
            ("HTTP/1.1 200 OK\r\n\r\n", Content::ToTheEnd, false),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", Content::Ended, true),
            ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", Content::Ended, true),
        ] {
            let head = head(text);
            assert_eq!((head.content, head.keeps), (content, keeps), "{text:?}");
        }
        let asked = take(&mut "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n".into(), &mut 0, true);
        let head = asked.unwrap().unwrap();
        assert_eq!((head.content, &head.headers[CONTENT_LENGTH]), (Content::Ended, &HeaderValue::from(3)));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MAX_FIELDS + 1));
        let large = format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "x".repeat(MAX_HEAD));
        for (text, wrong) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", Wrong::Length),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\n", Wrong::Length),
            ("HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\n", Wrong::Length),
            ("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", Wrong::Length),
            ("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n", Wrong::Length),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", Wrong::TwoLengths),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Wrong::Coding),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", Wrong::Coding),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                Wrong::Coding,
            ),
            ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Wrong::Coding),
            ("HTTP/1.1 200 OK\r\na: b\r\n folded\r\n\r\n", Wrong::Field),
            ("HTTP/1.1 200 OK\r\n a: b\r\n\r\n", Wrong::Field),
            ("HTTP/1.1 200 OK\r\na : b\r\n\r\n", Wrong::Field),
            ("HTTP/1.1 200 OK\r\na: b\rc: d\r\n\r\n", Wrong::Field),
            ("HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n", Wrong::Field),
            ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", Wrong::Field),
            ("HTTP/1.1 20 OK\r\n\r\n", Wrong::StatusLine),
            ("HTTP/1.1 099 Low\r\n\r\n", Wrong::StatusLine),
            ("HTTP/1.2 200 OK\r\n\r\n", Wrong::StatusLine),
            ("HTTP/1.1 2000 OK\r\n\r\n", Wrong::StatusLine),
            ("HTTP/1.1  200 OK\r\n\r\n", Wrong::StatusLine),
            ("HTTP/1.1 200 O\rK\r\n\r\n", Wrong::StatusLine),
            ("HTTP/1.1 200 OK\r\na: b\r\r\n\r\n", Wrong::Field),
            ("HTTP/1.1 200 OK\r\n: b\r\n\r\n", Wrong::Field),
            ("\r\nHTTP/1.1 200 OK\r\n\r\n", Wrong::Protocol),
            ("HTTP/2 200 OK\r\n\r\n", Wrong::Protocol),
            ("SSH-2.0", Wrong::Protocol),
            (&many, Wrong::TooMany),
            (&large, Wrong::TooLarge),
            (&large[..=MAX_HEAD], Wrong::TooLarge),
        ] {
            assert_eq!(read(text).err(), Some(wrong), "{:?}", &text[..text.len().min(99)]);
        }
    }

    #[test]
    fn a_head_may_come_in_pieces() {
        let text = "HTTP/1.1 200 OK\r\na: b\r\n\r\nrest";
        let (mut input, mut looked_at) = (BytesMut::new(), 0);
        let mut found = None;
        for (at, byte) in text.bytes().enumerate() {
            input.extend_from_slice(&[byte]);
            if let Some(head) = take(&mut input, &mut looked_at, false).unwrap() {
                found = Some((at + 1, head.headers.len()));
                break;
            }
        }
        assert_eq!(found, Some((text.len() - "rest".len(), 1)));
        assert!(input.is_empty() && looked_at == 0);
    }
}
