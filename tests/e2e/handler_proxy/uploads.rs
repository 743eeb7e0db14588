//! Content of requests: permission first, limits, and much of it.

use std::sync::mpsc::channel;

use tests::PATIENCE;
use tests::client::Client;
use tests::config::TempConfig;
use tests::h2::{Connection, DATA, END_HEADERS, HEADERS, RST_STREAM, request};
use tests::server::Server;
use tests::upstream::{Upstream, head};

use super::{before, is_echoed};
use crate::free_port;

/// Bytes of the large upload; the whole of it is sent where `PROXY_UPLOAD` says how many.
const LARGE: u64 = 256 << 20;

/// Bytes of an upload that goes on after its answer.
const LARGE_UPLOAD: usize = 1 << 20;

const EXPECTING: &str =
    "POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";

#[test]
fn permission_is_the_upstreams() {
    let upstream = Upstream::start(|_, mut client| {
        let head = head(&mut client).unwrap();
        assert!(head.contains("expect: 100-continue"), "{head}");
        client.send("HTTP/1.1 100 Continue\r\n\r\n");
        assert!(client.need(4));
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
        let content = client.take(4);
        client.send(content);
    });
    let site = before(&upstream, "");
    let mut client = Client::tcp(site.port);
    client.send(EXPECTING);
    assert_eq!(client.expect("POST").status, 100);
    client.send("data");
    assert_eq!(client.expect("POST").text(), "data");
}

#[test]
fn a_refusal_comes_before_the_content() {
    let (note, noted) = channel();
    let upstream = Upstream::start(move |_, mut client| {
        let _ = head(&mut client);
        client.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        note.send(client.rest()).unwrap();
    });
    let site = before(&upstream, "");
    let mut client = Client::tcp(site.port);
    client.send(EXPECTING);
    let response = client.expect("POST");
    assert_eq!((response.status, response.text().as_str()), (403, "no"));
    assert_eq!(noted.recv_timeout(PATIENCE).unwrap().as_deref(), Some(&b""[..]));
}

