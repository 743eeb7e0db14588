//! `reject-service-keywords`: clients that are not served.

/// Which keyword a `User-Agent` holds, case-sensitively; of several the one listed last, as lwsws has it.
/// Takes the keywords in config order and returns the index of one.
#[must_use]
pub fn rejected_by<'k>(
    keywords: impl DoubleEndedIterator<Item = &'k str> + ExactSizeIterator,
    user_agent: &str,
) -> Option<usize> {
    keywords.enumerate().rev().find(|(_, keyword)| user_agent.contains(keyword)).map(|(index, _)| index)
}
