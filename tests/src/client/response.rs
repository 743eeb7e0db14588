//! One HTTP/1 response, taken from a connection.

use super::Client;

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// `HTTP/1.0` or `HTTP/1.1`.
    pub version: String,
    /// The status.
    pub status: u16,
    /// Names and values as sent, in the order sent, blanks around values taken off.
    pub headers: Vec<(String, String)>,
    /// The content, chunks joined. For HEAD whatever came although nothing may.
    pub body: Vec<u8>,
    /// How the end of the content was marked.
    pub framing: Framing,
}

/// How the end of a response's content is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is no content: by status, or because HEAD asked.
    None,
    /// By `Content-Length`.
    Length,
    /// By the last chunk.
    Chunked,
    /// By the end of the connection.
    End,
    /// It was marked, but did not come in full.
    CutShort,
}

impl Response {
    /// The value of a header, its name in any case.
    ///
    /// # Panics
    /// If it stands there more than once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let values = self.header_all(name);
        assert!(values.len() < 2, "header `{name}` stands there more than once: {values:?}");
        values.first().copied()
    }

    /// All values of a header, its name in any case.
    #[must_use]
    pub fn header_all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The content as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Reads the response to a request of this method; `None` if none came.
pub(super) fn read(client: &mut Client, method: &str) -> Option<Response> {
    let head = client.take_through(b"\r\n\r\n")?;
    let mut response = parse(&head)?;
    (response.body, response.framing) = match response.status {
        100..=199 | 204 | 304 => (Vec::new(), Framing::None),
        _ if method == "HEAD" => (after_head(client), Framing::None),
        _ => content(client, &response),
    };
    Some(response)
}

/// A response of this head, its content not read yet.
fn parse(head: &[u8]) -> Option<Response> {
    // Each byte a character, so that no header is lost for not being UTF-8.
    let head: String = head.iter().map(|&byte| char::from(byte)).collect();
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.splitn(3, ' ');
    let version = words.next().filter(|word| word.starts_with("HTTP/"))?.to_owned();
    let status = words.next()?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    Some(Response { version, status, headers, body: Vec::new(), framing: Framing::None })
}

/// What comes after the head of an answer to HEAD: nothing, if the server is right. To be sure the connection is
/// ended from this side and drained.
fn after_head(client: &mut Client) -> Vec<u8> {
    client.finish_sending();
    client.rest().unwrap_or_default()
}

fn content(client: &mut Client, response: &Response) -> (Vec<u8>, Framing) {
    let coding = response.header_all("transfer-encoding");
    if coding.iter().any(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return chunks(client);
    }
    let length = response.header_all("content-length").first().and_then(|length| length.parse().ok());
    let Some(length) = length else {
        return match client.rest() {
            Some(body) => (body, Framing::End),
            None => (client.take(usize::MAX), Framing::CutShort),
        };
    };
    let framing = if client.need(length) { Framing::Length } else { Framing::CutShort };
    (client.take(length), framing)
}

fn chunks(client: &mut Client) -> (Vec<u8>, Framing) {
    let mut body = Vec::new();
    loop {
        let line = client.take_through(b"\r\n").unwrap_or_default();
        let digits = String::from_utf8_lossy(&line);
        let digits = digits.split([';', '\r']).next().unwrap_or_default();
        let Ok(size) = usize::from_str_radix(digits.trim(), 16) else { return (body, Framing::CutShort) };
        let came = client.need(size + 2);
        body.extend(client.take(size));
        if !came {
            return (body, Framing::CutShort);
        }
        client.take(2);
        if size == 0 {
            return (body, Framing::Chunked);
        }
    }
}
