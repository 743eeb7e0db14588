//! Arguments of a query string.

/// The value of the first argument of that name, decoded: escapes, and `+` for a blank as forms write it. A `%`
/// without two digits stands for itself.
pub(super) fn argument(query: &str, name: &str) -> Option<Vec<u8>> {
    query.split('&').find_map(|argument| {
        let (key, value) = argument.split_once('=').unwrap_or((argument, ""));
        (decode(key) == name.as_bytes()).then(|| decode(value))
    })
}

fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| bytes.get(at + 1).zip(bytes.get(at + 2))).flatten();
        match escaped.and_then(|(&high, &low)| Some(digit(high)? << 4 | digit(low)?)) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    out
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_of_the_name_decoded() {
        for (query, value) in [
            ("mirror=one", Some(&b"one"[..])),
            ("x=1&mirror=one&mirror=two", Some(b"one")),
            ("mirror=a%20b+c%2B", Some(b"a b c+")),
            ("m%69rror=x", Some(b"x")),
            ("mirror", Some(b"")),
            ("mirror=100%&y", Some(b"100%")),
            ("mirror=%zz%e", Some(b"%zz%e")),
            ("mirror=%ff%00", Some(b"\xff\0")),
            ("mirrors=1", None),
            ("", None),
        ] {
            assert_eq!(argument(query, "mirror").as_deref(), value, "{query}");
        }
    }
}
