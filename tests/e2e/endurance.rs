//! Many requests of all kinds, with clients that break off: afterwards the server holds what it held before.

use tests::client::Client;
use tests::h2;

use super::{Site, site};

/// How many requests are sent.
const REQUESTS: usize = 100_000;

/// How many are sent before anything is counted: caches are filled then, and buffers have grown.
const WARMING: usize = 10_000;

/// Requests that go out at once on a connection: one of each kind.
const BATCH: [(&str, &str, &str, u16); 10] = [
    ("GET", "/", "", 200),
    ("GET", "/index.html", "", 200),
    ("GET", "/large.txt", "Range: bytes=10-19\r\n", 206),
    ("GET", "/large.txt", "Range: bytes=0-1,5-6\r\n", 206),
    ("GET", "/", "If-None-Match: *\r\n", 304),
    ("GET", "/missing", "", 404),
    ("GET", "/away/x", "", 301),
    ("POST", "/", "Content-Length: 4\r\n", 405),
    ("OPTIONS", "/", "", 204),
    ("GET", "/large.txt", "", 200),
];

/// Batches of one connection.
const BATCHES: usize = 10;

/// How much more memory the server may hold afterwards, in bytes.
const SLACK: u64 = 4 << 20;

fn batch() -> String {
    let request = |&(method, path, fields, _): &(&str, &str, &str, u16)| {
        let content = if method == "POST" { "abcd" } else { "" };
        format!("{method} {path} HTTP/1.1\r\nHost: a.test\r\n{fields}\r\n{content}")
    };
    BATCH.iter().map(request).collect()
}

/// As many connections as come to so many requests. Every tenth breaks off with all its answers on the way.
fn ask(site: &Site, requests: usize) {
    let batch = batch();
    for connection in 0..requests.div_ceil(BATCH.len() * BATCHES) {
        let mut client = Client::tcp(site.port);
        for _ in 0..BATCHES {
            client.send(&batch);
            if connection % 10 == 9 {
                continue;
            }
            for (method, path, fields, status) in BATCH {
                assert_eq!(client.expect(method).status, status, "{method} {path} {fields}");
            }
        }
        if connection % 10 == 9 {
            client.reset();
        } else {
            // The harness ends a connection to see that nothing follows the head.
            client.send("HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n");
            assert_eq!(client.expect("HEAD").status, 200);
            assert_eq!(h2::get(Client::tcp(site.port), "http", "a.test", "/").0, 200);
        }
    }
}

#[test]
fn what_requests_took_is_given_back() {
    let site = site(
        ",\n\"mounts\": [
            { \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" },
            { \"mountpoint\": \"/away\", \"origin\": \">https://b.test/\" }]",
        &[("large.txt", &"0123456789".repeat(5_000))],
    );
    let before = site.server.open_files();
    ask(&site, WARMING);
    // What stays open are the two files of the cache.
    site.server.gives_back_files(before + 2);
    let memory = site.server.memory();
    ask(&site, REQUESTS);
    site.server.gives_back_files(before + 2);
    let grown = site.server.memory_down_to(memory + SLACK).saturating_sub(memory);
    assert!(grown <= SLACK, "{REQUESTS} requests left {grown} bytes behind");
}
