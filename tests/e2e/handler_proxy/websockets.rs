//! Websockets through a proxy.

use std::sync::mpsc::channel;

use tests::PATIENCE;
use tests::client::Client;
use tests::h2;
use tests::upstream::{Upstream, head};
use tests::ws::{Way, WebSocket};

use super::{ask, before};
use crate::{Site, TempConfig, free_port};
use tests::server::Server;

const UPGRADE: &str = "GET /px/chat?room=1 HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                       Sec-WebSocket-Protocol: quite-a-long-name-of-a-protocol\r\n\r\n";

/// A proxy in front of the echo of another vhost, with more keys of its mount.
fn echoing(more: &str) -> Site {
    let (port, back) = (free_port(), free_port());
    let config = TempConfig::new().conf_d(
        "site",
        &format!(
            r#"{{ "vhosts": [{{ "name": "a.test", "port": "{port}", "interface": "127.0.0.1",
            "mounts": [{{ "mountpoint": "/px", "origin": "http://127.0.0.1:{back}/"{more} }}] }},
            {{ "name": "b.test", "port": "{back}", "interface": "127.0.0.1",
            "ws-protocols": [{{ "lws-echo": {{ "status": "ok" }} }}] }}] }}"#
        ),
    );
    let server = Server::start(&config.compile());
    Site { config, server, port }
}

#[test]
fn messages_and_the_subprotocol_go_through() {
    let site = echoing("");
    let mut socket = WebSocket::open(site.port, "/px/any", "lws-echo");
    for text in ["one", "two", &"x".repeat(100_000)] {
        socket.send(text);
        assert_eq!(socket.text(), text);
    }
    // The mountpoint itself: clients of websockets follow no redirects.
    let mut socket = WebSocket::open(site.port, "/px", "lws-echo");
    socket.send("there");
    assert_eq!(socket.text(), "there");
}

#[test]
fn a_client_of_http2_is_translated() {
    let site = echoing("");
    let fields = [("sec-websocket-version", "13"), ("sec-websocket-protocol", "lws-echo")];
    let target = "http://a.test/px/any";
    let (mut socket, answer) =
        WebSocket::open_http2(&Way::Plain, site.port, target, "websocket", &fields).unwrap();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!((answer.status().as_u16(), header("sec-websocket-protocol")), (200, Some("lws-echo")));
    assert_eq!((header("sec-websocket-accept"), header("upgrade")), (None, None));
    for text in ["one", &"x".repeat(100_000)] {
        socket.send(text);
        assert_eq!(socket.text(), text);
    }
    let unknown = [("sec-websocket-version", "13"), ("sec-websocket-protocol", "unknown")];
    let refused = WebSocket::open_http2(&Way::Plain, site.port, target, "websocket", &unknown);
    assert_eq!(refused.err().map(|status| status.as_u16()), Some(404));
}

#[test]
fn the_handshake_is_the_upstreams() {
    let (note, noted) = channel();
    let upstream = Upstream::start(move |_, mut client| {
        note.send(head(&mut client).unwrap()).unwrap();
        client.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: x\r\n\
             Sec-WebSocket-Protocol: quite-a-long-name-of-a-protocol\r\n\r\nfirst words",
        );
        let said = client.rest();
        note.send(String::from_utf8(said.unwrap_or_default()).unwrap()).unwrap();
    });
    let site = before(&upstream, "");
    let mut client = Client::tcp(site.port);
    client.send(UPGRADE);
    let response = client.expect("GET");
    assert_eq!((response.status, response.header("upgrade")), (101, Some("websocket")));
    assert_eq!(response.header("connection").map(str::to_lowercase).as_deref(), Some("upgrade"));
    assert_eq!(response.header("sec-websocket-accept"), Some("x"));
    assert_eq!(response.header("sec-websocket-protocol"), Some("quite-a-long-name-of-a-protocol"));
    let asked = noted.recv_timeout(PATIENCE).unwrap();
    assert!(asked.starts_with("get /inner/chat?room=1 ") && asked.contains("upgrade: websocket"), "{asked}");
    assert!(client.take_through(b"first words").is_some());
    client.send("bytes as they are");
    client.finish_sending();
    assert_eq!(noted.recv_timeout(PATIENCE).unwrap(), "bytes as they are");
    assert_eq!(client.rest().as_deref(), Some(&b""[..]));
}

#[test]
fn a_refusal_is_an_answer() {
    let upstream = Upstream::answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    let site = before(&upstream, "");
    let response = ask(&site, UPGRADE);
    assert_eq!((response.status, response.text().as_str()), (403, "no"));
}

#[test]
fn an_idle_websocket_is_closed() {
    let upstream = Upstream::start(|_, mut client| {
        let _ = head(&mut client);
        client.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        let _ = client.rest();
    });
    let site = before(&upstream, ", \"proxy-websocket-timeout\": \"1\"");
    let mut client = Client::tcp(site.port);
    client.send(UPGRADE);
    assert_eq!(client.expect("GET").status, 101);
    assert!(client.rest().is_some(), "it stays open");
}

#[test]
fn a_stream_that_is_not_read_is_reset_in_the_end() {
    let site = echoing(", \"proxy-websocket-timeout\": \"3\"");
    let no_window = [(4, 0)];
    let mut connection = h2::Connection::open(Client::tcp(site.port), &no_window);
    let fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", "/px/any"),
        (":authority", "a.test"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "lws-echo"),
    ];
    connection.send(h2::HEADERS, h2::END_HEADERS, 1, &h2::block(&fields));
    let is_of_stream = |frame: &h2::Frame| frame.stream == 1;
    assert_eq!(connection.next_that(is_of_stream).map(|frame| frame.kind), Some(h2::HEADERS));
    connection.send(h2::DATA, 0, 1, b"\x81\x84\0\0\0\0ahoy");
    let reset = connection.next_that(is_of_stream).unwrap();
    assert_eq!((reset.kind, reset.error()), (h2::RST_STREAM, Some(8)));
}

#[test]
fn many_websockets_leave_nothing_behind() {
    const SLACK: u64 = 4 << 20;
    let site = echoing("");
    let talk = || {
        let mut socket = WebSocket::open(site.port, "/px/any", "lws-echo");
        socket.send("hello");
        assert_eq!(socket.text(), "hello");
    };
    let idle = site.server.open_files();
    (0..500).for_each(|_| talk());
    let memory = site.server.memory();
    (0..10_000).for_each(|_| talk());
    site.server.gives_back_files(idle);
    let grown = site.server.memory_down_to(memory + SLACK).saturating_sub(memory);
    assert!(grown <= SLACK, "{grown} bytes more");
}
