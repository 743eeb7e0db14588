//! The Range header: RFC 9110, section 14.
//!
//! Only `bytes`. Several ranges are served as long as they are few and ask for no more bytes than the file has; others
//! get the whole file, as section 14.2 advises against abuse.

use std::ops::Range;

/// The most ranges that are served of a header.
const MOST: usize = 16;

/// What a Range header asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The file: the header is not legal, of another unit, or asks for too much.
    Whole,
    /// These bytes: at least one, all within the file.
    Part(Range<u64>),
    /// At least two such ranges, in the order in which they were asked for.
    Parts(Vec<Range<u64>>),
    /// Bytes beyond the end: 416.
    Beyond,
}

/// Reads the value of a Range header for a file of `length` bytes.
pub(super) fn parse(value: &[u8], length: u64) -> Wanted {
    let Some(list) = after_unit(value) else { return Wanted::Whole };
    // Empty elements of a list do not count (RFC 9110, section 5.6.1).
    let mut ranges =
        list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|range| !range.is_empty());
    match (ranges.next(), ranges.next()) {
        (None, _) => Wanted::Whole,
        (Some(range), None) => one(range, length).unwrap_or(Wanted::Whole),
        (Some(first), Some(second)) => several([first, second].into_iter().chain(ranges), length),
    }
}

fn after_unit(value: &[u8]) -> Option<&[u8]> {
    let (unit, ranges) = value.split_at_checked(b"bytes=".len())?;
    unit.eq_ignore_ascii_case(b"bytes=").then_some(ranges)
}

/// Of several ranges those that lie within the file. Of all that are asked for one may be left.
fn several<'r>(ranges: impl Iterator<Item = &'r [u8]>, length: u64) -> Wanted {
    let mut parts = Vec::with_capacity(MOST);
    for (at, range) in ranges.enumerate() {
        match one(range, length) {
            _ if at == MOST => return Wanted::Whole,
            Some(Wanted::Part(part)) => parts.push(part),
            Some(Wanted::Beyond) => {}
            _ => return Wanted::Whole,
        }
    }
    let total = parts.iter().map(|part| part.end.saturating_sub(part.start)).fold(0, u64::saturating_add);
    match parts.len() {
        0 => Wanted::Beyond,
        1 => Wanted::Part(parts.remove(0)),
        _ if total > length => Wanted::Whole,
        _ => Wanted::Parts(parts),
    }
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
    fn one_range() {
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
            ("bytes=", 10, Whole),
            ("bytes=,", 10, Whole),
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

    #[test]
    fn several_ranges() {
        use Wanted::{Beyond, Part, Parts, Whole};
        for (value, length, wanted) in [
            ("bytes=0-1,4-5", 10, Parts(vec![0..2, 4..6])),
            ("bytes=4-5, 0-1", 10, Parts(vec![4..6, 0..2])),
            ("bytes=0-1,,-2,", 10, Parts(vec![0..2, 8..10])),
            ("bytes=0-4,5-9", 10, Parts(vec![0..5, 5..10])),
            ("bytes=0-3,2-5", 10, Parts(vec![0..4, 2..6])),
            ("bytes=0-5,5-9", 10, Whole),
            ("bytes=0-,0-,0-", 10, Whole),
            ("bytes=0-1,20-30", 10, Part(0..2)),
            ("bytes=0-,20-30", 10, Part(0..10)),
            ("bytes=20-30,40-", 10, Beyond),
            ("bytes=0-1,5-4", 10, Whole),
            ("bytes=0-1,x", 10, Whole),
            ("bytes=0-1,-1", 0, Whole),
        ] {
            assert_eq!(parse(value.as_bytes(), length), wanted, "{value} of {length}");
        }
    }

    #[test]
    fn sixteen_ranges_and_no_more() {
        let list = |count| format!("bytes={}", vec!["0-0"; count].join(","));
        assert_eq!(parse(list(16).as_bytes(), 100), Wanted::Parts(vec![0..1; 16]));
        assert_eq!(parse(list(17).as_bytes(), 100), Wanted::Whole);
        let beyond = format!("bytes={}", vec!["200-"; 17].join(","));
        assert_eq!(parse(beyond.as_bytes(), 100), Wanted::Whole);
    }
}
