//! A form as it comes: any bytes, cut anywhere. How it is cut makes no difference to what is understood.

use super::multipart::Multipart;
use super::sink::Sink;
use super::urlencoded::UrlEncoded;

/// What is wrong with a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    /// Neither of the two kinds of form.
    #[error("a form is application/x-www-form-urlencoded or multipart/form-data")]
    MediaType,
    /// Multipart, with no boundary that can be used.
    #[error("a multipart form needs a boundary of 1 to 70 characters")]
    Boundary,
    /// Something of a multipart form is not what must stand there.
    #[error("the form cannot be read: a part has no right head, or its boundary no line of its own")]
    Malformed,
    /// A multipart form without its end.
    #[error("the form is cut short")]
    Cut,
    /// See [`super::VALUES`].
    #[error("the values of the form are too long")]
    Values,
    /// See [`super::FILE`].
    #[error("the file is too long")]
    File,
    /// See [`super::FORM`].
    #[error("the form is too long")]
    Form,
}

/// A form that is being read.
pub(super) struct Form {
    kind: Kind,
    /// Bytes that may still come.
    room: usize,
}

enum Kind {
    UrlEncoded(UrlEncoded),
    Multipart(Multipart),
}

impl Form {
    /// A form of a media type, at most `room` bytes long. Without a media type it is taken for an url-encoded one.
    pub(super) fn new(media_type: Option<&[u8]>, room: usize) -> Result<Self, Wrong> {
        Ok(Self { kind: kind(media_type)?, room })
    }

    /// Takes the next bytes.
    pub(super) fn take(&mut self, bytes: &[u8], sink: &mut Sink) -> Result<(), Wrong> {
        let within = &bytes[..bytes.len().min(self.room)];
        self.room -= within.len();
        match &mut self.kind {
            Kind::UrlEncoded(form) => form.take(within, sink)?,
            Kind::Multipart(form) => form.take(within, sink)?,
        }
        if within.len() < bytes.len() { Err(Wrong::Form) } else { Ok(()) }
    }

    /// No more bytes come.
    pub(super) fn end(self, sink: &mut Sink) -> Result<(), Wrong> {
        match self.kind {
            Kind::UrlEncoded(form) => form.end(sink),
            Kind::Multipart(form) => form.end(),
        }
    }
}

fn kind(media_type: Option<&[u8]>) -> Result<Kind, Wrong> {
    let Some(media_type) = media_type else { return Ok(Kind::UrlEncoded(UrlEncoded::default())) };
    let media_type = std::str::from_utf8(media_type).map_err(|_| Wrong::MediaType)?;
    let (essence, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
    let essence = essence.trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(Kind::UrlEncoded(UrlEncoded::default()));
    }
    if !essence.eq_ignore_ascii_case("multipart/form-data") {
        return Err(Wrong::MediaType);
    }
    let boundary = parameter(parameters.as_bytes(), "boundary").ok_or(Wrong::Boundary)?;
    Multipart::new(&boundary).map(Kind::Multipart).ok_or(Wrong::Boundary)
}

/// The first parameter of a name, of a list such as `; name="value"; other=value`, without its quotes.
pub(super) fn parameter(mut list: &[u8], name: &str) -> Option<Vec<u8>> {
    loop {
        let start = list.iter().position(|byte| !matches!(byte, b';' | b' ' | b'\t'))?;
        list = &list[start..];
        let key_end = list.iter().position(|byte| matches!(byte, b'=' | b';')).unwrap_or(list.len());
        let key = list[..key_end].trim_ascii();
        let (value, rest) = match list.get(key_end) {
            Some(b'=') => value(&list[key_end + 1..]),
            _ => (Vec::new(), &list[key_end..]),
        };
        if key.eq_ignore_ascii_case(name.as_bytes()) {
            return Some(value);
        }
        list = rest;
    }
}

/// A value, quoted or not, and what comes after it.
fn value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some((b'"', quoted)) = text.trim_ascii_start().split_first() else {
        let end = text.iter().position(|byte| *byte == b';').unwrap_or(text.len());
        return (text[..end].trim_ascii().to_vec(), &text[end..]);
    };
    let mut value = Vec::new();
    let mut rest = quoted;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => break,
            // Only these two need it. Some browsers of old sent whole Windows paths, with their backslashes bare.
            b'\\' => match rest.split_first() {
                Some((&escaped @ (b'"' | b'\\'), after)) => {
                    value.push(escaped);
                    rest = after;
                }
                _ => value.push(byte),
            },
            _ => value.push(byte),
        }
    }
    (value, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters() {
        for (list, expected) in [
            ("; name=x", Some("x")),
            ("name=\"a;b\"; x=y", Some("a;b")),
            ("; x=\"name=no\"; NAME = \"q\\\"uote\"", Some("q\"uote")),
            ("name=\"C:\\dir\\\\f", Some("C:\\dir\\f")),
            ("; name", Some("")),
            ("; ;; x", None),
            ("", None),
            ("=; name=y", Some("y")),
        ] {
            let found = parameter(list.as_bytes(), "name");
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{list}");
        }
    }
}
