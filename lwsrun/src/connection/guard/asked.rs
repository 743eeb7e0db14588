//! What a refusal has to know of the message that it refuses: the host that was meant, and whether content may follow.
//!
//! The message may be wrong in any way, so this looks for what can be read.

use super::head::{is_host, split_field};

/// What a message asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Its Host field. `None`: it has none that can be read.
    pub(super) host: Option<Box<str>>,
    /// Whether it is a HEAD, whose answer has no content.
    pub(super) is_head: bool,
}

impl Asked {
    /// Reads a message from its first byte, or from empty lines before it.
    pub(super) fn of(message: &[u8]) -> Self {
        let host = field_of(message, "host").and_then(|value| std::str::from_utf8(value).ok());
        Self {
            host: host.filter(|host| is_host(host.as_bytes())).map(Box::from),
            is_head: without_empty_lines(message).starts_with(b"HEAD "),
        }
    }
}

/// The value of the first field of a name that the head of a message has; what is behind its head does not count.
pub(crate) fn field_of<'m>(message: &'m [u8], name: &str) -> Option<&'m [u8]> {
    let lines = without_empty_lines(message).split(|&byte| byte == b'\n');
    let mut fields = lines
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| split_field(line).ok());
    fields.find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
}

fn without_empty_lines(message: &[u8]) -> &[u8] {
    let start = message.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(message.len());
    &message[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_head_counts() {
        for (message, host, is_head) in [
            ("HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n", Some("a.test"), true),
            ("\r\nHEAD / HTTP/1.1\r\nX : y\r\nhost:a.test:80\r\n\r\n", Some("a.test:80"), true),
            ("\r\n\n\r\nHEAD / HTTP/1.1\r\n", None, true),
            ("GET / HTTP/1.1\nHost: a.test\n", Some("a.test"), false),
            ("GET / HTTP/1.1\r\n\r\nHost: b.test\r\n", None, false),
            ("GET / HTTP/1.1\n\nHost: b.test\r\n", None, false),
            ("GET / HTTP/1.1\r\nHost: a.test\r\n\r\nHost: b.test\r\n\r\n", Some("a.test"), false),
            ("GET / HTTP/1.1\r\nHost: a/b\r\nHost: b.test\r\n", None, false),
            ("Host: a.test\r\n\r\n", None, false),
            ("\r\n\r\n", None, false),
            ("", None, false),
        ] {
            assert_eq!(
                Asked::of(message.as_bytes()),
                Asked { host: host.map(Box::from), is_head },
                "{message}"
            );
        }
    }
}
