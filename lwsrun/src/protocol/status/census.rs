//! Who is there, and the text that tells of it.

use crate::protocol::Text;
use crate::protocol::json::escape;

/// Longest `ua`, escaped, in bytes.
const LONGEST_AGENT: usize = 255;

/// The members of a vhost, and the text about them, made when it is first wanted after a change.
pub(super) struct Census {
    /// All of the text before the number of members, for members over HTTP/1.1 and over HTTP/2.
    heads: [String; 2],
    members: Vec<(u64, Member)>,
    next: u64,
    tellings: [Option<Text>; 2],
}

/// A member, as the JSON object that tells of it.
pub(super) struct Member(Box<str>);

impl Census {
    /// Nobody, on the machine of that name.
    pub(super) fn new(host: &str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let host = escape(host, usize::MAX);
        let heads = [0, 1].map(|http2| {
            format!(
                "{{ \"version\":\"lwsrun {version}\", \"wss_over_h2\":\"{http2}\", \"hostname\":\"{host}\", "
            )
        });
        Self { heads, members: Vec::new(), next: 0, tellings: [None, None] }
    }

    /// Adds a member and gives the number to take it out by; `None` if there are `most` already.
    pub(super) fn join(&mut self, member: Member, most: usize) -> Option<u64> {
        if self.members.len() >= most {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.members.push((number, member));
        self.tellings = [None, None];
        Some(number)
    }

    /// Takes a member out.
    pub(super) fn leave(&mut self, number: u64) {
        self.members.retain(|(each, _)| *each != number);
        self.tellings = [None, None];
    }

    /// How many members there are.
    pub(super) fn count(&self) -> usize {
        self.members.len()
    }

    /// The text, which all members share that came the same way.
    pub(super) fn telling(&mut self, http2: bool) -> Text {
        let Self { heads, members, tellings, .. } = self;
        let (head, telling) = (&heads[usize::from(http2)], &mut tellings[usize::from(http2)]);
        telling.get_or_insert_with(|| Text::from(tell(head, members))).clone()
    }
}

impl Member {
    /// From an address, seconds since 1970, and an agent.
    pub(super) fn new(peer: Option<&str>, time: u64, agent: Option<&str>) -> Self {
        let peer = escape(peer.unwrap_or("unknown"), usize::MAX);
        let agent = escape(agent.unwrap_or("unknown"), LONGEST_AGENT);
        Self(format!("{{\"peer\":\"{peer}\",\"time\":\"{time}\",\"ua\":\"{agent}\"}}").into())
    }
}

fn tell(head: &str, members: &[(u64, Member)]) -> String {
    let mut text = format!("{head}\"wsi\":\"{}\", \"conns\":[", members.len());
    for (index, (_, Member(object))) in members.iter().rev().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(object);
    }
    text.push_str("]}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_first_in_the_form_that_pages_read() {
        let mut census = Census::new("host");
        let one = census.join(Member::new(Some("127.0.0.1"), 17, Some("look \"1\"")), 2).unwrap();
        let head = concat!(
            "{ \"version\":\"lwsrun ",
            env!("CARGO_PKG_VERSION"),
            "\", \"wss_over_h2\":\"0\", \"hostname\":\"host\", "
        );
        let first = "{\"peer\":\"127.0.0.1\",\"time\":\"17\",\"ua\":\"look \\u00221\\u0022\"}";
        assert_eq!(&*census.telling(false), format!("{head}\"wsi\":\"1\", \"conns\":[{first}]}}"));
        census.join(Member::new(None, 18, None), 2).unwrap();
        let second = "{\"peer\":\"unknown\",\"time\":\"18\",\"ua\":\"unknown\"}";
        assert_eq!(&*census.telling(false), format!("{head}\"wsi\":\"2\", \"conns\":[{second},{first}]}}"));
        assert!(census.telling(true).contains("\"wss_over_h2\":\"1\""));
        assert!(census.join(Member::new(None, 19, None), 2).is_none());
        census.leave(one);
        assert_eq!(&*census.telling(false), format!("{head}\"wsi\":\"1\", \"conns\":[{second}]}}"));
    }
}
