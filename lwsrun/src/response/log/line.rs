//! A line as text: what the request says is written when it comes, and what the answer says is put between.
//!
//! Apache's combined format:
//!
//! ```text
//! ADDRESS - USER [25/Nov/2026:14:45:08 +0100] "METHOD TARGET HTTP/1.1" STATUS BYTES "REFERER" "AGENT"
//! ```
//!
//! JSON, one object a line, without the members that a request has not (here on two lines):
//!
//! ```text
//! {"time":"2026-11-25T14:45:08+01:00","vhost":"a.test","remote":"192.0.2.7","user":"anna","method":"GET","target":"/x?y",
//!  "version":"HTTP/1.1","status":200,"bytes":17,"duration_us":312,"referer":"http://a.test/","agent":"curl/8"}
//! ```
//!
//! Of a websocket that was opened, the protocol stands in brackets behind the target, or as `websocket`. Of what was no
//! request, the first line stands for the request line, or as `request`.

use std::ops::Range;
use std::time::Duration;

use http::header::{REFERER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, Version};
use schemas::plan::LogFormat;

use super::{Target, clock, escape};
use crate::connection::{ConnectionFacts, field_of};
use crate::response::number::{self, ADDRESS, address, decimal};

/// The most bytes of the request line, and of each header, that a line has; the rest is left out.
const LONGEST: usize = 8 << 10;

/// What a usual line comes to, so that it is not moved while it grows.
const USUAL: usize = 320;

/// What the request says, with gaps for what the answer says.
#[derive(Debug)]
pub(super) struct Text {
    bytes: Vec<u8>,
    /// Where the user goes, in place of what stands there.
    user: Range<usize>,
    /// Where the protocol of a websocket goes.
    protocol: usize,
    /// Where status and bytes go.
    answer: usize,
}

/// What the answer says.
#[derive(Debug)]
pub(super) struct Facts<'e> {
    pub(super) status: u16,
    pub(super) bytes: u64,
    pub(super) user: Option<&'e [u8]>,
    pub(super) protocol: Option<&'e str>,
    pub(super) took: Option<Duration>,
}

impl Text {
    /// What a request says.
    pub(super) fn of_request<B>(target: &Target, connection: &ConnectionFacts, request: &Request<B>) -> Self {
        let mut text = Self::begin(target, connection);
        let out = &mut text.bytes;
        let (method, version) = (request.method().as_str().as_bytes(), version(request.version()));
        match target.format {
            LogFormat::Combined => {
                out.extend_from_slice(b" \"");
                // A token (RFC 9110, section 5.6.2): it has nothing to escape.
                out.extend_from_slice(cut(method));
                out.push(b' ');
                write_target(out, request.uri(), request.version(), escape::quoted);
                text.protocol = out.len();
                out.push(b' ');
                out.extend_from_slice(version);
                out.push(b'"');
            }
            LogFormat::Json => {
                member(out, "method", cut(method));
                out.extend_from_slice(b",\"target\":\"");
                write_target(out, request.uri(), request.version(), escape::json);
                out.push(b'"');
                member(out, "version", version);
                text.protocol = out.len();
            }
        }
        let headers = request.headers();
        text.end(target, field(headers, &REFERER), field(headers, &USER_AGENT));
        text
    }

    /// What bytes that became no request say.
    pub(super) fn of_bytes(target: &Target, connection: &ConnectionFacts, head: &[u8]) -> Self {
        let mut text = Self::begin(target, connection);
        let line = head.split(|&byte| matches!(byte, b'\r' | b'\n')).find(|line| !line.is_empty());
        let out = &mut text.bytes;
        match (target.format, line) {
            (LogFormat::Combined, line) => {
                out.extend_from_slice(b" \"");
                escape::quoted(out, cut(line.unwrap_or(b"-")));
                out.push(b'"');
            }
            (LogFormat::Json, Some(line)) => member(out, "request", cut(line)),
            (LogFormat::Json, None) => {}
        }
        text.protocol = text.bytes.len();
        text.end(target, field_of(head, "referer"), field_of(head, "user-agent"));
        text
    }

    /// What stands before the request line.
    fn begin(target: &Target, connection: &ConnectionFacts) -> Self {
        let mut out = Vec::with_capacity(USUAL);
        let peer = connection.peer.map(|peer| peer.ip());
        let second = clock::now();
        let user = match target.format {
            LogFormat::Combined => {
                match peer {
                    Some(peer) => out.extend_from_slice(address(&mut [0; ADDRESS], peer)),
                    None => out.push(b'-'),
                }
                let user = out.len() + 2..out.len() + 4;
                out.extend_from_slice(b" - - ");
                clock::combined(&mut out, second);
                user
            }
            LogFormat::Json => {
                out.extend_from_slice(b"{\"time\":\"");
                clock::rfc_3339(&mut out, second);
                out.push(b'"');
                member(&mut out, "vhost", target.name.as_bytes());
                if let Some(peer) = peer {
                    out.extend_from_slice(b",\"remote\":\"");
                    out.extend_from_slice(address(&mut [0; ADDRESS], peer));
                    out.push(b'"');
                }
                out.len()..out.len()
            }
        };
        Self { bytes: out, user, protocol: 0, answer: 0 }
    }

