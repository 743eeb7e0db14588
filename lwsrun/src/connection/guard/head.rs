//! The head of a request, judged line by line (RFC 9112, sections 2 to 6).
//!
//! Where the RFC lets a server choose between repairing and refusing, this refuses: a message that two servers in a
//! chain read differently is how requests are smuggled. What is let through here is read by hyper in the same way;
//! the tests compare the two.

use memchr::{memchr, memrchr};

use super::fault::Fault;
use crate::response::error::Refusal;

/// The longest method, in bytes; a longer one is answered 501 (RFC 9112, section 3).
const MAX_METHOD: usize = 24;

/// The most digits of a Content-Length that need no look for overflow.
const MAX_DIGITS: usize = 18;

/// How the body of a message ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes; 0 for none.
    Length(u64),
    /// With its last chunk.
    Chunked,
}

/// What a head has said so far.
#[derive(Debug, Default)]
pub(super) struct Head {
    begun: bool,
    /// Empty lines before the request line.
    empty: bool,
    http_10: bool,
    /// The authority of a target in absolute form.
    authority: Option<Box<[u8]>>,
    fields: usize,
    host: bool,
    length: Option<u64>,
    chunked: bool,
    /// Whether it asks for another protocol, so that what follows it may not be HTTP.
    pub(super) upgrade: bool,
}

impl Head {
    /// Whether the request line was seen.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Judges one line, given without its LF, of a head of at most `most` fields. `Some` at the end of the head.
    ///
    /// # Errors
    /// What is wrong with the line, or with the head as a whole.
    pub(super) fn line(&mut self, line: &[u8], most: usize) -> Result<Option<Framing>, Fault> {
        let Some((b'\r', line)) = line.split_last() else {
            return Err(Fault::bad("a line ends in a bare LF"));
        };
        match (self.begun, line) {
            (false, []) if self.empty => Err(Fault::bad("there are empty lines before the request")),
            // One is allowed (RFC 9112, section 2.2).
            (false, []) => {
                self.empty = true;
                Ok(None)
            }
            (false, line) => {
                self.begun = true;
                self.request_line(line).map(|()| None)
            }
            (true, []) => self.end().map(Some),
            (true, line) => self.field(line, most).map(|()| None),
        }
    }

