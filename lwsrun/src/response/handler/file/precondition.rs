//! Preconditions: RFC 9110, section 13.
//!
//! Order of section 13.2.2: If-Match or else If-Unmodified-Since, then If-None-Match or else If-Modified-Since; If-Range
//! comes with the range. Dates that cannot be read count as absent.
//! Differs from lwsws, which knows If-None-Match only, and there one unquoted tag.

use std::time::UNIX_EPOCH;

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName, HeaderValue};

/// What a client can compare with what it has.
#[derive(Debug)]
pub(super) struct Validators {
    /// A strong entity tag.
    pub(super) etag: HeaderValue,
    /// Absent for files from before 1970, which no HTTP date can say.
    pub(super) modified: Option<Modified>,
}

/// The time of the last change.
#[derive(Debug)]
pub(super) struct Modified {
    /// Seconds since 1970.
    pub(super) seconds: u64,
    /// As a header.
    pub(super) text: HeaderValue,
}

/// What becomes of a GET or HEAD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is answered.
    Proceed,
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

/// How two tags are compared (RFC 9110, section 8.8.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// Evaluates the preconditions of a GET or HEAD.
pub(super) fn evaluate(headers: &HeaderMap, validators: &Validators) -> Verdict {
    if headers.contains_key(IF_MATCH) {
        if !any_tag(headers, IF_MATCH, &validators.etag, Comparison::Strong) {
            return Verdict::Failed;
        }
    } else if is_unmodified(headers, IF_UNMODIFIED_SINCE, validators) == Some(false) {
        return Verdict::Failed;
    }
    let has_it = if headers.contains_key(IF_NONE_MATCH) {
        any_tag(headers, IF_NONE_MATCH, &validators.etag, Comparison::Weak)
    } else {
        is_unmodified(headers, IF_MODIFIED_SINCE, validators) == Some(true)
    };
    if has_it { Verdict::NotModified } else { Verdict::Proceed }
}

/// Whether a range may be sent: there is no If-Range, or it says exactly what the file has.
pub(super) fn allows_range(headers: &HeaderMap, validators: &Validators) -> bool {
    let Some(condition) = headers.get(IF_RANGE) else { return true };
    let is_date = validators.modified.as_ref().is_some_and(|modified| modified.text == condition);
    // A weak tag never equals ours, which is the strong comparison that is asked for.
    is_date || validators.etag == condition
}

/// Whether the file has not changed since the date in a header; `None` if either has no date.
fn is_unmodified(headers: &HeaderMap, name: HeaderName, validators: &Validators) -> Option<bool> {
    let since = headers.get(name)?;
    let modified = validators.modified.as_ref()?;
    if since == modified.text {
        return Some(true);
    }
    let since = httpdate::parse_http_date(since.to_str().ok()?).ok()?;
    let since = since.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(modified.seconds <= since)
}

/// Whether the lists of tags in a header hold ours, or `*`.
fn any_tag(headers: &HeaderMap, name: HeaderName, etag: &HeaderValue, comparison: Comparison) -> bool {
    headers.get_all(name).iter().any(|list| list_holds(list.as_bytes(), etag.as_bytes(), comparison))
}

