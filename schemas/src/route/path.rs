//! The path of a request target: decoded, cleaned, and written back in one canonical form.
//!
//! Percent escapes are decoded, `%2F` like a slash; runs of slashes become one; `.` and `..` segments are resolved,
//! never above the root; names that merely begin with dots stay. All of it before a mount is looked for, so no
//! spelling of a path gets around a mount.
//! Differs from lwsws: `+` stays a plus, `&` and `;` do not end the path, and a bad escape is 400.

use std::borrow::Cow;

/// Why a path is not legal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// `%` without two hexadecimal digits.
    #[error("bad percent escape in the path")]
    BadEscape,
    /// A NUL, which no file name can hold.
    #[error("NUL in the path")]
    Nul,
    /// The target does not begin with a slash.
    #[error("the path does not begin with a slash")]
    NoSlash,
    /// A dot segment or an escaped slash, on the way to a program that may take it otherwise.
    #[error("dot segment or escaped slash in a path that another program reads")]
    Ambiguous,
}

/// Splits a request target at its first `?`.
#[must_use]
pub fn split_target(target: &str) -> (&str, Option<&str>) {
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

/// The path meant by the path of a request target. Borrows where nothing has to be done.
///
/// The result begins with `/`, holds no empty, `.` or `..` segment, and keeps a final slash.
///
/// # Errors
/// If an escape is not legal, or a NUL is in it, or it does not begin with `/`.
pub fn decode_path(path: &str) -> Result<Cow<'_, [u8]>, PathError> {
    if !path.starts_with('/') {
        return Err(PathError::NoSlash);
    }
    if is_canonical(path) {
        return Ok(Cow::Borrowed(path.as_bytes()));
    }
    let decoded = unescape(path.as_bytes())?;
    Ok(Cow::Owned(resolve(&decoded)))
}

/// Whether a path is its own canonical form, so that nothing has to be decoded or cleaned.
#[must_use]
pub fn is_canonical(path: &str) -> bool {
    let mut after_slash = false;
    for byte in path.bytes() {
        let kind = KINDS[usize::from(byte)];
        if kind == Kind::Other || after_slash && kind != Kind::Plain {
            return false;
        }
        after_slash = kind == Kind::Slash;
    }
    path.starts_with('/')
}

/// Whether others may take a path otherwise than [`decode_path`] does: it has a dot segment or an escaped slash, however
/// spelt. Files are found by the decoded path, so there it does not matter; a proxy's or a CGI program's idea of where a
/// mount ends could be another one.
#[must_use]
pub fn is_ambiguous(path: &str) -> bool {
    if is_canonical(path) {
        return false;
    }
    let path = path.to_ascii_lowercase();
    let is_dots = |segment: &str| matches!(&*segment.replace("%2e", "."), "." | "..");
    path.contains("%2f") || path.split('/').any(is_dots)
}

/// What a byte is in a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It has to be escaped.
    Other,
    Plain,
    Dot,
    Slash,
}

/// A table, since each byte of each request's path is looked at.
static KINDS: [Kind; 256] = {
    let plain = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_~!$&'()*+,;=:@";
    let mut kinds = [Kind::Other; 256];
    let mut index = 0;
    while index < plain.len() {
        kinds[plain[index] as usize] = Kind::Plain;
        index += 1;
    }
    kinds[b'.' as usize] = Kind::Dot;
    kinds[b'/' as usize] = Kind::Slash;
    kinds
};

/// A decoded path as the path of a request target: all but unreserved characters, `/` and those that may stand in
/// a segment (RFC 3986, section 3.3) is escaped. Two targets that mean the same have the same canonical path.
#[must_use]
pub fn canonical_path(decoded: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(decoded) {
        Ok(text) if decoded.iter().all(|&byte| is_plain(byte)) => Cow::Borrowed(text),
        _ => Cow::Owned(escape(decoded)),
    }
}

/// Characters that stand for themselves in a segment: unreserved, sub-delims, `:`, `@`; and the slash.
fn is_plain(byte: u8) -> bool {
    KINDS[usize::from(byte)] != Kind::Other
}

fn escape(decoded: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut out = String::with_capacity(decoded.len() + 16);
    for &byte in decoded {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
    out
}

fn unescape(path: &[u8]) -> Result<Vec<u8>, PathError> {
    let mut out = Vec::with_capacity(path.len());
    let mut bytes = path.iter();
    while let Some(&byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let high = bytes.next().and_then(|&digit| hex_digit(digit));
                let low = bytes.next().and_then(|&digit| hex_digit(digit));
                high.zip(low).map(|(high, low)| high << 4 | low).ok_or(PathError::BadEscape)?
            }
            byte => byte,
        };
        if byte == 0 {
            return Err(PathError::Nul);
        }
        out.push(byte);
    }
    Ok(out)
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Takes out empty, `.` and `..` segments. `decoded` begins with `/`.
fn resolve(decoded: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(decoded.len());
    let mut folder = true;
    for segment in decoded.split(|&byte| byte == b'/').skip(1) {
        folder = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => {
                let parent = out.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                out.truncate(parent);
            }
            name => {
                out.push(b'/');
                out.extend_from_slice(name);
            }
        }
    }
    if folder {
        out.push(b'/');
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn resolves_what_lwsws_resolves() {
        for (path, meant) in [
            ("/", "/"),
            ("//pier//note.txt", "/pier/note.txt"),
            ("/pier/../pier/./note.txt", "/pier/note.txt"),
            ("/../../etc/passwd", "/etc/passwd"),
            ("/pier/%2e%2e/%2e%2e/etc", "/etc"),
            ("/pier%2Fnote", "/pier/note"),
            ("/.dot", "/.dot"),
            ("/..x/...", "/..x/..."),
            ("/a/.", "/a/"),
            ("/a/b/..", "/a/"),
            ("/a/", "/a/"),
            ("/a+b", "/a+b"),
            ("/%C3%A9", "/é"),
        ] {
            assert_eq!(decode_path(path).as_deref(), Ok(meant.as_bytes()), "{path}");
        }
        assert_eq!(decode_path("/bad%zz"), Err(PathError::BadEscape));
        assert_eq!(decode_path("/%4"), Err(PathError::BadEscape));
        assert_eq!(decode_path("/a%00"), Err(PathError::Nul));
        assert_eq!(decode_path("*"), Err(PathError::NoSlash));
    }

    #[test]
    fn dots_and_hidden_slashes_are_ambiguous() {
        for path in ["/a/../b", "/.", "/a/%2E%2e/b", "/a/.%2e", "/a%2Fb", "/a%2f", "/./"] {
            assert!(is_ambiguous(path), "{path}");
        }
        for path in ["/", "/a//b", "/.a", "/...", "/a%20b", "/%61", "/a%252fb", "/..a/b%2e"] {
            assert!(!is_ambiguous(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn decoding_is_idempotent_and_stays_below_the_root(path in "/[a-c%./\\\\]{0,20}(%2[eEfF]|%41|é|\\+){0,4}[/.]{0,4}") {
            let Ok(decoded) = decode_path(&path) else { return Ok(()) };
            let canonical = canonical_path(&decoded).into_owned();
            prop_assert!(is_canonical(&canonical) || canonical.contains('%') || canonical.contains("/."));
            prop_assert_eq!(decode_path(&canonical).unwrap(), decoded.clone());
            prop_assert!(decoded.starts_with(b"/"));
            prop_assert!(!decoded.split(|&b| b == b'/').any(|s| s == b".."));
            prop_assert!(!decoded.windows(2).any(|w| w == b"//"));
        }
    }
}