    fn request_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        let Some((method, target, version)) = words(line) else {
            return Err(Fault::bad("the request line is not a method, a target and a version"));
        };
        if method.is_empty() || !method.iter().all(|&byte| is_token(byte)) {
            return Err(Fault::bad("the method is not a token"));
        }
        self.http_10 = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                return Err(Fault::of(
                    Refusal::VersionNotSupported,
                    "the version of HTTP is neither 1.0 nor 1.1",
                ));
            }
            _ => return Err(Fault::bad("the version is not one of HTTP")),
        };
        if method.len() > MAX_METHOD {
            return Err(Fault::of(Refusal::NotImplemented, "the method is too long to be known"));
        }
        if method == b"CONNECT" {
            return Err(Fault::of(Refusal::NotImplemented, "this is not a proxy for tunnels"));
        }
        self.target(method, target)
    }

    /// RFC 9112, section 3.2.
    fn target(&mut self, method: &[u8], target: &[u8]) -> Result<(), Fault> {
        const BAD: Fault = Fault::bad("the target holds what no target may");
        let path = match target {
            [b'/', ..] => target,
            b"*" if method == b"OPTIONS" => return Ok(()),
            _ => {
                let rest = after_scheme(target).ok_or(Fault::bad("the target is neither path nor URL"))?;
                let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                if authority.is_empty() || !is_host(authority) {
                    return Err(Fault::bad("the target names no valid host"));
                }
                self.authority = Some(authority.into());
                path
            }
        };
        // One pass: what ends the path is a query, or does not belong.
        match path.iter().position(|&byte| !is_path(byte)) {
            None => Ok(()),
            Some(end) if path[end] == b'?' && path[end..].iter().all(|&byte| is_query(byte)) => Ok(()),
            Some(_) => Err(BAD),
        }
    }

    fn field(&mut self, line: &[u8], most: usize) -> Result<(), Fault> {
        self.fields += 1;
        if self.fields > most {
            return Err(Fault::of(Refusal::FieldsTooLarge, "the head has too many fields"));
        }
        let (name, value) = split_field(line)?;
        // The lengths of the names that matter tell most others apart at once.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host(value),
            6 if name.eq_ignore_ascii_case(b"expect") => expect(value),
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.upgrade = true;
                Ok(())
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.content_length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.transfer_encoding(value),
            14 | 17 if is_framing_in_disguise(name) => {
                Err(Fault::bad("a field is spelt almost like one that frames the message"))
            }
            _ => Ok(()),
        }
    }

    fn host(&mut self, value: &[u8]) -> Result<(), Fault> {
        if self.host {
            return Err(Fault::bad("there are several Host fields"));
        }
        self.host = true;
        if !is_host(value) {
            return Err(Fault::bad("Host is not a host"));
        }
        match &self.authority {
            Some(authority) if !authority.eq_ignore_ascii_case(value) => {
                Err(Fault::bad("Host is not the host of the target"))
            }
            Some(_) => Ok(()),
            None if value.is_empty() => Err(Fault::bad("Host is empty")),
            None => Ok(()),
        }
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), Fault> {
        if self.length.is_some() {
            return Err(Fault::bad("there are several Content-Length fields"));
        }
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(Fault::bad("Content-Length is not a number"));
        }
        if value.len() > MAX_DIGITS {
            return Err(Fault::of(Refusal::ContentTooLarge, "Content-Length is beyond all that is possible"));
        }
        self.length = Some(value.iter().fold(0, |length, &digit| length * 10 + u64::from(digit - b'0')));
        Ok(())
    }

    /// `chunked` and nothing else. A list of codings that ends in `chunked` is legal, so it is 501; without a last
    /// `chunked` nobody knows where the body ends, so it is 400 (RFC 9112, section 6.3).
    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Fault> {
        if self.chunked {
            return Err(Fault::bad("there are several Transfer-Encoding fields"));
        }
        self.chunked = true;
        if value.eq_ignore_ascii_case(b"chunked") {
            return Ok(());
        }
        let mut codings = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).rev();
        let chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
        let legal = |coding: &[u8]| !coding.is_empty() && coding.iter().all(|&byte| is_token(byte));
        if codings.next().is_some_and(chunked) && codings.all(|coding| legal(coding) && !chunked(coding)) {
            Err(Fault::of(Refusal::NotImplemented, "the only transfer coding here is `chunked`"))
        } else {
            Err(Fault::bad("Transfer-Encoding does not say where the body ends"))
        }
    }

    fn end(&self) -> Result<Framing, Fault> {
        if !self.host && !self.http_10 {
            return Err(Fault::bad("Host is missing"));
        }
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(Fault::bad("there are both Content-Length and Transfer-Encoding")),
            // RFC 9112, section 6.1: its framing is faulty.
            (true, None) if self.http_10 => Err(Fault::bad("version 1.0 has no Transfer-Encoding")),
            (true, None) => Ok(Framing::Chunked),
            (false, length) => Ok(Framing::Length(length.unwrap_or(0))),
        }
    }
}

/// Method, target and version of a request line: three words, a blank between each two.
fn words(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (first, last) = (memchr(b' ', line)?, memrchr(b' ', line)?);
    let target = line.get(first + 1..last)?;
    memchr(b' ', target).is_none().then(|| (&line[..first], target, &line[last + 1..]))
}

/// Name and value of a field line, the blanks around the value taken off.
///
/// # Errors
/// A line that is folded, has no colon, a name that is not a token, or a control character in its value.
pub(super) fn split_field(line: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let Some(colon) = line.iter().position(|&byte| !is_token(byte)) else {
        return Err(Fault::bad("a field has no colon"));
    };
    let (name, value) = line.split_at(colon);
    match (name, value) {
        ([], [b' ' | b'\t', ..]) => Err(Fault::bad("a field is folded")),
        ([], _) => Err(Fault::bad("a field has no name")),
        (_, [b':', value @ ..]) if is_clean(value) => Ok((name, trim(value))),
        (_, [b':', ..]) => Err(Fault::bad("the value of a field holds a control character")),
        _ => Err(Fault::bad("the name of a field is not a token")),
    }
}

/// Whether a byte may stand in a token (RFC 9110, section 5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    has(byte, TOKEN)
}

/// Whether a byte may stand in the value of a field (RFC 9110, section 5.5).
pub(super) fn is_value(byte: u8) -> bool {
    has(byte, VALUE)
}

