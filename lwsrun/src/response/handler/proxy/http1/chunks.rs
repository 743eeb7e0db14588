//! Chunked content (RFC 9112, section 7.1), taken out of what came.
//!
//! Lines end in CRLF and hold no other CR; blanks may follow a size, as some servers write them.

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::Frame;

use super::fields::Fields;
use super::head::Wrong;
use crate::response::handler::proxy::trailers::is_allowed;

/// The longest line of a size with its extensions, in bytes.
const MAX_LINE: usize = 4 << 10;

/// The most digits of a size: more bytes than any disk has, and no overflow of a signed number.
const MAX_DIGITS: usize = 15;

/// The most bytes of all trailers together.
const MAX_TRAILERS: usize = 16 << 10;

/// The most trailers.
const MAX_FIELDS: usize = 64;

/// Where in chunked content the next byte stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Chunks {
    /// At a size.
    #[default]
    Size,
    /// In a chunk of which so many bytes are left, at least one.
    Data(u64),
    /// Behind the data of a chunk.
    DataEnd,
    /// Behind the last chunk.
    Trailers,
    Ended,
}

impl Chunks {
    /// Takes the next piece, or the trailers; `None` if there is nothing (yet).
    ///
    /// # Errors
    /// What is wrong with the content.
    pub(super) fn take(&mut self, input: &mut BytesMut) -> Result<Option<Frame<Bytes>>, Wrong> {
        loop {
            match self {
                Self::Size => {
                    let Some(size) = take_size(input)? else { return Ok(None) };
                    *self = if size == 0 { Self::Trailers } else { Self::Data(size) };
                }
                Self::Data(left) => {
                    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                    if count == 0 {
                        return Ok(None);
                    }
                    *left -= count as u64;
                    if *left == 0 {
                        *self = Self::DataEnd;
                    }
                    return Ok(Some(Frame::data(input.split_to(count).freeze())));
                }
                Self::DataEnd => {
                    let known = input.len().min(2);
                    if input[..known] != b"\r\n"[..known] {
                        return Err(Wrong::ChunkEnd);
                    }
                    if known < 2 {
                        return Ok(None);
                    }
                    input.advance(2);
                    *self = Self::Size;
                }
                Self::Trailers => {
                    let Some(trailers) = take_trailers(input)? else { return Ok(None) };
                    *self = Self::Ended;
                    return Ok((!trailers.is_empty()).then(|| Frame::trailers(trailers)));
                }
                Self::Ended => return Ok(None),
            }
        }
    }

    pub(super) fn is_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }
}

/// Takes a line with the size of a chunk, once it is there.
fn take_size(input: &mut BytesMut) -> Result<Option<u64>, Wrong> {
    let within = &input[..input.len().min(MAX_LINE)];
    let Some(end) = memchr::memchr(b'\n', within) else {
        // What cannot become a size is told at once.
        let ok = within.len() < MAX_LINE && within.first().is_none_or(u8::is_ascii_hexdigit);
        return if ok { Ok(None) } else { Err(Wrong::ChunkSize) };
    };
    let line = within[..end].strip_suffix(b"\r").ok_or(Wrong::ChunkSize)?;
    let size = size(line).ok_or(Wrong::ChunkSize)?;
    input.advance(end + 1);
    Ok(Some(size))
}

/// A size, blanks, and extensions that nobody asked for.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (number, rest) = line.split_at_checked(digits).filter(|_| (1..=MAX_DIGITS).contains(&digits))?;
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let plain = match &rest[blanks..] {
        [] => true,
        [b';', extensions @ ..] => !extensions.contains(&b'\r'),
        _ => false,
    };
    let number = std::str::from_utf8(number).ok().filter(|_| plain)?;
    u64::from_str_radix(number, 16).ok()
}

