//! What a client offers and what is agreed (RFC 7692, section 7.1).

use std::fmt;
use std::iter;

/// Window that is asked of clients that can keep to one.
const WINDOW: u8 = 12;

/// What is agreed: the answer to one offer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Agreement {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    /// 9 to 15; `None` is 15.
    pub(super) server_max_window_bits: Option<u8>,
    /// 9 to 15; `None` is 15.
    pub(super) client_max_window_bits: Option<u8>,
}

/// The answer to the first offer that can be met, from the lines of `Sec-WebSocket-Extensions`. Offers of other
/// extensions, and those that cannot be read, are passed over.
///
/// An offer that demands a window of 8 bits of us is not met: there is no compressor that small. A client that says
/// that its own is, is not held to it, and the window for it is of 15.
pub(super) fn agree<'h>(lines: impl Iterator<Item = &'h str>) -> Option<Agreement> {
    lines.flat_map(|line| split(line, ',')).find_map(meet)
}

fn meet(offer: &str) -> Option<Agreement> {
    let mut parts = split(offer, ';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("permessage-deflate") {
        return None;
    }
    let mut agreement = Agreement::default();
    let mut seen = Vec::new();
    for parameter in parts {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name.trim(), Some(unquoted(value.trim()))),
            None => (parameter, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            ("server_no_context_takeover", None) => agreement.server_no_context_takeover = true,
            ("client_no_context_takeover", None) => agreement.client_no_context_takeover = true,
            ("server_max_window_bits", Some(value)) => match bits(value)? {
                8 => return None,
                bits => agreement.server_max_window_bits = Some(bits),
            },
            ("client_max_window_bits", value) => {
                let offered = value.map_or(Some(15), bits)?;
                agreement.client_max_window_bits = (offered > 8).then_some(offered.min(WINDOW));
            }
            _ => return None,
        }
    }
    Some(agreement)
}

fn bits(value: &str) -> Option<u8> {
    let bits = value.parse().ok().filter(|bits| (8..=15).contains(bits))?;
    // No signs and no leading zeros.
    (value.len() == if bits < 10 { 1 } else { 2 }).then_some(bits)
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// Splits, but not within quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    iter::from_fn(move || {
        let now = rest?;
        let mut quoted = false;
        let mut escaped = false;
        let end = now.char_indices().find(|(_, each)| {
            let was_escaped = escaped;
            escaped = quoted && !was_escaped && *each == '\\';
            quoted ^= *each == '"' && !was_escaped;
            *each == separator && !quoted
        });
        let (part, after) = match end {
            Some((end, _)) => (&now[..end], Some(&now[end + 1..])),
            None => (now, None),
        };
        rest = after;
        Some(part)
    })
}

impl fmt::Display for Agreement {
    /// As the answer says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("permessage-deflate")?;
        if self.server_no_context_takeover {
            f.write_str("; server_no_context_takeover")?;
        }
        if self.client_no_context_takeover {
            f.write_str("; client_no_context_takeover")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(f, "; server_max_window_bits={bits}")?;
        }
        if let Some(bits) = self.client_max_window_bits {
            write!(f, "; client_max_window_bits={bits}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_and_answers() {
        const PLAIN: &str = "permessage-deflate";
        let table: [(&[&str], Option<&str>); 26] = [
            (&["permessage-deflate"], Some("")),
            (&["x-webkit-deflate-frame, Permessage-Deflate"], Some("")),
            (&["other; a=\", permessage-deflate\""], None),
            (&["other; a=\"\\\",\"", "permessage-deflate"], Some("")),
            (&["permessage-deflate; server_no_context_takeover"], Some("; server_no_context_takeover")),
            (&["permessage-deflate;client_no_context_takeover"], Some("; client_no_context_takeover")),
            (&["permessage-deflate; client_max_window_bits"], Some("; client_max_window_bits=12")),
            (&["permessage-deflate; client_max_window_bits=15"], Some("; client_max_window_bits=12")),
            (&["permessage-deflate; client_max_window_bits=10"], Some("; client_max_window_bits=10")),
            (&["permessage-deflate; client_max_window_bits=\"9\""], Some("; client_max_window_bits=9")),
            (&["permessage-deflate; client_max_window_bits=8"], Some("")),
            (&["permessage-deflate; server_max_window_bits=15"], Some("; server_max_window_bits=15")),
            (&["permessage-deflate; server_max_window_bits=9"], Some("; server_max_window_bits=9")),
            (&["permessage-deflate; server_max_window_bits=8"], None),
            (&["permessage-deflate; server_max_window_bits=8, permessage-deflate"], Some("")),
            (&["permessage-deflate; server_max_window_bits"], None),
            (&["permessage-deflate; server_max_window_bits=7"], None),
            (&["permessage-deflate; server_max_window_bits=16"], None),
            (&["permessage-deflate; server_max_window_bits=09"], None),
            (&["permessage-deflate; server_max_window_bits=+9"], None),
            (&["permessage-deflate; server_no_context_takeover=1"], None),
            (&["permessage-deflate; server_no_context_takeover; server_no_context_takeover"], None),
            (&["permessage-deflate; unknown"], None),
            (&["permessage-deflate;"], None),
            (&["", ",,;;,\""], None),
            (
                &["permessage-deflate; client_max_window_bits; server_max_window_bits=11; \
                   client_no_context_takeover; server_no_context_takeover"],
                Some(
                    "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11; \
                     client_max_window_bits=12",
                ),
            ),
        ];
        for (lines, expected) in table {
            let answer = agree(lines.iter().copied()).map(|agreement| agreement.to_string());
            assert_eq!(answer, expected.map(|after| format!("{PLAIN}{after}")), "{lines:?}");
        }
    }
}
