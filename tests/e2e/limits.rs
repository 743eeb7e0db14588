//! Limits that have a key: what a client may take, and the status that it gets beyond it.

use tests::client::{Client, get};
use tests::config::{TempConfig, free_port};
use tests::h2::{self, Connection, DATA, END_HEADERS, END_STREAM, HEADERS};
use tests::server::Server;
use tests::upstream::{Upstream, head};

use super::WWW;

/// Settings without a table of header fields (SETTINGS_HEADER_TABLE_SIZE), so that each status is spelled out.
const NO_TABLE: [(u16, u32); 1] = [(1, 0)];

/// A site whose `global` holds these keys.
fn limited(keys: &str) -> (u16, TempConfig, Server) {
    let port = free_port();
    let config = TempConfig::vhost(port, WWW)
        .conf(&format!("{{ \"global\": {{ {keys} }} }}"))
        .www("index.html", "home");
    let server = Server::start(&config.compile());
    (port, config, server)
}

fn status(port: u16, head: &str) -> u16 {
    let mut client = Client::tcp(port);
    client.send(head);
    let status = client.expect("GET").status;
    assert!(status == 200 || client.rest().is_some(), "a connection that was refused stays open");
    status
}

#[test]
fn the_size_of_a_head_is_limited_by_keys() {
    let keys = "\"limit-request-line\": 300, \"limit-request-head\": 2000, \"limit-request-fields\": 10";
    let (port, _config, _server) = limited(keys);
    let line = |length: usize| {
        format!("GET /?{} HTTP/1.1\r\nHost: a.test\r\n\r\n", "q".repeat(length - "GET /? HTTP/1.1\r\n".len()))
    };
    assert_eq!(status(port, &line(300)), 200);
    assert_eq!(status(port, &line(301)), 414);
    let head = |length: usize| {
        let rest = "GET / HTTP/1.1\r\nHost: a.test\r\nX: \r\n\r\n".len();
        format!("GET / HTTP/1.1\r\nHost: a.test\r\nX: {}\r\n\r\n", "x".repeat(length - rest))
    };
    assert_eq!(status(port, &head(2000)), 200);
    assert_eq!(status(port, &head(2001)), 431);
    let fields =
        |count: usize| format!("GET / HTTP/1.1\r\nHost: a.test\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    assert_eq!(status(port, &fields(10)), 200);
    assert_eq!(status(port, &fields(11)), 431);
}

#[test]
fn more_than_usual_can_be_allowed() {
    let keys = "\"limit-request-line\": 60000, \"limit-request-head\": 200000, \"limit-request-fields\": 500";
    let (port, _config, _server) = limited(keys);
    let line = format!("GET /?{} HTTP/1.1\r\nHost: a.test\r\n", "q".repeat(50_000));
    let fields = format!("X: {}\r\n", "x".repeat(250)).repeat(490);
    assert_eq!(status(port, &[&line, &*fields, "\r\n"].concat()), 200);
}

#[test]
fn content_is_limited_by_a_key() {
    let (port, _config, _server) = limited("\"limit-request-body\": 10");
    let post = |length: usize| {
        let mut client = Client::tcp(port);
        client.send(format!("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: {length}\r\n\r\n"));
        client.send("x".repeat(length));
        client.expect("POST").status
    };
    assert_eq!(post(10), 405);
    assert_eq!(post(11), 413);
    assert_eq!(get(port, "a.test", "/").text(), "home");
}

/// A site with a mount of each kind that reads content.
fn readers(keys: &str) -> (u16, TempConfig, Server) {
    let upstream = Upstream::start(|_, mut client| {
        let _ = head(&mut client);
        if client.take_through(b"0\r\n\r\n").is_some() {
            client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let port = free_port();
    let mounts = format!(
        ", \"ws-protocols\": [{{ \"protocol-post-demo\": {{ \"status\": \"ok\" }} }}], \"mounts\": [
        {{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" }},
        {{ \"mountpoint\": \"/go\", \"origin\": \">https://b.test\" }},
        {{ \"mountpoint\": \"/form\", \"origin\": \"callback://protocol-post-demo\" }},
        {{ \"mountpoint\": \"/count\", \"origin\": \"cgi://@DIR@/bin/count\", \"cgi-timeout\": 60 }},
        {{ \"mountpoint\": \"/px\", \"origin\": \"http://127.0.0.1:{}/\" }} ]",
        upstream.port
    );
    let count = "#!/bin/sh\ncount=$(wc -c)\nprintf 'Content-Type: text/plain\n\n%s' $count\n";
    let config = TempConfig::vhost(port, &mounts)
        .conf(&format!("{{ \"global\": {{ {keys} }} }}"))
        .www("index.html", "home")
        .program("bin/count", count);
    let server = Server::start(&config.compile());
    (port, config, server)
}

#[test]
fn content_of_unknown_length_is_limited_on_every_mount() {
    let (port, _config, _server) = readers("\"limit-request-body\": 20");
    // What does not read content answers before it comes.
    for (path, usual, beyond) in
        [("/", 405, 405), ("/go", 301, 301), ("/form", 200, 413), ("/count", 200, 413), ("/px/", 200, 413)]
    {
        for (bytes, expected) in [(20, usual), (21, beyond), (100_000, beyond)] {
            let mut client = Client::tcp(port);
            client.send(format!(
                "POST {path} HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                 Transfer-Encoding: chunked\r\n\r\n"
            ));
            let text = "text=".to_owned() + &"x".repeat(bytes - 5);
            for piece in text.as_bytes().chunks(7) {
                client.send([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
            }
            // Beyond the limit nobody needs to see the end to know.
            if expected != 413 {
                client.send("0\r\n\r\n");
            }
            assert_eq!(client.expect("POST").status, expected, "{path}: {bytes} bytes");
            if expected == 413 {
                assert!(client.rest().is_some(), "{path}: the connection stays open");
            }
        }
    }
    assert_eq!(get(port, "a.test", "/").text(), "home");
}

#[test]
fn content_of_unknown_length_is_limited_in_http_2() {
    let (port, _config, _server) = readers("\"limit-request-body\": 20");
    let mut connection = Connection::open(Client::tcp(port), &NO_TABLE);
    let mut stream = 1;
    for path in ["/form", "/count", "/px/"] {
        for (bytes, expected) in [(20, 200), (21, 413)] {
            let kind = [("content-type", "application/x-www-form-urlencoded")];
            let head = [h2::request("POST", path), h2::block(&kind)].concat();
            connection.send(HEADERS, END_HEADERS, stream, &head);
            let text = "text=".to_owned() + &"x".repeat(bytes - 5);
            connection.send(DATA, 0, stream, text.as_bytes());
            if expected == 200 {
                connection.send(DATA, END_STREAM, stream, &[]);
            }
            assert_eq!(connection.answer(stream).0, expected, "{path}: {bytes} bytes");
            stream += 2;
        }
    }
    connection.ask(stream, "/");
    assert_eq!(connection.answer(stream), (200, b"home".to_vec()));
}

#[test]
fn requests_that_wait_are_limited_by_a_key() {
    for (most, waiting) in [(1, 1), (100, 12)] {
        let (port, _config, server) = readers(&format!("\"limit-requests\": {most}, \"count-threads\": 1"));
        let mut connection = Connection::open(Client::tcp(port), &NO_TABLE);
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let head = [h2::request("POST", "/form"), h2::block(&kind)].concat();
        let streams: Vec<u32> = (0..20).map(|number| 2 * number + 1).collect();
        for &stream in &streams {
            connection.send(HEADERS, END_HEADERS, stream, &head);
        }
        let mut next = || {
            let frame = connection.next_that(|frame| frame.kind == HEADERS).unwrap();
            (frame.stream, h2::status_of(h2::content(frame.flags, &frame.payload)))
        };
        let (first, beyond) = streams.split_at(waiting);
        let mut refused: Vec<_> = beyond.iter().map(|_| next()).collect();
        refused.sort_unstable();
        assert!(
            refused.iter().copied().eq(beyond.iter().map(|&stream| (stream, 503))),
            "{most}: {refused:?}"
        );
        let said = server.line_with("`limit-requests`");
        assert!(said.contains("conf.d/site:1: vhost `a.test`: \"POST /form\" answered 503: "), "{said}");
        for &stream in first {
            connection.send(DATA, END_STREAM, stream, b"text=x");
            assert_eq!(connection.answer(stream).0, 200, "{most}: {stream}");
        }
        // There is room again.
        let last = streams.last().unwrap() + 2;
        connection.send(HEADERS, END_HEADERS, last, &head);
        connection.send(DATA, END_STREAM, last, b"text=x");
        assert_eq!(connection.answer(last).0, 200);
    }
}
