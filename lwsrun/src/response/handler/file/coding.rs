//! Content codings, and which one a client is sent: RFC 9110, section 12.5.3.
//!
//! The highest weight wins; at equal weights brotli before zstd before gzip before none. A client that says nothing of
//! codings is sent none. One that accepts no form there is, not even the plain one, is sent the plain one all the
//! same, which a server may do instead of refusing (section 12.1): a page that cannot be read helps more than none.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// A coding in which a file can be kept. The order is that of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Zstandard,
    Gzip,
}

/// What the Accept-Encoding of a request says: weights in thousandths, `None` for what it does not name.
#[derive(Debug, Default)]
struct Accepted {
    codings: [Option<u16>; 3],
    identity: Option<u16>,
    /// `*`: all that is not named.
    any: Option<u16>,
}

impl Coding {
    /// All, best first.
    pub(super) const ALL: [Self; 3] = [Self::Brotli, Self::Zstandard, Self::Gzip];

    /// Its name in Content-Encoding.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstandard => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The end of the name of a file that is kept in it.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Zstandard => ".zst",
            Self::Gzip => ".gz",
        }
    }
}

/// The coding in which a client is sent a file that there is in `offered` (best first) and without any.
pub(super) fn choose(headers: &HeaderMap, offered: impl Iterator<Item = Coding>) -> Option<Coding> {
    if !headers.contains_key(ACCEPT_ENCODING) {
        return None;
    }
    let accepted = Accepted::read(headers);
    let mut best: Option<(Coding, u16)> = None;
    for coding in offered {
        let weight = accepted.codings[coding as usize].or(accepted.any).unwrap_or(0);
        if weight > best.map_or(0, |(_, best)| best) {
            best = Some((coding, weight));
        }
    }
    // The plain form is acceptable unless refused, and preferred only if it is named.
    let plain = accepted.identity.or(accepted.any).unwrap_or(0);
    best.filter(|&(_, weight)| weight >= plain).map(|(coding, _)| coding)
}

impl Accepted {
    fn read(headers: &HeaderMap) -> Self {
        let mut accepted = Self::default();
        let lists = headers.get_all(ACCEPT_ENCODING).iter();
        for element in lists.flat_map(|list| list.as_bytes().split(|&byte| byte == b',')) {
            // What is not legal accepts nothing.
            if let Some((name, weight)) = read_element(element)
                && let Some(place) = accepted.place(name)
            {
                *place = Some(weight);
            }
        }
        accepted
    }

    fn place(&mut self, name: &[u8]) -> Option<&mut Option<u16>> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("*") {
            Some(&mut self.any)
        } else if is("identity") {
            Some(&mut self.identity)
        } else if is("x-gzip") {
            // An old name of gzip (section 8.4.1.3).
            Some(&mut self.codings[Coding::Gzip as usize])
        } else {
            let coding = Coding::ALL.into_iter().find(|coding| is(coding.name()))?;
            Some(&mut self.codings[coding as usize])
        }
    }
}

/// `NAME`, or `NAME;q=WEIGHT` with blanks around the semicolon.
fn read_element(element: &[u8]) -> Option<(&[u8], u16)> {
    let Some(semicolon) = element.iter().position(|&byte| byte == b';') else {
        return Some((element.trim_ascii(), 1000));
    };
    let (name, parameter) = (&element[..semicolon], &element[semicolon + 1..]);
    let (q, weight) = parameter.trim_ascii().split_at_checked(2)?;
    q.eq_ignore_ascii_case(b"q=").then_some((name.trim_ascii(), thousandths(weight)?))
}

/// A weight: 0 to 1 with at most three decimals (section 12.4.2).
fn thousandths(weight: &[u8]) -> Option<u16> {
    let (&whole, decimals) = weight.split_first()?;
    let digits = match decimals {
        [] => decimals,
        [b'.', digits @ ..] if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => digits,
        _ => return None,
    };
    let scaled = [100, 10, 1].into_iter().zip(digits).map(|(unit, digit)| unit * u16::from(digit - b'0'));
    match (whole, scaled.sum()) {
        (b'0', decimals) => Some(decimals),
        (b'1', 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::Coding::{Brotli, Gzip, Zstandard};
    use super::*;

    fn chosen(lists: &[&'static str], offered: &[Coding]) -> Option<Coding> {
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_static(list));
        }
        choose(&headers, offered.iter().copied())
    }

    #[test]
    fn weights_decide_and_then_the_order() {
        for (list, coding) in [
            ("gzip, deflate, br, zstd", Some(Brotli)),
            ("gzip;q=0.5, zstd;q=0.5", Some(Zstandard)),
            ("br;q=0.1, gzip;q=0.2", Some(Gzip)),
            ("BR", Some(Brotli)),
            ("x-gzip", Some(Gzip)),
            ("gzip ; q=1.000", Some(Gzip)),
            ("gzip;Q=0.001", Some(Gzip)),
            ("gzip;q=0", None),
            ("gzip;q=0.000, *", Some(Brotli)),
            ("br;q=0, *;q=0.3, gzip;q=0.2", Some(Zstandard)),
            ("*", Some(Brotli)),
            ("*;q=0", None),
            ("*;q=0, gzip", Some(Gzip)),
            ("identity", None),
            ("identity, gzip", Some(Gzip)),
            ("identity, gzip;q=0.9", None),
            ("identity;q=0.5, gzip;q=0.4", None),
            ("identity;q=0.5, gzip;q=0.5", Some(Gzip)),
            ("identity;q=0", None),
            ("identity;q=0, gzip;q=0.1", Some(Gzip)),
            ("", None),
            (" , ,gzip,", Some(Gzip)),
            ("deflate", None),
            ("gzip;q=1.1", None),
            ("gzip;q=0.1234", None),
            ("gzip;q=.5", None),
            ("gzip;q=", None),
            ("gzip;level=9", None),
            ("gzip;q=0.5;q=0.7", None),
            ("gzipp", None),
        ] {
            assert_eq!(chosen(&[list], &Coding::ALL), coding, "{list}");
        }
    }

    #[test]
    fn only_what_there_is() {
        assert_eq!(chosen(&["br, gzip;q=0.1"], &[Gzip]), Some(Gzip));
        assert_eq!(chosen(&["br"], &[Gzip]), None);
        assert_eq!(chosen(&["br"], &[]), None);
        assert_eq!(chosen(&[], &Coding::ALL), None);
        assert_eq!(chosen(&["br;q=0.5", "gzip"], &Coding::ALL), Some(Gzip), "two fields are one list");
    }
}
