//! RFC 9113, section 8: requests.

use super::*;

/// The rules.
pub(super) fn rules() -> Vec<Rule> {
    let usual = [(":method", "GET"), (":scheme", "https"), (":authority", "a.test"), (":path", "/")];
    let with = |name, value| fields(&[&usual[..], &[(name, value)]].concat());
    let trailers =
        |flags, list| [post(&[]), frame(DATA, 0, 1, b"x"), frame(HEADERS, flags, 1, &block(list))].concat();
    vec![
        ("8.1", "trailers", trailers(GET, &[("x-sum", "1")]), Answer(1, 405)),
        ("8.1", "trailers that do not end the stream", trailers(END_HEADERS, &[("x-sum", "1")]), Malformed),
        (
            "8.1",
            "a pseudo-field in the trailers, which is dropped",
            trailers(GET, &[(":path", "/")]),
            Answer(1, 405),
        ),
        ("8.1.1", "content longer than it says", post_of(&[("content-length", "3")], &[b"four"]), Malformed),
        ("8.1.1", "content shorter than it says", post_of(&[("content-length", "3")], &[b"tw"]), Malformed),
        (
            "8.1.1",
            "content longer than it says, in two frames",
            post_of(&[("content-length", "3")], &[b"tw", b"oo"]),
            Malformed,
        ),
        ("8.1.1", "no content where it says some", with("content-length", "5"), Malformed),
        ("8.1.1", "a length that is no number", with("content-length", "x"), Malformed),
        ("8.2.1", "a name in capitals", with("Upper", "x"), Malformed),
        ("8.2.1", "a name with a blank", with("a b", "x"), Malformed),
        ("8.2.1", "a value with a line end", with("a", "x\r\nb: c"), Malformed),
        ("8.2.1", "a value with a NUL", with("a", "x\0"), Malformed),
        ("8.2.2", "`connection`", with("connection", "keep-alive"), Malformed),
        ("8.2.2", "`keep-alive`", with("keep-alive", "9"), Malformed),
        ("8.2.2", "`proxy-connection`", with("proxy-connection", "close"), Malformed),
        ("8.2.2", "`transfer-encoding`", with("transfer-encoding", "chunked"), Malformed),
        ("8.2.2", "`upgrade`", with("upgrade", "websocket"), Malformed),
        ("8.2.2", "`te` other than `trailers`", with("te", "gzip"), Malformed),
        ("8.2.2", "`te: trailers`", with("te", "trailers"), Answer(1, 200)),
        ("8.3", "a pseudo-field that nobody knows", with(":unknown", "x"), Malformed),
        ("8.3", "a pseudo-field of answers", with(":status", "200"), Malformed),
        (
            "8.3",
            "a pseudo-field behind others",
            fields(&[&usual[..3], &[("a", "b"), usual[3]]].concat()),
            Malformed,
        ),
        ("8.3.1", "no method", fields(&usual[1..]), Malformed),
        ("8.3.1", "no scheme", fields(&[usual[0], usual[2], usual[3]]), Malformed),
        ("8.3.1", "no path", fields(&usual[..3]), Malformed),
        ("8.3.1", "an empty path", fields(&[&usual[..3], &[(":path", "")]].concat()), Malformed),
        ("8.3.1", "a method twice", with(":method", "GET"), Malformed),
        ("8.3.1", "a scheme twice", with(":scheme", "https"), Malformed),
        ("8.3.1", "a path twice", with(":path", "/"), Malformed),
        ("8.3.1", "another host than the authority", with("host", "b.test"), Malformed),
    ]
}