fn list_holds(list: &[u8], etag: &[u8], comparison: Comparison) -> bool {
    let mut rest = list.trim_ascii();
    if rest == b"*" {
        return true;
    }
    loop {
        rest = rest.trim_ascii_start();
        if let Some(next) = rest.strip_prefix(b",") {
            rest = next;
            continue;
        }
        let (weak, tag) = match rest.strip_prefix(b"W/") {
            Some(tag) => (true, tag),
            None => (false, rest),
        };
        // Tags may hold commas, so the quotes decide. What is not a tag ends the list.
        let Some(opaque) = tag.strip_prefix(b"\"") else { return false };
        let Some(close) = opaque.iter().position(|&byte| byte == b'"') else { return false };
        let (tag, next) = tag.split_at(close + 2);
        if tag == etag && (comparison == Comparison::Weak || !weak) {
            return true;
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const AFTER: &str = "Sunday, 06-Nov-94 08:49:38 GMT";

    fn validators() -> Validators {
        let text = HeaderValue::from_static(DATE);
        let modified = Some(Modified { seconds: 784_111_777, text });
        Validators { etag: HeaderValue::from_static("\"a-1\""), modified }
    }

    fn headers(list: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn preconditions_follow_the_table() {
        use Verdict::{Failed, NotModified, Proceed};
        for (list, verdict) in [
            (&[][..], Proceed),
            (&[(IF_NONE_MATCH, "\"a-1\"")], NotModified),
            (&[(IF_NONE_MATCH, "W/\"a-1\"")], NotModified),
            (&[(IF_NONE_MATCH, " * ")], NotModified),
            (&[(IF_NONE_MATCH, "\"x\", ,\"y,\" ,W/\"a-1\"")], NotModified),
            (&[(IF_NONE_MATCH, "\"x\""), (IF_NONE_MATCH, "\"a-1\"")], NotModified),
            (&[(IF_NONE_MATCH, "\"x,\\\"a-1\"")], Proceed),
            (&[(IF_NONE_MATCH, "a-1")], Proceed),
            (&[(IF_NONE_MATCH, "\"a-1")], Proceed),
            (&[(IF_NONE_MATCH, "\"A-1\"")], Proceed),
            (&[(IF_NONE_MATCH, "")], Proceed),
            (&[(IF_NONE_MATCH, "w/\"a-1\"")], Proceed),
            (&[(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, DATE)], Proceed),
            (&[(IF_MODIFIED_SINCE, DATE)], NotModified),
            (&[(IF_MODIFIED_SINCE, AFTER)], NotModified),
            (&[(IF_MODIFIED_SINCE, BEFORE)], Proceed),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Proceed),
            (&[(IF_MATCH, "\"a-1\"")], Proceed),
            (&[(IF_MATCH, "*")], Proceed),
            (&[(IF_MATCH, "\"x\", \"a-1\"")], Proceed),
            (&[(IF_MATCH, "W/\"a-1\"")], Failed),
            (&[(IF_MATCH, "\"x\"")], Failed),
            (&[(IF_MATCH, "\"x\""), (IF_NONE_MATCH, "\"a-1\"")], Failed),
            (&[(IF_MATCH, "\"a-1\""), (IF_NONE_MATCH, "\"a-1\"")], NotModified),
            (&[(IF_MATCH, "\"a-1\""), (IF_UNMODIFIED_SINCE, BEFORE)], Proceed),
            (&[(IF_UNMODIFIED_SINCE, BEFORE)], Failed),
            (&[(IF_UNMODIFIED_SINCE, DATE)], Proceed),
            (&[(IF_UNMODIFIED_SINCE, "never")], Proceed),
        ] {
            assert_eq!(evaluate(&headers(list), &validators()), verdict, "{list:?}");
        }
    }

    #[test]
    fn ranges_want_the_exact_validator() {
        for (condition, allowed) in [
            ("\"a-1\"", true),
            ("W/\"a-1\"", false),
            ("\"x\"", false),
            (DATE, true),
            (BEFORE, false),
            (AFTER, false),
        ] {
            assert_eq!(
                allows_range(&headers(&[(IF_RANGE, condition)]), &validators()),
                allowed,
                "{condition}"
            );
        }
        assert!(allows_range(&HeaderMap::new(), &validators()));
    }

    #[test]
    fn files_without_a_date_have_no_conditions_on_it() {
        let validators = Validators { modified: None, ..validators() };
        let list = headers(&[(IF_MODIFIED_SINCE, DATE), (IF_UNMODIFIED_SINCE, BEFORE)]);
        assert_eq!(evaluate(&list, &validators), Verdict::Proceed);
        assert!(!allows_range(&headers(&[(IF_RANGE, DATE)]), &validators));
    }
}