/// Takes all trailers and the empty line behind them, once they are there. Those that must not be trailers are left out.
fn take_trailers(input: &mut BytesMut) -> Result<Option<HeaderMap>, Wrong> {
    let known = input.len().min(2);
    if input[..known] == b"\r\n"[..known] {
        input.advance(if known == 2 { 2 } else { 0 });
        return Ok((known == 2).then(HeaderMap::new));
    }
    let within = &input[..input.len().min(MAX_TRAILERS)];
    let Some(end) = memchr::memmem::find(within, b"\r\n\r\n") else {
        return if within.len() < MAX_TRAILERS { Ok(None) } else { Err(Wrong::Trailers) };
    };
    let bytes = input.split_to(end + 4).freeze();
    // Heads may have bare LF, which old servers write; those know no trailers.
    if memchr::memchr_iter(b'\n', &bytes).any(|at| at == 0 || bytes[at - 1] != b'\r') {
        return Err(Wrong::Trailers);
    }
    let mut fields = Fields::new(&bytes);
    let mut trailers = HeaderMap::new();
    for (count, field) in fields.by_ref().enumerate() {
        let (name, value) = field.ok().filter(|_| count < MAX_FIELDS).ok_or(Wrong::Trailers)?;
        if is_allowed(&name) {
            trailers.append(name, value);
        }
    }
    if fields.is_at_end() { Ok(Some(trailers)) } else { Err(Wrong::Trailers) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data, and the trailers.
    fn read(text: &str) -> Result<Option<(String, HeaderMap)>, Wrong> {
        let (mut input, mut chunks) = (BytesMut::from(text), Chunks::default());
        let (mut data, mut trailers) = (Vec::new(), HeaderMap::new());
        while let Some(frame) = chunks.take(&mut input)? {
            match frame.into_data() {
                Ok(piece) => data.extend_from_slice(&piece),
                Err(frame) => trailers = frame.into_trailers().unwrap(),
            }
        }
        assert!(!chunks.is_ended() || input.is_empty(), "all of it was meant to be content");
        Ok(chunks.is_ended().then(|| (String::from_utf8(data).unwrap(), trailers)))
    }

    #[test]
    fn chunks_as_servers_write_them() {
        for text in [
            "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            "003\r\nabc\r\n000\r\n\r\n",
            "3 \t \r\nabc\r\n0  \r\n\r\n",
            "3;a=b;c=\"d\"\r\nabc\r\n0 ;e\r\n\r\n",
        ] {
            assert_eq!(read(text), Ok(Some(("abc".to_owned(), HeaderMap::new()))), "{text:?}");
        }
        let hex = format!("aB\r\n{}\r\n0\r\n\r\n", "x".repeat(0xab));
        assert_eq!(read(&hex).unwrap().unwrap().0.len(), 0xab);
    }

    #[test]
    fn trailers_are_kept_but_for_those_that_frame() {
        let text = "0\r\nx-sum: 7\r\nContent-Length: 8\r\nConnection: close\r\nX-Sum: 8\r\n\r\n";
        let (_, trailers) = read(text).unwrap().unwrap();
        assert_eq!(trailers.len(), 2);
        assert_eq!(trailers.get_all("x-sum").iter().collect::<Vec<_>>(), ["7", "8"]);
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let extension = format!("1;{}\r\na\r\n", "x".repeat(MAX_LINE));
        let large = format!("0\r\nx: {}\r\n\r\n", "x".repeat(MAX_TRAILERS));
        let many = format!("0\r\n{}\r\n", "x: y\r\n".repeat(MAX_FIELDS + 1));
        for (text, wrong) in [
            ("\r\n", Wrong::ChunkSize),
            ("x", Wrong::ChunkSize),
            (" 1\r\na", Wrong::ChunkSize),
            ("-1\r\na", Wrong::ChunkSize),
            ("0x1\r\na", Wrong::ChunkSize),
            ("1\na", Wrong::ChunkSize),
            ("1\r\r\na", Wrong::ChunkSize),
            ("1 \r\r\na", Wrong::ChunkSize),
            ("1;a\rb\r\na", Wrong::ChunkSize),
            ("1;a\nb\r\na", Wrong::ChunkSize),
            ("1 2\r\na", Wrong::ChunkSize),
            ("1000000000000000\r\na", Wrong::ChunkSize),
            (&extension, Wrong::ChunkSize),
            ("1\r\nab", Wrong::ChunkEnd),
            ("1\r\na\n", Wrong::ChunkEnd),
            ("1\r\na\rx", Wrong::ChunkEnd),
            ("0\r\nno colon\r\n\r\n", Wrong::Trailers),
            ("0\r\na: b\n\nc: d\r\n\r\n", Wrong::Trailers),
            ("0\r\na: b\nc: d\r\n\r\n", Wrong::Trailers),
            ("0\r\na: b\r\n folded\r\n\r\n", Wrong::Trailers),
            (&large, Wrong::Trailers),
            (&many, Wrong::Trailers),
        ] {
            assert_eq!(read(text), Err(wrong), "{:?}", &text[..text.len().min(99)]);
        }
    }

    #[test]
    fn chunks_that_are_not_whole_yet_are_waited_for() {
        let text = "2;x\r\nab\r\n0\r\na: b\r\n\r\n";
        for end in 0..text.len() {
            assert_eq!(read(&text[..end]), Ok(None), "{end}");
        }
        assert!(read(text).unwrap().is_some());
    }
}
