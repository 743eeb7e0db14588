//! What is passed on, what is not, and what is changed on the way.

use tests::PATIENCE;
use tests::client::Client;
use tests::h2::{Connection, END_HEADERS, END_STREAM, HEADERS, block};
use tests::server::Server;
use tests::upstream::{Upstream, head};

use super::{ask, before, get, noting};
use crate::{TempConfig, free_port, site};

#[test]
fn a_request_comes_as_the_upstream_wants_it() {
    let (upstream, noted) = noting();
    let site = before(&upstream, "");
    let response = ask(
        &site,
        "PATCH /px/a%3Bb//c?q=/../%2f HTTP/1.1\r\nHost: a.test:81\r\nConnection: x-mine, keep-alive\r\nX-Mine: 1\r\n\
         Keep-Alive: 9\r\nTE: trailers, gzip\r\nProxy: http://evil\r\nProxy-Authorization: x\r\nUpgrade: other\r\n\
         X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: gopher\r\nForwarded: for=_a\r\nVia: 1.0 edge\r\n\
         Authorization: Basic eDp5\r\nX-Kept: yes\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!((response.status, response.text().as_str()), (200, "ok"));
    let head = noted.recv_timeout(PATIENCE).unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("patch /inner/a%3bb/c?q=/../%2f http/1.1"));
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    let host = format!("host: 127.0.0.1:{}", upstream.port);
    for wanted in [
        host.as_str(),
        "x-forwarded-for: 9.9.9.9, 127.0.0.1",
        "x-forwarded-proto: http",
        "x-forwarded-host: a.test:81",
        "forwarded: for=_a, for=127.0.0.1;host=\"a.test:81\";proto=http",
        "via: 1.0 edge, 1.1 lwsrun",
        "authorization: basic edp5",
        "te: trailers",
        "connection: te",
        "x-kept: yes",
        "content-length: 0",
    ] {
        assert!(lines.contains(&wanted), "no `{wanted}` in {head}");
    }
    assert_eq!(lines.len(), 11, "{head}");
}

#[test]
fn what_tells_who_asked_is_kept_whole() {
    let (upstream, noted) = noting();
    let site = before(&upstream, "");
    let mut client = Client::tcp(site.port);
    // A connection's own fields cannot take it away, nor do bytes that are not ASCII.
    client.send(
        b"GET /px/ HTTP/1.1\r\nHost: a.test\r\nConnection: x-forwarded-for, via\r\nX-Forwarded-For: 9.9.9.9\r\n\
          X-Forwarded-For: \xff\r\nX-Forwarded-For: 8.8.8.8\r\nVia: 1.0 edge\r\nX_Forwarded-For: 6.6.6.6\r\n\
          Of_No_Meaning: 1\r\n\r\n",
    );
    assert_eq!(client.expect("GET").status, 200);
    let head = noted.recv_timeout(PATIENCE).unwrap();
    assert!(head.contains("\r\nx-forwarded-for: 9.9.9.9, \u{fffd}, 8.8.8.8, 127.0.0.1\r\n"), "{head}");
    assert!(head.contains("\r\nvia: 1.0 edge, 1.1 lwsrun\r\n"), "{head}");
    // What some programs would take for the same names is taken out.
    assert!(!head.contains("6.6.6.6"), "{head}");
    assert!(head.contains("\r\nof_no_meaning: 1\r\n"), "{head}");
}

#[test]
fn cookies_that_came_apart_go_out_together() {
    let (upstream, noted) = noting();
    let site = before(&upstream, "");
    let mut connection = Connection::open(Client::tcp(site.port), &[]);
    let fields = [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "a.test"),
        (":path", "/px/"),
        ("cookie", "a=1"),
        ("cookie", "b=2"),
    ];
    connection.send(HEADERS, END_STREAM | END_HEADERS, 1, &block(&fields));
    assert_eq!(connection.answer(1), (200, b"ok".to_vec()));
    let head = noted.recv_timeout(PATIENCE).unwrap();
    assert!(head.contains("\r\ncookie: a=1; b=2\r\n"), "{head}");
}

