//! As much of X.509 (RFC 5280) as tells who signed a certificate for whom, and from when to when it holds.
//!
//! Only the outline of the certificate is read. Anything else about it, its names and keys above all, is for the TLS
//! library to read, so that both read the same.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tags of DER (X.690).
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// What the outline of a certificate says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outline<'a> {
    /// The name of who signed it, as its bytes.
    pub(super) issuer: &'a [u8],
    /// The name that it is for, as its bytes.
    pub(super) subject: &'a [u8],
    /// From when it holds.
    pub(super) not_before: Moment,
    /// Up to when it holds.
    pub(super) not_after: Moment,
}

/// A second, in UTC. Seconds since 1970-01-01; earlier ones are negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i64);

impl Moment {
    pub(super) fn now() -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    /// How many whole days lie between an earlier moment and this one.
    pub(super) fn days_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).div_euclid(86_400)
    }

    /// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`, the two forms of RFC 5280, section 4.1.2.5.
    fn read(tag: u8, text: &[u8]) -> Option<Self> {
        let (year, rest) = match tag {
            UTC_TIME => {
                let short = number(text.get(..2)?)?;
                (if short < 50 { 2000 + short } else { 1900 + short }, text.get(2..)?)
            }
            GENERALIZED_TIME => (number(text.get(..4)?)?, text.get(4..)?),
            _ => return None,
        };
        let [month, day, hour, minute, second] =
            [0, 2, 4, 6, 8].map(|at| rest.get(at..at + 2).and_then(number).unwrap_or(-1));
        let plausible = rest.len() == 11
            && rest.last() == Some(&b'Z')
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..=60).contains(&second);
        let seconds = hour * 3600 + minute * 60 + second;
        plausible.then(|| Self(days(year, month, day) * 86_400 + seconds))
    }
}

/// The day alone, as `2026-11-23`.
impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.0.div_euclid(86_400));
        write!(formatter, "{year:04}-{month:02}-{day:02}")
    }
}

/// Reads the outline; none of something that is no certificate.
pub(super) fn outline(certificate: &[u8]) -> Option<Outline<'_>> {
    let mut signed = Reader(Reader(certificate).expect(SEQUENCE)?.content);
    let mut fields = Reader(signed.expect(SEQUENCE)?.content);
    let mut serial = fields.next()?;
    if serial.tag == VERSION {
        serial = fields.next()?;
    }
    // Serial number and algorithm of the signature are of no use here.
    let _ = (serial, fields.expect(SEQUENCE)?);
    let issuer = fields.expect(SEQUENCE)?.content;
    let mut validity = Reader(fields.expect(SEQUENCE)?.content);
    let subject = fields.expect(SEQUENCE)?.content;
    let mut moment = || validity.next().and_then(|time| Moment::read(time.tag, time.content));
    Some(Outline { issuer, subject, not_before: moment()?, not_after: moment()? })
}

/// Walks over the elements of some DER.
struct Reader<'a>(&'a [u8]);

struct Element<'a> {
    tag: u8,
    content: &'a [u8],
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // In DER a length is never left open, and four bytes of it are more than any certificate has.
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Element { tag, content })
    }

    fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        self.next().filter(|element| element.tag == tag)
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    let digits = str::from_utf8(digits).ok()?;
    // A sign would pass the conversion.
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. Years begin in March here, so that a leap day ends one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let century = year.div_euclid(400);
    let of_century = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    century * 146_097 + of_century * 365 + of_century / 4 - of_century / 100 + of_year - 719_468
}

/// The way back: year, month and day.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let century = days.div_euclid(146_097);
    let of_century = days.rem_euclid(146_097);
    let year = (of_century - of_century / 1460 + of_century / 36_524 - of_century / 146_096) / 365;
    let of_year = of_century - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + century * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn days_and_dates_go_back_and_forth(number in -800_000..3_000_000_i64) {
            let (year, month, day) = date(number);
            prop_assert_eq!(days(year, month, day), number);
        }

        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = outline(&bytes);
        }

        #[test]
        fn damaged_certificates_are_taken(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = certificate();
            let at = place.index(bytes.len());
            bytes[at] = byte;
            let _ = outline(&bytes);
            let _ = outline(&bytes[..at]);
        }
    }

    fn certificate() -> Vec<u8> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(["a.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2024, 2, 29);
        params.not_after = rcgen::date_time_ymd(2055, 12, 31);
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!((days(1970, 1, 1), days(2000, 2, 29), days(2026, 11, 23)), (0, 11_016, 20_780));
        assert_eq!(date(20_780), (2026, 11, 23));
    }

    #[test]
    fn both_forms_of_time_are_read() {
        let moment = Moment::read(UTC_TIME, b"261123120000Z").unwrap();
        assert_eq!(moment, Moment(20_780 * 86_400 + 43_200));
        assert_eq!(Moment::read(GENERALIZED_TIME, b"20261123120000Z"), Some(moment));
        assert_eq!(Moment::read(UTC_TIME, b"500101000000Z").unwrap().to_string(), "1950-01-01");
        for bad in ["", "261123120000", "261323120000Z", "2611231200+1Z", "261123120000Zx"] {
            assert_eq!(Moment::read(UTC_TIME, bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn the_outline_of_a_certificate_is_read() {
        let bytes = certificate();
        let outline = outline(&bytes).unwrap();
        assert_eq!(outline.issuer, outline.subject);
        // One before 2050 and one after: two forms of time.
        assert_eq!(outline.not_before.to_string(), "2024-02-29");
        assert_eq!(outline.not_after.to_string(), "2055-12-31");
        assert_eq!(outline.not_after.days_since(outline.not_before), 11_628);
    }
}
