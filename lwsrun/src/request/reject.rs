//! `reject-service-keywords`: clients that are refused by what they call themselves.

use axum::body::Body;
use http::header::{CONNECTION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version};
use schemas::plan::RejectKeyword;
use schemas::route::rejected_by;

use crate::response::error::page;

/// The keywords of a plan.
#[derive(Debug)]
pub(crate) struct Keywords {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    keyword: String,
    status: StatusCode,
    text: String,
}

impl Keywords {
    /// Takes the keywords out of the plan's global section.
    pub(crate) fn new(keywords: &[RejectKeyword<'_>]) -> Self {
        let entries = keywords.iter().map(|entry| Entry {
            keyword: entry.keyword.to_owned(),
            status: StatusCode::from_u16(entry.status).unwrap_or(StatusCode::FORBIDDEN),
            text: entry.text.to_owned(),
        });
        Self { entries: entries.collect() }
    }

    /// The refusal of a client whose `User-Agent` holds a keyword; of several such fields any one counts, and so
    /// does one that is no text. The connection ends with it, as in lwsws.
    pub(crate) fn refusal(&self, headers: &HeaderMap, version: Version) -> Option<Response<Body>> {
        if self.entries.is_empty() {
            return None;
        }
        let keywords = || self.entries.iter().map(|entry| entry.keyword.as_str());
        let mut agents = headers.get_all(USER_AGENT).iter();
        let index = agents.find_map(|agent| rejected_by(keywords(), agent.as_bytes()))?;
        let Entry { status, text, .. } = self.entries.get(index)?;
        let mut response = page(*status, text);
        if version < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Some(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_field_and_no_odd_byte_gets_past() {
        let keyword = RejectKeyword { keyword: "badbot", status: 403, text: "Go away" };
        let keywords = Keywords::new(&[keyword]);
        let refused = |agents: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for agent in agents {
                headers.append(USER_AGENT, HeaderValue::from_bytes(agent).unwrap());
            }
            keywords.refusal(&headers, Version::HTTP_11).map(|response| response.status())
        };
        assert_eq!(refused(&[b"badbot"]), Some(StatusCode::FORBIDDEN));
        assert_eq!(refused(&[b"badbot\xff"]), Some(StatusCode::FORBIDDEN));
        assert_eq!(refused(&[b"x", b"badbot"]), Some(StatusCode::FORBIDDEN));
        assert_eq!(refused(&[b"x"]), None);
        assert_eq!(refused(&[]), None);
    }
}