#[test]
fn an_upstream_that_knows_no_permission_gets_the_content() {
    let upstream = Upstream::start(|_, mut client| {
        let _ = head(&mut client);
        assert!(client.need(4));
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    let site = before(&upstream, "");
    let mut client = Client::tcp(site.port);
    client.send(EXPECTING);
    assert_eq!(client.expect("POST").status, 100);
    client.send("data");
    assert_eq!(client.expect("POST").status, 200);
}

#[test]
fn a_limit_is_kept_whether_the_length_is_known_or_not() {
    let upstream = Upstream::start(|_, mut client| {
        let _ = client.rest();
    });
    let site = before(&upstream, ", \"proxy-body-limit\": \"3\"");
    for content in
        ["Content-Length: 4\r\n\r\ndata", "Transfer-Encoding: chunked\r\n\r\n4\r\ndata\r\n0\r\n\r\n"]
    {
        let mut client = Client::tcp(site.port);
        client.send(format!("POST /px/ HTTP/1.1\r\nHost: a.test\r\n{content}"));
        assert_eq!(client.expect("POST").status, 413, "{content}");
    }
}

#[test]
fn an_answer_may_come_while_content_goes_out() {
    let upstream = Upstream::start(|_, mut client| {
        let _ = head(&mut client);
        client.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for _ in 0..3 {
            assert!(client.need(1));
            let echo = client.take(1);
            client.send([b"1\r\n", &echo[..], b"\r\n"].concat());
        }
        client.send("0\r\n\r\n");
    });
    let site = before(&upstream, "");
    let mut client = Client::tcp(site.port);
    client.send("POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\n");
    is_echoed(&mut client);
}

#[test]
fn an_answer_of_an_upstream_that_reads_no_more_arrives() {
    let upstream = Upstream::start(|_, mut client| {
        let _ = head(&mut client);
        client.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        // What it has not read makes this a reset.
        assert!(client.need(1));
    });
    let site = before(&upstream, "");
    let mut client = Client::tcp(site.port);
    client.send("POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\nbegun");
    let response = client.expect("POST");
    assert_eq!((response.status, response.text().as_str()), (413, "no"));
}

#[test]
fn an_answer_that_is_over_leaves_the_upload_alone() {
    let (note, noted) = channel();
    let upstream = Upstream::start(move |_, mut client| {
        let _ = head(&mut client);
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        note.send(client.need(LARGE_UPLOAD)).unwrap();
    });
    let site = before(&upstream, "");
    let mut client = Client::tcp(site.port);
    client.send(format!("POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: {LARGE_UPLOAD}\r\n\r\n"));
    assert_eq!(client.expect("POST").text(), "ok");
    client.send(vec![b'x'; LARGE_UPLOAD]);
    assert_eq!(noted.recv_timeout(PATIENCE), Ok(true), "all of it arrives");
}

#[test]
fn content_is_framed_as_its_length_is_known() {
    let (note, noted) = channel();
    let upstream = Upstream::start(move |_, mut client| {
        while let Some(head) = head(&mut client) {
            let end: &[u8] = if head.contains("content-length: 6\r\n") { b"abcdef" } else { b"0\r\n\r\n" };
            let content = client.take_through(end).unwrap_or_default();
            note.send(String::from_utf8(content).unwrap()).unwrap();
            client.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let site = before(&upstream, "");
    let mut client = Client::tcp(site.port);
    for (framing, pieces, seen) in [
        ("Content-Length: 6", ["abc", "def"], "abcdef"),
        ("Transfer-Encoding: chunked", ["3\r\nabc\r\n", "0\r\n\r\n"], "3\r\nabc\r\n0\r\n\r\n"),
    ] {
        client.send(format!("PUT /px/ HTTP/1.1\r\nHost: a.test\r\n{framing}\r\n\r\n"));
        pieces.iter().for_each(|piece| client.send(piece));
        assert_eq!(client.expect("PUT").status, 200, "{framing}");
        assert_eq!(noted.recv_timeout(PATIENCE).as_deref(), Ok(seen));
    }
    assert_eq!(upstream.connections(), 1, "the connection is used again after content");
}

#[test]
fn an_upstream_that_answers_and_takes_no_more_is_let_go() {
    let (note, noted) = channel();
    let upstream = Upstream::start(move |_, mut client| {
        let _ = head(&mut client);
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        // Nothing is read until the test says so: what was sent fills the buffers of the connection.
        note.send(client).unwrap();
    });
    let keys =
        ", \"proxy-answer-timeout\": \"3\", \"proxy-idle-timeout\": \"1\", \"proxy-connections\": \"1\"";
    let site = before(&upstream, keys);
    let idle = site.server.open_files();
    let mut client = Client::tcp(site.port);
    client.send("POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000000\r\n\r\n");
    assert_eq!(client.expect("POST").status, 200);
    let unread = noted.recv_timeout(PATIENCE).unwrap();
    // More than the buffers between hold: this returns when the server has cut the connection.
    client.send(vec![b'x'; 64 << 20]);
    drop(client);
    site.server.gives_back_files(idle);
    drop(unread);
}

#[test]
fn a_large_upload_takes_little_memory() {
    let bytes = std::env::var("PROXY_UPLOAD").ok().and_then(|bytes| bytes.parse().ok()).unwrap_or(LARGE);
    let upstream = Upstream::start(move |_, mut client| {
        let _ = head(&mut client);
        let mut left = bytes;
        while left > 0 && client.need(1) {
            left -= client.take(usize::MAX).len() as u64;
        }
        client.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}", u8::from(left == 0)));
    });
    let site = before(&upstream, "");
    let before = site.server.peak_memory();
    let mut client = Client::tcp(site.port);
    client.send(format!("PUT /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: {bytes}\r\n\r\n"));
    let piece = vec![b'x'; 1 << 20];
    let mut left = bytes;
    while left > 0 {
        let count = left.min(piece.len() as u64);
        client.send(&piece[..usize::try_from(count).unwrap()]);
        left -= count;
    }
    assert_eq!(client.expect("PUT").text(), "1");
    let grown = site.server.peak_memory().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes more");
}

/// A proxy in front of an upstream; clients must send and take at least so many bytes a second.
fn hurrying(upstream: &Upstream, keys: &str) -> (Server, TempConfig, u16) {
    let port = free_port();
    let config = TempConfig::new()
        .conf("{ \"global\": { \"timeout-secs\": 1, \"min-request-rate\": 1000, \"min-response-rate\": 1000 } }")
        .conf_d(
            "site",
            &format!(
                r#"{{ "vhosts": [{{ "name": "a.test", "port": "{port}", "interface": "127.0.0.1",
                "mounts": [{{ "mountpoint": "/px", "origin": "http://127.0.0.1:{back}/"{keys} }}] }}] }}"#,
                back = upstream.port
            ),
        );
    (Server::start(&config.compile()), config, port)
}

