//! `reject-service-keywords`: clients that are not served.

/// Which keyword a `User-Agent` holds, case-sensitively; of several the one listed last, as lwsws has it.
/// Takes the keywords in config order and the bytes of the field, and returns the index of a keyword.
#[must_use]
pub fn rejected_by<'k>(
    keywords: impl DoubleEndedIterator<Item = &'k str> + ExactSizeIterator,
    user_agent: &[u8],
) -> Option<usize> {
    keywords
        .enumerate()
        .rev()
        .find(|(_, keyword)| holds(user_agent, keyword.as_bytes()))
        .map(|(index, _)| index)
}

fn holds(text: &[u8], keyword: &[u8]) -> bool {
    keyword.is_empty() || text.windows(keyword.len()).any(|part| part == keyword)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_several_counts_and_bytes_are_bytes() {
        let find = |agent: &[u8]| rejected_by(["bad", "badbot", "wolf"].into_iter(), agent);
        assert_eq!(find(b"the badbot 2.0"), Some(1));
        assert_eq!(find(b"bad wolf"), Some(2));
        assert_eq!(find(b"badbot\xff"), Some(1));
        assert_eq!(find(b"BadBot"), None);
        assert_eq!(find(b""), None);
    }
}
