//! `reject-service-keywords`: clients that are not served.

use crate::plan::RejectKeyword;

/// The keyword that a `User-Agent` holds, case-sensitively; of several the one listed last, as lwsws has it.
#[must_use]
pub fn rejected_by<'k, 'a>(
    keywords: &'k [RejectKeyword<'a>],
    user_agent: &str,
) -> Option<&'k RejectKeyword<'a>> {
    keywords.iter().rev().find(|entry| user_agent.contains(entry.keyword))
}
