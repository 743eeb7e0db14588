//! Bytes of clients inside a line: nothing of them can end it, or the quotes around them.

/// Writes bytes as Apache does: quotes and backslashes behind a backslash, `\n`, `\r`, `\t` and the like by their
/// letters, all else that is not visible ASCII or a blank as `\xhh`.
pub(super) fn quoted(out: &mut Vec<u8>, bytes: &[u8]) {
    escape(out, bytes, is_plain, |out, byte| match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        0x08 => out.extend_from_slice(b"\\b"),
        0x0b => out.extend_from_slice(b"\\v"),
        _ => hex(out, b"\\x", byte),
    });
}

/// The same for what stands without quotes: blanks are `\x20`.
pub(super) fn bare(out: &mut Vec<u8>, bytes: &[u8]) {
    for part in bytes.split_inclusive(|&byte| byte == b' ') {
        match part.split_last() {
            Some((b' ', rest)) => {
                quoted(out, rest);
                out.extend_from_slice(b"\\x20");
            }
            _ => quoted(out, part),
        }
    }
}

/// Writes the inside of a JSON string (RFC 8259, section 7). What is not UTF-8 becomes U+FFFD.
pub(super) fn json(out: &mut Vec<u8>, bytes: &[u8]) {
    // Nearly always, and a look at what is UTF-8 takes several times as long.
    if are_all(bytes, &is_plain) {
        return out.extend_from_slice(bytes);
    }
    for chunk in bytes.utf8_chunks() {
        escape(out, chunk.valid().as_bytes(), is_plain_json, |out, byte| match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => hex(out, b"\\u00", byte),
        });
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// Copies plain bytes in runs, and the others one by one.
fn escape(
    out: &mut Vec<u8>,
    mut bytes: &[u8],
    is_plain: impl Fn(u8) -> bool,
    other: impl Fn(&mut Vec<u8>, u8),
) {
    if are_all(bytes, &is_plain) {
        return out.extend_from_slice(bytes);
    }
    while let Some(at) = bytes.iter().position(|&byte| !is_plain(byte)) {
        out.extend_from_slice(&bytes[..at]);
        other(out, bytes[at]);
        bytes = &bytes[at + 1..];
    }
    out.extend_from_slice(bytes);
}

/// How many bytes are looked at at once: a register of any x86-64.
const LANES: usize = 16;

/// Whether all bytes are plain, as nearly always. Blocks of a fixed length, without a branch in them, are what the
/// compiler makes single instructions of.
fn are_all(bytes: &[u8], is_plain: &impl Fn(u8) -> bool) -> bool {
    let are_plain = |block: &[u8; LANES]| block.iter().fold(true, |plain, &byte| plain & is_plain(byte));
    match bytes.last_chunk() {
        // The last block overlaps the one before it.
        Some(last) => bytes.as_chunks().0.iter().all(are_plain) && are_plain(last),
        None => {
            let mut block = [b' '; LANES];
            block[..bytes.len()].copy_from_slice(bytes);
            are_plain(&block)
        }
    }
}

fn is_plain(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) & (byte != b'"') & (byte != b'\\')
}

fn is_plain_json(byte: u8) -> bool {
    (byte >= 0x80) | is_plain(byte)
}

fn hex(out: &mut Vec<u8>, prefix: &[u8], byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(prefix);
    out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: fn(&mut Vec<u8>, &[u8]), bytes: &[u8]) -> String {
        let mut out = Vec::new();
        write(&mut out, bytes);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_ends_a_line_or_its_quotes() {
        assert_eq!(
            written(quoted, b"an \"agent\" \\ \x7f\n\r\t\x0b\x08\0\xc3\xa9"),
            r#"an \"agent\" \\ \x7f\n\r\t\v\b\x00\xc3\xa9"#
        );
        assert_eq!(written(bare, b"CN=anna b, O=\"x\" "), r#"CN=anna\x20b,\x20O=\"x\"\x20"#);
        assert_eq!(written(json, b"\"a\\\n\x7f\xc3\xa9\xff."), "\\\"a\\\\\\u000a\\u007f\u{e9}\u{fffd}.");
        for byte in 0..=255 {
            for write in [quoted, bare, json] {
                let text = written(write, &[byte]);
                assert!(!text.contains(char::is_control) && (text != "\"") && (text != "\\"), "{byte}");
            }
        }
    }

    #[test]
    fn every_byte_is_looked_at() {
        for length in 0..50 {
            let plain = vec![b'a'; length];
            assert_eq!(written(quoted, &plain).into_bytes(), plain);
            for at in 0..length {
                let mut odd = plain.clone();
                odd[at] = b'"';
                assert_eq!(written(quoted, &odd).len(), length + 1, "{at} of {length}");
            }
        }
    }
}
