//! What the server holds for connections on which nothing comes: over TLS, after a request.
//!
//! It is measured as resident memory, over many connections, less what the server held before them.

use tests::client::Client;
use tests::config::{TempConfig, free_port};
use tests::h2;
use tests::open_files::has_room;
use tests::server::Server;
use tests::tls;

use super::WWW;

/// Connections that are open at the same time.
const CONNECTIONS: u64 = 1000;

/// Open files that the server may have, a part of which is each worker's.
const FILES: u64 = 8000;

/// The most bytes for each of them. A release build was measured at 14.5 KiB; a debug build, whose futures are larger, stays
/// below this as well.
const HTTP1: u64 = 16 << 10;

/// The same with HTTP/2, whose library keeps its buffers: 32 KiB were measured in a release build, 30 KiB in a debug build,
/// and pages are handed out by the dozen.
const HTTP2: u64 = 34 << 10;

/// Serves `www/index.html` over TLS.
fn serve() -> (Server, u16, TempConfig) {
    let port = free_port();
    let keys = ", \"host-ssl-key\": \"@DIR@/a.test.key\", \"host-ssl-cert\": \"@DIR@/a.test.crt\"";
    let config = TempConfig::vhost(port, &[keys, WWW].concat())
        .conf(&format!("{{ \"global\": {{ \"rlimit-nofile\": {FILES}, \"count-threads\": 1 }} }}"))
        .www("index.html", "x".repeat(1024));
    let _ = tls::certificate(&config.path(""), "a.test");
    (Server::start(&config.compile()), port, config)
}

/// Opens so many connections, each of which asks once.
fn after_a_request<C>(count: u64, port: u16, alpn: &str, ask: impl Fn(Client) -> C) -> Vec<C> {
    let config = tls::looking(&[alpn], true);
    (0..count).map(|_| ask(Client::tls(port, "a.test", config.clone()).unwrap())).collect()
}

/// What the server holds for each of many connections, once it is less than `most`, or after a while.
fn held<C>(alpn: &str, most: u64, ask: impl Fn(Client) -> C) -> Option<u64> {
    if !has_room(FILES) {
        return None;
    }
    let (server, port, _config) = serve();
    // What it needs once.
    drop(after_a_request(100, port, alpn, &ask));
    let before = server.memory();
    let connections = after_a_request(CONNECTIONS, port, alpn, ask);
    let after = server.memory_down_to(before + CONNECTIONS * most);
    drop(connections);
    Some(after.saturating_sub(before) / CONNECTIONS)
}

#[test]
fn an_idle_connection_is_small() {
    let held = held("http/1.1", HTTP1, |mut client| {
        assert_eq!(client.get("a.test", "/").status, 200);
        client
    });
    assert!(held.is_none_or(|held| held <= HTTP1), "{held:?} bytes each");
}

#[test]
fn one_of_http_2_is_bounded() {
    let held = held("h2", HTTP2, |client| {
        let mut connection = h2::Connection::open(client, &[]);
        connection.ask(1, "/");
        assert_eq!(connection.answer(1).0, 200);
        connection
    });
    assert!(held.is_none_or(|held| held <= HTTP2), "{held:?} bytes each");
}