#[test]
fn an_answer_comes_as_the_client_wants_it() {
    let upstream = Upstream::answering(
        "HTTP/1.1 201 Created\r\nServer: internal 7\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\
         Location: /inner/new?a#b\r\nContent-Location: /elsewhere\r\nSet-Cookie: a=b; Path=/inner; HttpOnly\r\n\
         Set-Cookie: c=d\r\nStrict-Transport-Security: max-age=1\r\nX-Kept: yes\r\nContent-Length: 2\r\n\r\nok",
    );
    let site = before(&upstream, ", \"headers\": [{ \"x-mount\": \"m\" }], \"cache-max-age\": \"9\"");
    let response = get(&site, "/px/");
    assert_eq!((response.status, response.text().as_str()), (201, "ok"));
    assert_eq!(response.header("location"), Some("/px/new?a#b"));
    assert_eq!(response.header("content-location"), Some("/elsewhere"));
    assert_eq!(response.header_all("set-cookie"), ["a=b; Path=/px; HttpOnly", "c=d"]);
    assert_eq!((response.header("x-kept"), response.header("x-mount")), (Some("yes"), Some("m")));
    for gone in ["server", "connection", "x-hop", "keep-alive", "strict-transport-security"] {
        assert_eq!(response.header(gone), None, "{gone}");
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn caching_is_the_upstreams_unless_the_mount_says_otherwise() {
    let upstream =
        || Upstream::answering("HTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Length: 0\r\n\r\n");
    let plain = before(&upstream(), "");
    assert_eq!(get(&plain, "/px/").header("cache-control"), Some("private"));
    let cached = before(&upstream(), ", \"cache-max-age\": \"9\", \"cache-reuse\": \"1\"");
    assert_eq!(get(&cached, "/px/").header("cache-control"), Some("private, max-age=9"));
}

#[test]
fn every_framing_of_an_answer_is_understood() {
    for (answer, status, text) in [
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 200, "abc"),
        (
            "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
            200,
            "a",
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        ("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", 304, ""),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", 404, "none"),
    ] {
        let upstream = Upstream::answering(answer);
        let site = before(&upstream, "");
        let mut client = Client::tcp(site.port);
        for _ in 0..3 {
            let response = client.get("a.test", "/px/x");
            assert_eq!((response.status, response.text().as_str()), (status, text), "{answer}");
        }
        assert_eq!(upstream.connections(), 1, "{answer}");
    }
    let closing = Upstream::start(|_, mut client| {
        let _ = head(&mut client);
        client.send("HTTP/1.0 200 OK\r\n\r\nto the end");
    });
    let site = before(&closing, "");
    assert_eq!(get(&site, "/px/").text(), "to the end");
}

#[test]
fn head_is_asked_as_head() {
    let upstream = Upstream::start(|_, mut client| {
        while let Some(head) = head(&mut client) {
            assert!(head.starts_with("head /inner/x "));
            client.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
        }
    });
    let site = before(&upstream, "");
    for _ in 0..2 {
        let response = ask(&site, "HEAD /px/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
        assert_eq!((response.status, response.header("content-length")), (200, Some("99")));
        assert!(response.body.is_empty());
    }
}

#[test]
fn trailers_go_both_ways() {
    let upstream = Upstream::start(|_, mut client| {
        let head = head(&mut client).unwrap();
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        let content = client.take_through(b"\r\n\r\n").unwrap();
        let seen = String::from_utf8_lossy(&content).contains("x-sum: 7");
        client.send(format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-back\r\n\r\n1\r\n{}\r\n0\r\nx-back: 8\r\n\r\n",
            u8::from(seen)
        ));
    });
    let site = before(&upstream, "");
    let mut client = Client::tcp(site.port);
    client.send(
        "POST /px/ HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nConnection: te\r\nTrailer: x-sum\r\n\
         Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n",
    );
    let answer = client.take_through(b"x-back: 8\r\n\r\n").expect("the trailer");
    assert!(String::from_utf8_lossy(&answer).contains("\r\n1\r\n1\r\n0\r\n"), "{}", answer.escape_ascii());
}

#[test]
fn paths_that_upstreams_may_read_otherwise_are_refused() {
    let (upstream, noted) = noting();
    let site = before(&upstream, "");
    for path in ["/px/../px/a", "/px/a/%2e%2e/b", "/px/./a", "/px/a%2Fb", "/px%2fa"] {
        assert_eq!(get(&site, path).status, 400, "{path}");
    }
    for (path, location) in [("/px", "/px/"), ("/px?a=b", "/px/?a=b")] {
        let response = get(&site, path);
        assert_eq!((response.status, response.header("location")), (301, Some(location)));
        let response =
            ask(&site, &format!("POST {path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!((response.status, response.header("location")), (308, Some(location)));
    }
    assert!(noted.try_recv().is_err(), "the upstream was not asked");
}

#[test]
fn a_circle_is_noticed() {
    let (upstream, _noted) = noting();
    let site = before(&upstream, "");
    let via = ["1.1 lwsrun"; 10].join(", ");
    let response = ask(&site, &format!("GET /px/ HTTP/1.1\r\nHost: a.test\r\nVia: {via}\r\n\r\n"));
    assert_eq!(response.status, 508);
    assert!(site.server.line_with("circle").contains("conf.d/site:3"));
}

#[test]
fn a_unix_socket_is_an_upstream_too() {
    let port = free_port();
    let config = TempConfig::new()
        .conf_d(
            "site",
            &format!(
                r#"{{ "vhosts": [{{ "name": "a.test", "port": "{port}", "interface": "127.0.0.1",
                "mounts": [{{ "mountpoint": "/us", "origin": "http://+@DIR@/back.sock:/deep" }}] }},
                {{ "name": "b.test", "unix-socket": "1", "interface": "@DIR@/back.sock",
                "mounts": [{{ "mountpoint": "/deep", "origin": "file://@DIR@/www" }}] }}] }}"#
            ),
        )
        .www("note.txt", "over the socket");
    let _server = Server::start(&config.compile());
    assert_eq!(tests::client::get(port, "a.test", "/us/note.txt").text(), "over the socket");
}

#[test]
fn credentials_are_asked_for_before_the_upstream_is() {
    let (upstream, noted) = noting();
    let origin = format!("http://127.0.0.1:{}/", upstream.port);
    let mounts = format!(
        ",\n\"mounts\": [{{ \"mountpoint\": \"/px\", \"origin\": \"{origin}\", \"basic-auth\": \"@DIR@/www/users\" }}]"
    );
    let site = site(&mounts, &[("users", "x:y\n")]);
    assert_eq!(get(&site, "/px/").status, 401);
    assert!(noted.try_recv().is_err());
    let request = "GET /px/ HTTP/1.1\r\nHost: a.test\r\nAuthorization: Basic eDp5\r\n\r\n";
    assert_eq!(ask(&site, request).status, 200);
}

#[test]
fn trace_is_not_passed_on() {
    let (upstream, _noted) = noting();
    let site = before(&upstream, "");
    let response = ask(&site, "TRACE /px/ HTTP/1.1\r\nHost: a.test\r\nCookie: secret\r\n\r\n");
    assert_eq!(response.status, 405);
    assert!(response.header("allow").is_some_and(|methods| !methods.contains("TRACE")));
    assert_eq!(upstream.connections(), 0);
}
