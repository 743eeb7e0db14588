//! The Range header: RFC 9110, section 14.
//!
//! Only `bytes` and only one range are served. Several ranges are answered with the whole file, as a server may: the
//! multipart form is rarely asked for and easily abused.

use std::ops::Range;

/// What a Range header asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The file: the header is not legal, of another unit, or lists several ranges.
    Whole,
    /// These bytes: at least one, all within the file.
    Part(Range<u64>),
    /// Bytes beyond the end: 416.
    Beyond,
}

/// Reads the value of a Range header for a file of `length` bytes.
pub(super) fn parse(value: &[u8], length: u64) -> Wanted {
    let Some(ranges) = after_unit(value) else { return Wanted::Whole };
    // Empty elements of a list do not count (RFC 9110, section 5.6.1).
    let mut ranges =
        ranges.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|range| !range.is_empty());
    match (ranges.next(), ranges.next()) {
        (Some(range), None) => one(range, length).unwrap_or(Wanted::Whole),
        _ => Wanted::Whole,
    }
}

fn after_unit(value: &[u8]) -> Option<&[u8]> {
    let (unit, ranges) = value.split_at_checked(b"bytes=".len())?;
    unit.eq_ignore_ascii_case(b"bytes=").then_some(ranges)
}

/// `FIRST-LAST`, `FIRST-` or `-LENGTH`. `None` if it is not legal.
fn one(range: &[u8], length: u64) -> Option<Wanted> {
    let dash = range.iter().position(|&byte| byte == b'-')?;
    let (first, last) = (&range[..dash], &range[dash + 1..]);
    let (start, end) = match (first, last) {
        (b"", suffix) => match number(suffix)? {
            0 => return Some(Wanted::Beyond),
            // The end of nothing is all of it, and no Content-Range can say so.
            _ if length == 0 => return Some(Wanted::Whole),
            suffix => (length.saturating_sub(suffix), length),
        },
        (first, b"") => (number(first)?, length),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, last.saturating_add(1).min(length))
        }
    };
    Some(if start < length { Wanted::Part(start..end) } else { Wanted::Beyond })
}

/// Digits as a number; what does not fit is as good as the largest.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let push = |number: u64, digit: &u8| number.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(digits.iter().fold(0, push))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_the_table() {
        use Wanted::{Beyond, Part, Whole};
        for (value, length, wanted) in [
            ("bytes=0-0", 10, Part(0..1)),
            ("bytes=2-5", 10, Part(2..6)),
            ("Bytes=2-5", 10, Part(2..6)),
            ("bytes=2-", 10, Part(2..10)),
            ("bytes=2-99", 10, Part(2..10)),
            ("bytes=2-99999999999999999999", 10, Part(2..10)),
            ("bytes=-3", 10, Part(7..10)),
            ("bytes=-30", 10, Part(0..10)),
            ("bytes=-99999999999999999999", 10, Part(0..10)),
            ("bytes= , 2-5 ,", 10, Part(2..6)),
            ("bytes=10-", 10, Beyond),
            ("bytes=10-12", 10, Beyond),
            ("bytes=99999999999999999999-", 10, Beyond),
            ("bytes=-0", 10, Beyond),
            ("bytes=0-", 0, Beyond),
            ("bytes=-1", 0, Whole),
            ("bytes=5-2", 10, Whole),
            ("bytes=0-1,4-5", 10, Whole),
            ("bytes=", 10, Whole),
            ("bytes=-", 10, Whole),
            ("bytes=a-b", 10, Whole),
            ("bytes=+1-2", 10, Whole),
            ("bytes=1 -2", 10, Whole),
            ("bytes=1-2-3", 10, Whole),
            ("bytes 1-2", 10, Whole),
            ("lines=1-2", 10, Whole),
            ("byte", 10, Whole),
            ("", 10, Whole),
        ] {
            assert_eq!(parse(value.as_bytes(), length), wanted, "{value} of {length}");
        }
    }
}
