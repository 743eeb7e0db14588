//! The head that a program's output begins with (RFC 3875, section 6.3): fields, each on a line that ends in LF or CRLF,
//! and an empty line.

use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderName, LOCATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue, StatusCode};

/// The largest head, in bytes.
pub(super) const LARGEST: usize = 32 << 10;

/// The most fields of a head.
pub(super) const MOST_FIELDS: usize = 100;

/// Fields of the connection, which is none of a program's business.
pub(super) const DROPPED: [HeaderName; 7] = [
    CONNECTION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// What a head says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// `Status`, if given.
    pub(super) status: Option<StatusCode>,
    /// `Location`, which is in `fields` too.
    pub(super) location: Option<String>,
    /// `Content-Length`, which is in `fields` too.
    pub(super) length: Option<u64>,
    /// All fields that are sent on.
    pub(super) fields: HeaderMap,
}

/// What is wrong with a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    #[error("it said nothing")]
    Nothing,
    #[error("its output ends before the empty line that ends a head")]
    Cut,
    #[error("its output begins with an empty line, so it has no head")]
    Empty,
    #[error("its head is larger than {LARGEST} bytes")]
    TooLarge,
    #[error("its head has more than {MOST_FIELDS} fields")]
    TooMany,
    #[error("a line of its head is not a name, a colon and a value")]
    NoField,
    #[error("`Status` is not a number from 200 to 599, or is given twice")]
    Status,
    #[error("`Content-Length` is not a number, or is given twice")]
    Length,
    #[error("`Location` is not visible ASCII, or is given twice")]
    Location,
}

/// Where the head ends in what came so far: behind its empty line. `from`: how much was looked at before.
pub(super) fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    if bytes.starts_with(b"\n") || bytes.starts_with(b"\r\n") {
        return Some(0);
    }
    let start = from.saturating_sub(2);
    let ends =
        bytes[start..].iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| start + at + 1);
    ends.into_iter().find_map(|next| match &bytes[next..] {
        [b'\n', ..] => Some(next + 1),
        [b'\r', b'\n', ..] => Some(next + 2),
        _ => None,
    })
}

/// Reads a whole head.
///
/// # Errors
/// What is wrong with it.
pub(super) fn head(bytes: &[u8]) -> Result<Head, Wrong> {
    let mut head = Head::default();
    let mut count = 0;
    for line in bytes.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        count += 1;
        if count > MOST_FIELDS {
            return Err(Wrong::TooMany);
        }
        field(&mut head, line)?;
    }
    if count == 0 { Err(Wrong::Empty) } else { Ok(head) }
}

fn field(head: &mut Head, line: &[u8]) -> Result<(), Wrong> {
    let colon = line.iter().position(|&byte| byte == b':').ok_or(Wrong::NoField)?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    let name = HeaderName::from_bytes(name).map_err(|_| Wrong::NoField)?;
    let value = HeaderValue::from_bytes(value).map_err(|_| Wrong::NoField)?;
    if name == "status" {
        return match head.status.replace(status(value.as_bytes())?) {
            None => Ok(()),
            Some(_) => Err(Wrong::Status),
        };
    }
    if DROPPED.contains(&name) {
        return Ok(());
    }
    if name == CONTENT_LENGTH {
        let text = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let length = text.and_then(|text| text.parse().ok()).ok_or(Wrong::Length)?;
        if head.length.replace(length).is_some() {
            return Err(Wrong::Length);
        }
    }
    if name == LOCATION {
        let location = value.to_str().map_err(|_| Wrong::Location)?;
        if location.is_empty() || head.location.replace(location.to_owned()).is_some() {
            return Err(Wrong::Location);
        }
    }
    head.fields.append(name, value);
    Ok(())
}

/// Three digits, and perhaps a blank and a reason.
fn status(value: &[u8]) -> Result<StatusCode, Wrong> {
    let digits = value.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
    let status = StatusCode::from_bytes(digits).map_err(|_| Wrong::Status)?;
    if (200..600).contains(&status.as_u16()) { Ok(status) } else { Err(Wrong::Status) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn heads_as_programs_write_them() {
        for end in ["\r\n", "\n"] {
            let text = [
                "Content-Type: text/plain",
                "status:404 Gone fishing",
                "X-A:b",
                "x-a: c ",
                "Connection: close",
                "",
                "body\n\n",
            ]
            .join(end);
            let length = end_of_head(text.as_bytes(), 0).unwrap();
            assert_eq!(&text[length..], "body\n\n");
            let head = head(&text.as_bytes()[..length]).unwrap();
            assert_eq!((head.status, head.fields.len()), (Some(StatusCode::NOT_FOUND), 3));
            assert_eq!(head.fields.get_all("x-a").iter().collect::<Vec<_>>(), ["b", "c"]);
        }
        let both = head(b"Location: /x\nContent-Length: 7\n\n").unwrap();
        assert_eq!((both.location.as_deref(), both.length), (Some("/x"), Some(7)));
    }

    #[test]
    fn nonsense_is_told() {
        let many = "a: b\n".repeat(MOST_FIELDS + 1);
        for (text, wrong) in [
            ("\nbody", Wrong::Empty),
            ("just text\n\n", Wrong::NoField),
            ("<html>: x\n\n", Wrong::NoField),
            ("HTTP/1.1 200 OK\n\n", Wrong::NoField),
            (": x\n\n", Wrong::NoField),
            ("a: b\x01\n\n", Wrong::NoField),
            ("a: b\n folded\n\n", Wrong::NoField),
            ("Status: 101 Switching\n\n", Wrong::Status),
            ("Status: OK\n\n", Wrong::Status),
            ("Status: 99999\n\n", Wrong::Status),
            ("Status:\n\n", Wrong::Status),
            ("Status: 200\nStatus: 200\n\n", Wrong::Status),
            ("Content-Length: -1\n\n", Wrong::Length),
            ("Content-Length: 1\nContent-Length: 1\n\n", Wrong::Length),
            ("Content-Length: 99999999999999999999\n\n", Wrong::Length),
            ("Location:\n\n", Wrong::Location),
            ("Location: /\u{e9}\n\n", Wrong::Location),
            (many.as_str(), Wrong::TooMany),
        ] {
            assert_eq!(head(text.as_bytes()), Err(wrong), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn how_a_head_comes_makes_no_difference(
            pieces in prop::collection::vec(prop::sample::select(vec!["a: b", "\n", "\r\n", "\r", "x", ":", "Status: 200", "\n\n"]), 0..12),
            cut in 1..9_usize,
        ) {
            let text = pieces.concat().into_bytes();
            let whole = end_of_head(&text, 0);
            let mut seen = 0;
            let mut found = None;
            for end in (0..=text.len()).step_by(cut).chain([text.len()]) {
                found = end_of_head(&text[..end], seen);
                if found.is_some() {
                    break;
                }
                seen = end;
            }
            prop_assert_eq!(found, whole);
            if let Some(end) = whole {
                let _ = head(&text[..end]);
            }
        }
    }
}
