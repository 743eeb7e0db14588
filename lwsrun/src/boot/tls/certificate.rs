//! What a certificate says of itself, read from its DER form (RFC 5280, section 4.1): when it is valid, and of whom
//! it is.
//!
//! rustls checks certificates of others and never looks at the server's own. Whether a name is covered is asked of
//! rustls.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls_pki_types::{CertificateDer, ServerName};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The optional version in front of the serial number.
const VERSION: u8 = 0xa0;
/// String types whose bytes are UTF-8 or a part of it: UTF8String, PrintableString, T61String, IA5String.
const STRINGS: [u8; 4] = [0x0c, 0x13, 0x14, 0x16];

/// The object identifiers of names that RFC 4514, section 3, gives a short word.
const WORDS: [(&[u8], &str); 9] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 9], "STREET"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1], "UID"),
];

/// What stands in a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Not valid before.
    pub(crate) not_before: SystemTime,
    /// Not valid after.
    pub(crate) not_after: SystemTime,
    /// Whose it is, as RFC 4514 writes names, such as `CN=anna,O=harbour`. The last part of the name comes first.
    pub(crate) subject: String,
}

impl Facts {
    /// Reads them; `None` if the bytes are not a certificate.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let mut outer = Der(certificate).expect(SEQUENCE)?;
        let mut fields = outer.expect(SEQUENCE)?;
        if fields.next_is(VERSION) {
            fields.take()?;
        }
        let (_serial, _algorithm, _issuer) = (fields.take()?, fields.take()?, fields.take()?);
        let mut validity = fields.expect(SEQUENCE)?;
        let (not_before, not_after) = (time(validity.take()?)?, time(validity.take()?)?);
        let subject = name(fields.expect(SEQUENCE)?)?;
        Some(Self { not_before, not_after, subject })
    }
}

/// Whether a certificate is good for a host name or address.
pub(crate) fn covers(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let parsed = ParsedCertificate::try_from(certificate);
    let name = ServerName::try_from(name);
    matches!((parsed, name), (Ok(parsed), Ok(name)) if verify_server_name(&parsed, &name).is_ok())
}

/// A row of DER values.
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn next_is(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The next value: its tag and its content.
    fn take(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            short @ 0..=0x7f => (usize::from(short), rest),
            // Certificates are much smaller than the 16 MiB that three bytes can say.
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
                (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The next value, whose content is a row of values, if it has that tag.
    fn expect(&mut self, tag: u8) -> Option<Self> {
        self.take().filter(|(found, _)| *found == tag).map(|(_, content)| Self(content))
    }
}

/// A time (RFC 5280, section 4.1.2.5): `YYMMDDHHMMSSZ` for 1950 to 2049, else `YYYYMMDDHHMMSSZ`.
fn time((tag, text): (u8, &[u8])) -> Option<SystemTime> {
    let (digits, zone) = text.split_last().map(|(zone, digits)| (digits, *zone))?;
    if zone != b'Z' || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number =
        |digits: &[u8]| digits.iter().fold(0, |number, &digit| number * 10 + i64::from(digit - b'0'));
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            let year = number(&digits[..2]);
            (if year < 50 { 2000 + year } else { 1900 + year }, &digits[2..])
        }
        (GENERALIZED_TIME, 14) => (number(&digits[..4]), &digits[4..]),
        _ => return None,
    };
    let [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(|at| number(&rest[at..at + 2]));
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day);
    if !valid || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    // Earlier times than the epoch are as good as the epoch.
    Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// Days from 1 January 1970 to a day of the Gregorian calendar. Years begin in March here, so that the day that a
/// leap year adds is the last of its year.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_years = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // From March on, months have 31 30 31 30 31 days, twice, and then the rest.
    let of_months = (153 * month + 2) / 5;
    of_years + of_months + day - 1 - 719_468
}

/// A distinguished name (RFC 4514, section 2).
fn name(mut parts: Der<'_>) -> Option<String> {
    let mut texts = Vec::new();
    while !parts.0.is_empty() {
        let mut set = parts.expect(SET)?;
        let mut pairs = Vec::new();
        while !set.0.is_empty() {
            let mut pair = set.expect(SEQUENCE)?;
            let (tag, kind) = pair.take()?;
            if tag != OBJECT_IDENTIFIER {
                return None;
            }
            pairs.push(attribute(kind, pair.take()?));
        }
        texts.push(pairs.join("+"));
    }
    texts.reverse();
    Some(texts.join(","))
}

/// One attribute; in hexadecimal where its kind has no word or its value is no text, as the RFC has it.
fn attribute(kind: &[u8], (tag, value): (u8, &[u8])) -> String {
    let word = WORDS.iter().find(|(identifier, _)| *identifier == kind).map(|(_, word)| *word);
    let text = if STRINGS.contains(&tag) { std::str::from_utf8(value).ok() } else { None };
    match (word, text) {
        (Some(word), Some(text)) => format!("{word}={}", escaped(text)),
        (word, _) => {
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let kind = word.map_or_else(|| format!("OID.{}", hex(kind)), str::to_owned);
            format!("{kind}=#{}", hex(value))
        }
    }
}

/// A value with backslashes where RFC 4514, section 2.4, wants them, and for control characters, so that the name can
/// stand in a header or a log.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        let last = at + character.len_utf8() == text.len();
        let special = match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => true,
            '#' => at == 0,
            ' ' => at == 0 || last,
            _ => false,
        };
        if character.is_control() {
            let mut bytes = [0; 4];
            character.encode_utf8(&mut bytes).bytes().for_each(|byte| out.push_str(&format!("\\{byte:02x}")));
        } else {
            if special {
                out.push('\\');
            }
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(params: impl FnOnce(&mut CertificateParams)) -> CertificateDer<'static> {
        let mut made = CertificateParams::new(vec!["a.test".to_owned(), "*.b.test".to_owned()]).unwrap();
        params(&mut made);
        made.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    fn seconds(time: SystemTime) -> u64 {
        time.duration_since(UNIX_EPOCH).unwrap().as_secs()
    }

    #[test]
    fn reads_times_in_both_forms_and_the_subject() {
        let made = certificate(|params| {
            params.not_before = date_time_ymd(2024, 2, 29);
            params.not_after = date_time_ymd(2050, 3, 1);
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(DnType::OrganizationName, "Harbour, Inc.");
            params.distinguished_name.push(DnType::CommonName, "anna\r\n");
        });
        let facts = Facts::of(&made).unwrap();
        assert_eq!(seconds(facts.not_before), 1_709_164_800);
        assert_eq!(seconds(facts.not_after), 2_529_705_600);
        assert_eq!(facts.subject, "CN=anna\\0d\\0a,O=Harbour\\, Inc.");
    }

    #[test]
    fn days_follow_the_calendar() {
        assert_eq!(days_since_epoch(1970, 1, 1), 0);
        assert_eq!(days_since_epoch(2000, 3, 1), 11_017);
        assert_eq!(days_since_epoch(2100, 3, 1), 47_541);
    }

    #[test]
    fn covers_names_and_wildcards() {
        let made = certificate(|_| {});
        assert!(covers(&made, "a.test") && covers(&made, "x.b.test"));
        assert!(!covers(&made, "b.test") && !covers(&made, "x.a.test") && !covers(&made, ""));
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_an_answer(at in 0..400_usize, byte: u8, cut in 0..400_usize) {
            let mut bytes = certificate(|_| {}).to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(bytes.len().saturating_sub(cut));
            let damaged = CertificateDer::from(bytes);
            // What matters is that both return.
            let _ = (Facts::of(&damaged), covers(&damaged, "a.test"));
        }
    }
}
