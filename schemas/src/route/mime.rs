//! File name to Content-Type.
//!
//! Order: `extra-mimetypes` in config order, the built-in table, the `*` of `extra-mimetypes`. What none of them
//! knows is not served: the safety that the documentation of lwsws promises. Suffixes match in any case.

use crate::plan::Mime;

/// The Content-Type of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentType<'a> {
    /// This media type.
    Type(&'a str),
    /// Served without Content-Type (`"*": ""`).
    Absent,
    /// No table knows it: 415.
    Unknown,
}

/// The types that lwsws knows, by the end of the file name.
const BUILT_IN: [(&str, &str); 21] = [
    (".html", "text/html"),
    (".htm", "text/html"),
    (".js", "text/javascript"),
    (".mjs", "text/javascript"),
    (".css", "text/css"),
    (".png", "image/png"),
    (".jpg", "image/jpeg"),
    (".jpeg", "image/jpeg"),
    (".ico", "image/x-icon"),
    (".gif", "image/gif"),
    (".json", "application/json"),
    (".babylon", "application/json"),
    (".svg", "image/svg+xml"),
    (".ttf", "application/x-font-ttf"),
    (".otf", "application/font-woff"),
    (".woff", "application/font-woff"),
    (".woff2", "application/font-woff2"),
    (".gz", "application/gzip"),
    (".txt", "text/plain"),
    (".xml", "application/xml"),
    (".wasm", "application/wasm"),
];

/// The Content-Type for a file name (or path) under a mount's `extra-mimetypes`.
#[must_use]
pub fn content_type<'a>(extra: &[Mime<'a>], name: &[u8]) -> ContentType<'a> {
    let named = extra.iter().filter(|mime| mime.suffix != "*").map(|mime| (mime.suffix, mime.media_type));
    let known = named.chain(BUILT_IN).find(|(suffix, _)| ends_with(name, suffix));
    let rest = || extra.iter().find(|mime| mime.suffix == "*").map(|mime| ("*", mime.media_type));
    match known.or_else(rest) {
        Some((_, "")) => ContentType::Absent,
        Some((_, media_type)) => ContentType::Type(media_type),
        None => ContentType::Unknown,
    }
}

fn ends_with(name: &[u8], suffix: &str) -> bool {
    let tail = name.len().checked_sub(suffix.len()).map(|start| &name[start..]);
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(suffix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extras_come_first_and_the_star_last() {
        let extra = [
            Mime { suffix: "*", media_type: "" },
            Mime { suffix: ".txt", media_type: "text/x-harbour" },
            Mime { suffix: ".tar.gz", media_type: "application/x-tar" },
        ];
        assert_eq!(content_type(&extra, b"a.TXT"), ContentType::Type("text/x-harbour"));
        assert_eq!(content_type(&extra, b"a.tar.gz"), ContentType::Type("application/x-tar"));
        assert_eq!(content_type(&extra, b"a.css"), ContentType::Type("text/css"));
        assert_eq!(content_type(&extra, b"a.pdf"), ContentType::Absent);
        assert_eq!(content_type(&[], b"a.pdf"), ContentType::Unknown);
        assert_eq!(content_type(&[], b"a"), ContentType::Unknown);
    }
}