#[test]
fn a_client_that_is_slow_is_not_the_upstreams_fault() {
    let upstream = Upstream::start(|_, mut client| {
        let _ = client.rest();
    });
    let (_server, _config, port) = hurrying(&upstream, ", \"proxy-answer-timeout\": \"1\"");
    let mut client = Client::tcp(port);
    client.send("POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nabc");
    assert_eq!(client.expect("POST").status, 408);
}

#[test]
fn a_client_that_stops_after_its_answer_is_ended_by_its_own_rate() {
    let (note, noted) = channel();
    let upstream = Upstream::start(move |_, mut client| {
        let _ = head(&mut client);
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        note.send(client.rest()).unwrap();
    });
    // The upstream's own times are long: it is not waited for.
    let (_server, _config, port) = hurrying(&upstream, "");
    let mut client = Client::tcp(port);
    client.send("POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nabc");
    assert_eq!(client.expect("POST").text(), "ok");
    assert_eq!(noted.recv_timeout(PATIENCE).unwrap().as_deref(), Some(&b"abc"[..]));
    // The same over HTTP/2.
    let mut client = Connection::open(Client::tcp(port), &[]);
    client.send(HEADERS, END_HEADERS, 1, &request("POST", "/px/"));
    client.send(DATA, 0, 1, b"abc");
    assert_eq!(client.answer(1), (200, b"ok".to_vec()));
    assert_eq!(noted.recv_timeout(PATIENCE).unwrap().as_deref(), Some(&b"3\r\nabc\r\n"[..]));
}

/// A client may reset its stream without an error. What it has sent until then is not all of it, before the answer or
/// after it.
#[test]
fn a_reset_without_an_error_is_no_end_of_the_content() {
    for answers in [false, true] {
        let (note, noted) = channel();
        let upstream = Upstream::start(move |_, mut client| {
            let _ = head(&mut client);
            note.send(client.take_through(b"3\r\nabc\r\n")).unwrap();
            if answers {
                client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }
            note.send(client.rest()).unwrap();
        });
        let site = before(&upstream, "");
        let mut client = Connection::open(Client::tcp(site.port), &[]);
        client.send(HEADERS, END_HEADERS, 1, &request("POST", "/px/"));
        client.send(DATA, 0, 1, b"abc");
        assert!(noted.recv_timeout(PATIENCE).unwrap().is_some());
        if answers {
            assert_eq!(client.answer(1), (200, b"ok".to_vec()));
        }
        client.send(RST_STREAM, 0, 1, &[0; 4]);
        assert_eq!(noted.recv_timeout(PATIENCE).unwrap().as_deref(), Some(&b""[..]), "{answers}");
    }
}
