//! Limits that have a key: what a client may take, and the status that it gets beyond it.

use tests::client::{Client, get};
use tests::config::{TempConfig, free_port};
use tests::server::Server;

use super::WWW;

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
