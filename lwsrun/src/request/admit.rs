//! Which host a request is for, and whether it may have one at all (RFC 9112, section 3.2).

use http::header::HOST;
use http::{Request, Version};

use crate::response::error::Refusal;

/// The host that a request names: of an absolute target or `:authority` if it has one, else of its Host header.
/// `None` where an HTTP/1.0 request names none.
///
/// # Errors
/// Refused are HTTP/1.1 and HTTP/2 requests without a host, several Host headers, one that is not visible ASCII,
/// and one that disagrees with an absolute target.
pub(crate) fn host<B>(request: &Request<B>) -> Result<Option<&str>, Refusal> {
    let mut fields = request.headers().get_all(HOST).iter();
    let field = fields.next().map(|value| value.to_str().map_err(|_| Refusal::BadRequest)).transpose()?;
    if fields.next().is_some() {
        return Err(Refusal::BadRequest);
    }
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    match (authority, field) {
        (Some(authority), Some(field)) if !authority.eq_ignore_ascii_case(field) => Err(Refusal::BadRequest),
        (Some(authority), _) => Ok(Some(authority)),
        (None, Some("")) => Err(Refusal::BadRequest),
        (None, Some(field)) if !is_host(field) => Err(Refusal::BadRequest),
        (None, Some(field)) => Ok(Some(field)),
        (None, None) if request.version() <= Version::HTTP_10 => Ok(None),
        (None, None) => Err(Refusal::BadRequest),
    }
}

/// Whether a field can be a host with or without a port (RFC 3986, section 3.2.2): no blank, no delimiter.
fn is_host(field: &str) -> bool {
    field.bytes().all(|byte| LEGAL[usize::from(byte)])
}

/// What each byte is in a host. A table, since each byte of each request's host is looked at.
static LEGAL: [bool; 256] = {
    let mut legal = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        legal[byte as usize] = !matches!(
            byte,
            b'/' | b'?' | b'#' | b'@' | b'\\' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}'
        );
        byte += 1;
    }
    legal
};

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(version: Version, target: &str, hosts: &[&str]) -> Result<Option<String>, Refusal> {
        let mut request = Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        host(&request.body(()).unwrap()).map(|host| host.map(str::to_owned))
    }

    #[test]
    fn one_host_and_no_more() {
        let named = |host: &str| Ok(Some(host.to_owned()));
        assert_eq!(ask(Version::HTTP_11, "/", &["a.test:80"]), named("a.test:80"));
        assert_eq!(ask(Version::HTTP_11, "http://a.test/x", &["A.test"]), named("a.test"));
        assert_eq!(ask(Version::HTTP_2, "https://a.test/x", &[]), named("a.test"));
        assert_eq!(ask(Version::HTTP_10, "/", &[]), Ok(None));
        assert_eq!(ask(Version::HTTP_11, "/", &[]), Err(Refusal::BadRequest));
        assert_eq!(ask(Version::HTTP_11, "/", &[""]), Err(Refusal::BadRequest));
        assert_eq!(ask(Version::HTTP_11, "/", &["a", "a"]), Err(Refusal::BadRequest));
        assert_eq!(ask(Version::HTTP_11, "/", &["a/b"]), Err(Refusal::BadRequest));
        assert_eq!(ask(Version::HTTP_11, "/", &["a b"]), Err(Refusal::BadRequest));
        assert_eq!(ask(Version::HTTP_11, "http://a.test/", &["b.test"]), Err(Refusal::BadRequest));
    }
}
