//! Raw requests that RFC 9112 forbids, or that servers in a chain read differently, and what each gets: on a file mount
//! and on a redirect, so on what reads no body at all.
//!
//! In a row, `<P>` stands for a path of the mount. What is expected are the statuses of all answers on the connection,
//! in order: `G` for a GET that is served (200, or 301 by the redirect), `P` for a POST (405, or 301). A row that is
//! refused gets one answer more than what was right before it, and never one for what it tried to smuggle.

use tests::client::Client;
use tests::config::{TempConfig, free_port};
use tests::server::Server;

/// What it is, the bytes, the statuses.
type Row = (&'static str, String, &'static str);

const MOUNTS: &str = ",\n\"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" },
    { \"mountpoint\": \"/go\", \"origin\": \">http://elsewhere.test/\" }]";

#[test]
fn every_row_gets_its_status_and_nothing_is_smuggled() {
    let port = free_port();
    let config = TempConfig::vhost(port, MOUNTS).www("index.html", "home").www("smuggled", "smuggled");
    let _server = Server::start(&config.compile());
    let rows: Vec<Row> = [
        request_lines(),
        targets(),
        hosts(),
        fields(),
        lengths(),
        codings(),
        both_framings(),
        chunks(),
        others(),
        limits(),
    ]
    .concat();
    assert!(rows.len() >= 120, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for (name, raw, expected) in &rows {
        for (path, get, post) in [("/", "200", "405"), ("/go", "301", "301")] {
            let expected = expected.replace('G', get).replace('P', post);
            let got = statuses(port, &raw.replace("<P>", path));
            if got != expected {
                wrong.push(format!("{name} at {path}: `{got}` instead of `{expected}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn a_refusal_is_whole_and_closes() {
    let port = free_port();
    let headers = ",\n\"headers\": [{ \"X-Ours\": \"yes\" }]";
    let config = TempConfig::vhost(port, &[headers, MOUNTS].concat()).www("index.html", "home");
    let _server = Server::start(&config.compile());
    let mut client = Client::tcp(port);
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\nX : y\r\n\r\n");
    let response = client.expect("GET");
    assert_eq!((response.status, response.version.as_str()), (400, "HTTP/1.1"));
    assert_eq!(response.header("connection"), Some("close"));
    assert_eq!(response.header("x-ours"), Some("yes"), "the headers of the vhost are on refusals too");
    assert!(
        response.header("date").is_some() && response.text().contains("400 Bad Request"),
        "{}",
        response.text()
    );
    assert_eq!(client.rest().as_deref(), Some(&b""[..]), "the connection stays open");
    let mut client = Client::tcp(port);
    client.send("HEAD / HTTP/1.1\r\nHost: a.test\r\nX : y\r\n\r\n");
    let response = client.expect("HEAD");
    assert_eq!((response.status, response.body.len()), (400, 0));
}

fn request_lines() -> Vec<Row> {
    let line = |name, line: &str, expected| (name, format!("{line}\r\nHost: a.test\r\n\r\n"), expected);
    vec![
        line("a good line", "GET <P> HTTP/1.1", "G"),
        line("HTTP/1.0", "GET <P> HTTP/1.0", "G"),
        line("two blanks before the target", "GET  <P> HTTP/1.1", "400"),
        line("two blanks before the version", "GET <P>  HTTP/1.1", "400"),
        line("a blank at the end", "GET <P> HTTP/1.1 ", "400"),
        line("a blank at the start", " GET <P> HTTP/1.1", "400"),
        line("a tab for a blank", "GET\t<P>\tHTTP/1.1", "400"),
        line("a form feed for a blank", "GET\x0c<P> HTTP/1.1", "400"),
        line("no version", "GET <P>", "400"),
        line("an empty version", "GET <P> ", "400"),
        line("no target", "GET HTTP/1.1", "400"),
        line("only a method", "GET", "400"),
        line("four words", "GET <P> <P> HTTP/1.1", "400"),
        line("a lower-case version", "GET <P> http/1.1", "400"),
        line("another protocol", "GET <P> HTTPS/1.1", "400"),
        line("a version without its point", "GET <P> HTTP/11", "400"),
        line("a version of two digits", "GET <P> HTTP/1.10", "400"),
        line("a version with a letter", "GET <P> HTTP/1.x", "400"),
        line("a version with a zero before it", "GET <P> HTTP/01.1", "400"),
        line("HTTP/2.0 as text", "GET <P> HTTP/2.0", "505"),
        line("HTTP/3.0 as text", "GET <P> HTTP/3.0", "505"),
        line("HTTP/0.9 with a version", "GET <P> HTTP/0.9", "505"),
        line("HTTP/1.2", "GET <P> HTTP/1.2", "505"),
        line("a method with a colon", "GE:T <P> HTTP/1.1", "400"),
        line("a method with a NUL", "GE\0T <P> HTTP/1.1", "400"),
        line("an empty method", " <P> HTTP/1.1", "400"),
        line("a method that nobody knows", "FROBNICATE <P> HTTP/1.1", "P"),
        line("a method beyond all length", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF <P> HTTP/1.1", "501"),
        line("a bare CR in the line", "GET <P>\rx HTTP/1.1", "400"),
        ("a bare LF after the line", "GET <P> HTTP/1.1\nHost: a.test\r\n\r\n".into(), "400"),
        ("bare LFs only", "GET <P> HTTP/1.1\nHost: a.test\n\n".into(), "400"),
        ("a CR CR LF after the line", "GET <P> HTTP/1.1\r\r\nHost: a.test\r\n\r\n".into(), "400"),
        ("one empty line before it", "\r\nGET <P> HTTP/1.1\r\nHost: a.test\r\n\r\n".into(), "G"),
        ("two empty lines before it", "\r\n\r\nGET <P> HTTP/1.1\r\nHost: a.test\r\n\r\n".into(), "400"),
        ("a bare LF before it", "\nGET <P> HTTP/1.1\r\nHost: a.test\r\n\r\n".into(), "400"),
        ("TLS on a plain port", "\x16\x03\x01\x02\0\x01\0\n\r\n\r\n".into(), "400"),
        ("words", "hello there\r\n\r\n".into(), "400"),
    ]
}

fn targets() -> Vec<Row> {
    let target = |name, target: &str, expected| {
        (name, format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n\r\n"), expected)
    };
    vec![
        target("a query", "<P>?a=b&c=d", "G"),
        target("what browsers leave as it is", "<P>?a=|{}^`\\[]", "G"),
        target("a fragment", "<P>#top", "400"),
        target("a quote", "<P>?\"", "400"),
        target("an angle", "<P>?<script>", "400"),
        target("a backslash in the path", "<P>\\..\\", "400"),
        target("bytes beyond ASCII", "<P>\u{e9}", "400"),
        target("a control character", "<P>\x01", "400"),
        target("DEL", "<P>\x7f", "400"),
        target("a NUL", "<P>\0", "400"),
        target("a bad escape", "<P>%zz", "400"),
        target("half an escape", "<P>%4", "400"),
        target("an escaped NUL", "<P>%00", "400"),
        target("no slash at the start", "index.html", "400"),
        target("a URL", "http://a.test<P>", "G"),
        target("a URL of another scheme", "ftp://a.test<P>", "400"),
        target("a URL without a host", "http://<P>", "400"),
        target("a URL with a user", "http://u@a.test<P>", "400"),
        target("a URL of another host", "http://b.test<P>", "400"),
        target("a host and port alone", "a.test:80", "400"),
        target("an asterisk", "*", "400"),
        ("CONNECT", "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n".into(), "501"),
    ]
}

fn hosts() -> Vec<Row> {
    let host = |name, fields: &str, expected| (name, format!("GET <P> HTTP/1.1\r\n{fields}\r\n"), expected);
    vec![
        host("no Host", "", "400"),
        host("an empty Host", "Host:\r\n", "400"),
        host("two Hosts", "Host: a.test\r\nHost: b.test\r\n", "400"),
        host("the same Host twice", "Host: a.test\r\nHost: a.test\r\n", "400"),
        host("two hosts in one", "Host: a.test, b.test\r\n", "400"),
        host("a Host with a blank", "Host: a.test b.test\r\n", "400"),
        host("a Host with a path", "Host: a.test/x\r\n", "400"),
        host("a Host with a user", "Host: u@a.test\r\n", "400"),
        host("a Host that is a URL", "Host: http://a.test\r\n", "400"),
        host("a Host with a query", "Host: a.test?x\r\n", "400"),
        host("a port", "Host: a.test:80\r\n", "G"),
        host("a port of letters", "Host: a.test:http\r\n", "400"),
        host("a port beyond all", "Host: a.test:123456\r\n", "400"),
        host("two ports", "Host: a.test:80:80\r\n", "400"),
        host("an IPv6 address", "Host: [::1]:80\r\n", "G"),
        host("an IPv6 address that does not end", "Host: [::1\r\n", "400"),
        host("text behind an IPv6 address", "Host: [::1]x\r\n", "400"),
        host("a Host beyond ASCII", "Host: \u{e9}.test\r\n", "400"),
        host("a folded Host", "Host:\r\n a.test\r\n", "400"),
        host("a blank before the colon of Host", "Host : a.test\r\n", "400"),
        host("blanks around a Host", "Host: \t a.test \t \r\n", "G"),
    ]
}

fn fields() -> Vec<Row> {
    let field = |name, field: &str, expected| {
        (name, format!("GET <P> HTTP/1.1\r\nHost: a.test\r\n{field}\r\n\r\n"), expected)
    };
    vec![
        field("an odd but legal name", "!#$%&'*+-.^_`|~: x", "G"),
        field("an empty value", "X:", "G"),
        field("a value beyond ASCII", "X: \u{e9}", "G"),
        field("a blank before the colon", "X : y", "400"),
        field("a tab before the colon", "X\t: y", "400"),
        field("a blank in the name", "X Y: z", "400"),
        field("no name", ": y", "400"),
        field("no colon", "X", "400"),
        field("a name in parentheses", "(X): y", "400"),
        field("a name beyond ASCII", "\u{e9}: y", "400"),
        field("a NUL in the name", "X\0: y", "400"),
        field("a control character in the name", "X\x0b: y", "400"),
        field("a NUL in the value", "X: a\0b", "400"),
        field("a control character in the value", "X: a\x01b", "400"),
        field("a vertical tab in the value", "X: \x0bb", "400"),
        field("DEL in the value", "X: \x7f", "400"),
        field("a bare CR in the value", "X: a\rY: b", "400"),
        field("a bare CR at the end", "X: a\r", "400"),
        field("a bare LF between fields", "X: a\nY: b", "400"),
        field("a folded value", "X: a\r\n b", "400"),
        field("a value folded with a tab", "X: a\r\n\tb", "400"),
        field("a blank before the first field", " X: a", "400"),
        ("a bare LF at the end of the head", "GET <P> HTTP/1.1\r\nHost: a.test\r\n\n".into(), "400"),
        (
            "a blank line that is not empty",
            "GET <P> HTTP/1.1\r\nHost: a.test\r\n \r\nGET /smuggled HTTP/1.1\r\n\r\n".into(),
            "400",
        ),
    ]
}

/// A request to follow what should have ended before it.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n";

fn post(fields: &str, body: &str) -> String {
    format!("POST <P> HTTP/1.1\r\nHost: a.test\r\n{fields}\r\n{body}")
}

fn lengths() -> Vec<Row> {
    let length = |name, fields: &str, expected| (name, post(fields, &["abc", SMUGGLED].concat()), expected);
    vec![
        ("a length", post("Content-Length: 3\r\n", "abc"), "P"),
        ("a length with zeros before it", post("Content-Length: 0003\r\n", "abc"), "P"),
        ("two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abc"), "400"),
        length("the same length twice", "Content-Length: 3\r\nContent-Length: 3\r\n", "400"),
        length("a list of lengths", "Content-Length: 3, 3\r\n", "400"),
        length("a list of unequal lengths", "Content-Length: 3,40\r\n", "400"),
        length("a positive length", "Content-Length: +3\r\n", "400"),
        length("a negative length", "Content-Length: -3\r\n", "400"),
        length("a hexadecimal length", "Content-Length: 0x3\r\n", "400"),
        length("a length with a point", "Content-Length: 3.0\r\n", "400"),
        length("a length with an exponent", "Content-Length: 3e0\r\n", "400"),
        length("a length with a blank in it", "Content-Length: 3 0\r\n", "400"),
        length("a length in quotes", "Content-Length: \"3\"\r\n", "400"),
        length("an empty length", "Content-Length: \r\n", "400"),
        length("a length with a comma", "Content-Length: 3,\r\n", "400"),
        length("a length with an underscore", "Content-Length: 1_0\r\n", "400"),
        length("a length beyond 64 bits", "Content-Length: 18446744073709551619\r\n", "413"),
        length("a length beyond all", "Content-Length: 99999999999999999999999999999999\r\n", "413"),
        length("a folded length", "Content-Length:\r\n 3\r\n", "400"),
        length("a blank before the colon of the length", "Content-Length : 3\r\n", "400"),
        length("a length spelt with an underscore", "Content_Length: 3\r\n", "400"),
        length("a length after a bare CR", "X: y\rContent-Length: 3\r\n", "400"),
        length("a length after a bare LF", "X: y\nContent-Length: 3\r\n", "400"),
        (
            "a GET with a body is one request",
            format!(
                "GET <P> HTTP/1.1\r\nHost: a.test\r\nContent-Length: {}\r\n\r\n{SMUGGLED}",
                SMUGGLED.len()
            ),
            "G",
        ),
        (
            "a POST whose body is a request",
            post(&format!("Content-Length: {}\r\n", SMUGGLED.len()), SMUGGLED),
            "P",
        ),
        (
            "a HEAD whose body is a request",
            format!(
                "HEAD <P> HTTP/1.1\r\nHost: a.test\r\nContent-Length: {}\r\n\r\n{SMUGGLED}",
                SMUGGLED.len()
            ),
            "G",
        ),
    ]
}

fn codings() -> Vec<Row> {
    let coding = |name, value: &str, expected| {
        let body = ["0\r\n\r\n", SMUGGLED].concat();
        (name, post(&format!("{value}\r\n"), &body), expected)
    };
    vec![
        ("chunked", post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), "P"),
        ("chunked in capitals", post("TRANSFER-ENCODING: CHUNKED\r\n", "0\r\n\r\n"), "P"),
        ("chunked between blanks", post("Transfer-Encoding: \t chunked \t \r\n", "0\r\n\r\n"), "P"),
        coding("identity", "Transfer-Encoding: identity", "400"),
        coding("a coding that nobody knows", "Transfer-Encoding: xchunked", "400"),
        coding("a coding that is not chunked", "Transfer-Encoding: gzip", "400"),
        coding("a coding before chunked", "Transfer-Encoding: gzip, chunked", "501"),
        coding("a coding after chunked", "Transfer-Encoding: chunked, identity", "400"),
        coding("chunked twice in one", "Transfer-Encoding: chunked, chunked", "400"),
        coding("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "400"),
        coding("chunked and another", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "400"),
        coding("another and chunked", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked", "400"),
        coding("an empty coding", "Transfer-Encoding:", "400"),
        coding("a comma before", "Transfer-Encoding: ,chunked", "400"),
        coding("a comma after", "Transfer-Encoding: chunked,", "400"),
        coding("a parameter", "Transfer-Encoding: chunked;q=1", "400"),
        coding("quotes", "Transfer-Encoding: \"chunked\"", "400"),
        coding("a vertical tab before", "Transfer-Encoding:\x0bchunked", "400"),
        coding("a NUL before", "Transfer-Encoding: \0chunked", "400"),
        coding("a tab in the name", "Transfer-Encoding\t: chunked", "400"),
        coding("a blank in the name", "Transfer-Encoding : chunked", "400"),
        coding("an underscore in the name", "Transfer_Encoding: chunked", "400"),
        coding("a folded coding", "Transfer-Encoding:\r\n chunked", "400"),
        coding("a coding on a folded line", "X: y\r\n Transfer-Encoding: chunked", "400"),
        coding("a coding after a bare CR", "X: y\rTransfer-Encoding: chunked", "400"),
        coding("a coding after a bare LF", "X: y\nTransfer-Encoding: chunked", "400"),
        coding("a letter that only looks like k", "Transfer-Encoding: chun\u{212a}ed", "400"),
        (
            "chunked in HTTP/1.0",
            "POST <P> HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
            "400",
        ),
    ]
}

fn both_framings() -> Vec<Row> {
    let both = |name, fields: &str, expected| {
        let body = ["0\r\n\r\n", SMUGGLED].concat();
        (name, post(fields, &body), expected)
    };
    vec![
        both("CL.TE", "Content-Length: 45\r\nTransfer-Encoding: chunked\r\n", "400"),
        both("TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "400"),
        both("a length of zero and chunked", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "400"),
        both("a length and identity", "Content-Length: 5\r\nTransfer-Encoding: identity\r\n", "400"),
        both("a bad length and chunked", "Content-Length: x\r\nTransfer-Encoding: chunked\r\n", "400"),
        (
            "both on a GET",
            "GET <P> HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
            "400",
        ),
        (
            "both behind a good request",
            ["GET <P> HTTP/1.1\r\nHost: a.test\r\n\r\n", &post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")].concat(),
            "G 400",
        ),
    ]
}

fn chunks() -> Vec<Row> {
    let chunks = |name, body: &str, expected| (name, post("Transfer-Encoding: chunked\r\n", body), expected);
    vec![
        chunks("two chunks", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "P"),
        chunks("zeros before a size", "0003\r\nabc\r\n000\r\n\r\n", "P"),
        chunks("an extension", "3;a=b;c=\"d\"\r\nabc\r\n0\r\n\r\n", "P"),
        chunks("a trailer", "3\r\nabc\r\n0\r\nX: y\r\n\r\n", "P"),
        chunks("a size with 0x", "0x3\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("a signed size", "+3\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("a negative size", "-3\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("an empty size", "\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("a size of letters", "xyz\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("a size with an underscore", "1_0\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("a blank before a size", " 3\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("a blank after a size", "3 \r\nabc\r\n0\r\n\r\n", "400"),
        chunks("a tab after a size", "3\t\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("a blank before an extension", "3 ;a=b\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("a size beyond 64 bits", "10000000000000003\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("a size of 64 bits", "ffffffffffffffff\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("a size that ends in a bare LF", "3\nabc\r\n0\r\n\r\n", "400"),
        chunks("a size that ends in a bare CR", "3\rabc\r\n0\r\n\r\n", "400"),
        chunks("a bare LF in an extension (TERM.EXT)", "3;\nx\r\n0\r\n\r\n", "400"),
        chunks("a bare CR in an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("a NUL in an extension", "3;a\0b\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("an extension beyond all", &format!("3;{}\r\nabc\r\n0\r\n\r\n", "a".repeat(2000)), "400"),
        chunks("a chunk that is longer than its size", "2\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("a chunk that is shorter than its size", "4\r\nabc\r\n0\r\n\r\n", "400"),
        chunks("a chunk that ends in a bare LF (SPILL)", "3\r\nabc\n0\r\n\r\n", "400"),
        chunks("a chunk that ends in other two bytes", "3\r\nabcXX0\r\n\r\n", "400"),
        chunks("a last chunk with a bare LF", "0\n\n", "400"),
        chunks("a last chunk that ends in LF only", "0\r\n\n", "400"),
        chunks("a trailer without a colon", "0\r\nX\r\n\r\n", "400"),
        chunks("a trailer with a blank before its colon", "0\r\nX : y\r\n\r\n", "400"),
        chunks("a folded trailer", "0\r\nX: y\r\n z\r\n\r\n", "400"),
        chunks("a trailer with a NUL", "0\r\nX: \0\r\n\r\n", "400"),
        chunks("a trailer that is a length", "0\r\nContent-Length: 3\r\n\r\n", "400"),
        chunks("a trailer that is a coding", "0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        chunks("a trailer that is a Host", "0\r\nHost: b.test\r\n\r\n", "400"),
        chunks("a request for a trailer", "0\r\nGET /smuggled HTTP/1.1\r\n\r\n", "400"),
        chunks(
            "what follows the last chunk is a request",
            "0\r\n\r\nGET <P> HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
            "P G",
        ),
        chunks("what follows the last chunk is none", "0\r\n\r\nX", "P 400"),
    ]
}

fn others() -> Vec<Row> {
    let get = "GET <P> HTTP/1.1\r\nHost: a.test\r\n\r\n";
    vec![
        ("three at once", get.repeat(3), "G G G"),
        ("a bad one between good ones", [get, "GET <P> HTTP/1.1\r\n\r\n", get].concat(), "G 400"),
        ("an expectation", post("Expect: 100-continue\r\nContent-Length: 0\r\n", ""), "P"),
        ("an expectation that nobody knows", post("Expect: x\r\nContent-Length: 3\r\n", "abc"), "417"),
        ("an obfuscated expectation", post("Expect: y 100-continue\r\nContent-Length: 3\r\n", "abc"), "417"),
        ("half a head", "GET <P> HTTP/1.1\r\nHost: a.test\r\n".into(), "400"),
        ("a name for another hop", "GET <P> HTTP/1.1\r\nHost: a.test\r\nConnection: Host, X\r\n\r\n".into(), "G"),
        (
            "an upgrade to nothing, and more behind it",
            ["GET <P> HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", get, "x\n"].concat(),
            "G G 400",
        ),
        (
            "an upgrade to h2c, and its preface",
            ["GET <P> HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"].concat(),
            "G 505",
        ),
    ]
}

fn limits() -> Vec<Row> {
    let with = |name, field: String, expected| {
        (name, format!("GET <P> HTTP/1.1\r\nHost: a.test\r\n{field}\r\n"), expected)
    };
    let target = |name, length, expected| {
        (name, format!("GET <P>?{} HTTP/1.1\r\nHost: a.test\r\n\r\n", "x".repeat(length)), expected)
    };
    vec![
        target("a long target", 8000, "G"),
        target("a target that is too long", 8200, "414"),
        target("a target that is much too long", 100_000, "414"),
        with("a long field", format!("X: {}\r\n", "x".repeat(30_000)), "G"),
        with("a field that is too long", format!("X: {}\r\n", "x".repeat(40_000)), "431"),
        with("a field that is much too long", format!("X: {}\r\n", "x".repeat(400_000)), "431"),
        with("many fields", "X: y\r\n".repeat(99), "G"),
        with("too many fields", "X: y\r\n".repeat(100), "431"),
        with("much too many fields", "X: y\r\n".repeat(10_000), "431"),
        (
            "trailers that are too large",
            post("Transfer-Encoding: chunked\r\n", &format!("0\r\nX: {}\r\n\r\n", "x".repeat(9000))),
            "431",
        ),
        (
            "too many trailers",
            post("Transfer-Encoding: chunked\r\n", &format!("0\r\n{}\r\n", "X: y\r\n".repeat(70))),
            "431",
        ),
    ]
}

/// The statuses of all answers to these bytes, which are all that the client sends.
fn statuses(port: u16, raw: &str) -> String {
    let mut client = Client::tcp(port);
    // Each character is a byte or, beyond ASCII, several: none of them is ASCII.
    client.send(raw.as_bytes());
    client.finish_sending();
    let answers = client.rest().expect("the server ends it");
    let answers = String::from_utf8_lossy(&answers);
    let found = answers.match_indices("HTTP/1.").map(|(at, mark)| &answers[at + mark.len() + 2..][..3]);
    found.collect::<Vec<_>>().join(" ")
}