    /// What stands behind status and bytes.
    fn end(&mut self, target: &Target, referer: Option<&[u8]>, agent: Option<&[u8]>) {
        let out = &mut self.bytes;
        self.answer = out.len();
        match target.format {
            LogFormat::Combined => {
                out.extend_from_slice(b" \"");
                escape::quoted(out, cut(referer.unwrap_or(b"-")));
                out.extend_from_slice(b"\" \"");
                escape::quoted(out, cut(agent.unwrap_or(b"-")));
                out.extend_from_slice(b"\"\n");
            }
            LogFormat::Json => {
                for (name, field) in [("referer", referer), ("agent", agent)] {
                    if let Some(field) = field {
                        member(out, name, cut(field));
                    }
                }
                out.extend_from_slice(b"}\n");
            }
        }
    }

    /// Writes the whole line.
    pub(super) fn write(&self, format: LogFormat, facts: &Facts<'_>, out: &mut Vec<u8>) {
        let Self { bytes, user, protocol, answer } = self;
        if facts.user.is_none() && facts.protocol.is_none() {
            out.extend_from_slice(&bytes[..*answer]);
        } else {
            let before = if facts.user.is_some() { user.start } else { user.end };
            out.extend_from_slice(&bytes[..before]);
            write_user(format, facts.user, out);
            out.extend_from_slice(&bytes[user.end..*protocol]);
            write_protocol(format, facts.protocol, out);
            out.extend_from_slice(&bytes[*protocol..*answer]);
        }
        write_answer(format, facts, out);
        out.extend_from_slice(&bytes[*answer..]);
    }
}

fn write_user(format: LogFormat, user: Option<&[u8]>, out: &mut Vec<u8>) {
    match (format, user) {
        (_, None) => {}
        (LogFormat::Combined, Some(name)) => {
            out.push(b' ');
            escape::bare(out, if name.is_empty() { b"\"\"" } else { cut(name) });
        }
        (LogFormat::Json, Some(name)) => member(out, "user", cut(name)),
    }
}

fn write_protocol(format: LogFormat, protocol: Option<&str>, out: &mut Vec<u8>) {
    match (format, protocol) {
        (_, None) => {}
        (LogFormat::Combined, Some(name)) => {
            out.extend_from_slice(b" (");
            escape::quoted(out, cut(name.as_bytes()));
            out.push(b')');
        }
        (LogFormat::Json, Some(name)) => member(out, "websocket", cut(name.as_bytes())),
    }
}

fn write_answer(format: LogFormat, facts: &Facts<'_>, out: &mut Vec<u8>) {
    match format {
        LogFormat::Combined => {
            out.push(b' ');
            number::status(out, facts.status);
            out.push(b' ');
            match facts.bytes {
                0 => out.push(b'-'),
                bytes => decimal(out, bytes),
            }
        }
        LogFormat::Json => {
            out.extend_from_slice(b",\"status\":");
            number::status(out, facts.status);
            out.extend_from_slice(b",\"bytes\":");
            decimal(out, facts.bytes);
        }
    }
    if let Some(took) = facts.took {
        out.extend_from_slice(b",\"duration_us\":");
        decimal(out, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}

/// The target as it was sent: with the authority only where the client of HTTP/1 sent one.
fn write_target(out: &mut Vec<u8>, uri: &Uri, version: Version, write: fn(&mut Vec<u8>, &[u8])) {
    if version < Version::HTTP_2
        && let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority())
    {
        write(out, scheme.as_bytes());
        out.extend_from_slice(b"://");
        write(out, cut(authority.as_str().as_bytes()));
    }
    write(out, cut(uri.path_and_query().map_or("/", |target| target.as_str()).as_bytes()));
}

/// `,"name":"value"`
fn member(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":\"");
    escape::json(out, value);
    out.push(b'"');
}

fn version(version: Version) -> &'static [u8] {
    match version {
        Version::HTTP_10 => b"HTTP/1.0",
        Version::HTTP_2 => b"HTTP/2.0",
        _ => b"HTTP/1.1",
    }
}

fn field<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    headers.get(name).map(HeaderValue::as_bytes)
}

fn cut(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(LONGEST)]
}