/// Whether all of a value may stand in a field. Without a way out at the first bad byte, so that many are looked at
/// at once.
fn is_clean(value: &[u8]) -> bool {
    !value.iter().fold(false, |bad, &byte| bad | (byte < b' ' && byte != b'\t') | (byte == 0x7f))
}

fn is_path(byte: u8) -> bool {
    has(byte, PATH)
}

fn is_query(byte: u8) -> bool {
    has(byte, QUERY)
}

/// Only `100-continue` is known; a server that passes others over leaves the client waiting for something else.
fn expect(value: &[u8]) -> Result<(), Fault> {
    if value.eq_ignore_ascii_case(b"100-continue") {
        Ok(())
    } else {
        Err(Fault::of(Refusal::ExpectationFailed, "the only expectation here is `100-continue`"))
    }
}

/// Whether a name becomes that of a framing field where `_` is read as `-`, as CGI does.
fn is_framing_in_disguise(name: &[u8]) -> bool {
    let same = |known: &[u8]| {
        name.iter()
            .zip(known)
            .all(|(&byte, &k)| byte.to_ascii_lowercase() == k || (byte == b'_' && k == b'-'))
    };
    match name.len() {
        14 => same(b"content-length"),
        17 => same(b"transfer-encoding"),
        _ => false,
    }
}

fn after_scheme(target: &[u8]) -> Option<&[u8]> {
    let after = |scheme: &[u8]| {
        let (head, rest) = target.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    after(b"http://").or_else(|| after(b"https://"))
}

/// A host with or without a port (RFC 3986, section 3.2.2); it may be empty.
pub(super) fn is_host(value: &[u8]) -> bool {
    let port = match value.strip_prefix(b"[") {
        Some(rest) => {
            let Some(end) = rest.iter().position(|&byte| byte == b']') else { return false };
            let (address, rest) = rest.split_at(end);
            let legal = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
            if address.is_empty() || !address.iter().all(legal) {
                return false;
            }
            match rest {
                [b']'] => return true,
                [b']', b':', port @ ..] => port,
                _ => return false,
            }
        }
        None => match value.iter().position(|&byte| !has(byte, HOST)) {
            None => return true,
            Some(colon) if value[colon] == b':' => &value[colon + 1..],
            Some(_) => return false,
        },
    };
    let is_port = port.len() <= 5 && port.iter().all(u8::is_ascii_digit);
    is_port && (port.is_empty() || value.len() > port.len() + 1)
}

/// Takes off the blanks around a value (RFC 9110, section 5.6.3).
fn trim(value: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(start) = value.iter().position(|byte| !blank(byte)) else { return &[] };
    let end = value.iter().rposition(|byte| !blank(byte)).unwrap_or(start);
    &value[start..=end]
}

const TOKEN: u8 = 1;
const VALUE: u8 = 2;
const PATH: u8 = 4;
const QUERY: u8 = 8;
const HOST: u8 = 16;

/// What each byte may stand in.
static CLASSES: [u8; 256] = classes();

fn has(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut index = 0;
    while index < 256 {
        // The index is below 256.
        #[allow(clippy::cast_possible_truncation, reason = "the index is below 256")]
        let byte = index as u8;
        let mut class = 0;
        if is_alphanumeric_or(byte, b"!#$%&'*+-.^_`|~") {
            class |= TOKEN;
        }
        if byte == b'\t' || (byte >= b' ' && byte != 0x7f) {
            class |= VALUE;
        }
        // Browsers send `^`, `|`, `{`, `}` and brackets as they are; a backslash is a slash to some.
        if is_alphanumeric_or(byte, b"-._~!$&'()*+,;=:@/%^|{}[]") {
            class |= PATH;
        }
        if is_alphanumeric_or(byte, b"-._~!$&'()*+,;=:@/%^|{}[]?`\\") {
            class |= QUERY;
        }
        if is_alphanumeric_or(byte, b"-._~!$&'()*+,;=%") {
            class |= HOST;
        }
        classes[index] = class;
        index += 1;
    }
    classes
}

const fn is_alphanumeric_or(byte: u8, others: &[u8]) -> bool {
    let mut index = 0;
    while index < others.len() {
        if others[index] == byte {
            return true;
        }
        index += 1;
    }
    byte.is_ascii_alphanumeric()
}
