//! Bytes on the wire: large files leave a plain connection straight from the disk, others by way of memory. Whoever
//! reads them must not be able to tell.

use std::fs::File;
use std::time::Instant;

use tests::PATIENCE;
use tests::client::{Client, Framing, Response, get};
use tests::config::{TempConfig, free_port};
use tests::server::Server;
use tests::tls;

use super::WWW;

const KIB: usize = 1024;

/// Around each border: small, copied, kept, streamed, more than one frame.
const SIZES: [usize; 12] = [
    KIB,
    10 * KIB,
    32 * KIB,
    32 * KIB + 1,
    100 * KIB,
    256 * KIB,
    256 * KIB + 1,
    512 * KIB,
    1024 * KIB,
    1024 * KIB + 1,
    3000 * KIB,
    10 * 1024 * KIB,
];

/// Bytes of which no two stretches look alike.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at ^ (at >> 8) ^ (at >> 16)).to_le_bytes()[0]).collect()
}

fn with_files(mut config: TempConfig) -> TempConfig {
    for size in SIZES {
        config = config.www(&format!("{size}.png"), bytes(size));
    }
    config
}

/// Says which size is wrong instead of printing megabytes.
#[track_caller]
fn is_whole(response: &Response, size: usize) {
    assert_eq!((response.status, response.framing), (200, Framing::Length), "{size}");
    assert!(response.body == bytes(size), "{size}: other bytes, {} of them", response.body.len());
}

#[test]
fn every_size_arrives_whole_over_every_transport() {
    let port = free_port();
    let config = with_files(TempConfig::vhost(port, WWW));
    let _server = Server::start(&config.compile());
    // Twice: from the disk, and from what is kept.
    let mut client = Client::tcp(port);
    for size in SIZES.into_iter().chain(SIZES) {
        is_whole(&client.get("a.test", &format!("/{size}.png")), size);
    }
    let config = with_files(TempConfig::new()).conf_d(
        "site",
        &format!("{{ \"vhosts\": [{{ \"name\": \"a.test\", \"unix-socket\": \"1\", \"interface\": \"@DIR@/socket\"{WWW} }}] }}"),
    );
    let _server = Server::start(&config.compile());
    let mut client = Client::unix(config.path("socket").to_str().unwrap());
    for size in SIZES {
        is_whole(&client.get("a.test", &format!("/{size}.png")), size);
    }
    let port = free_port();
    let keys = ", \"host-ssl-key\": \"@DIR@/a.test.key\", \"host-ssl-cert\": \"@DIR@/a.test.crt\"";
    let config = with_files(TempConfig::vhost(port, &[keys, WWW].concat()));
    let _ = tls::certificate(&config.path(""), "a.test");
    let _server = Server::start(&config.compile());
    let trusting = tls::trusting(&[&config.path("a.test.crt")], &["http/1.1"]);
    let mut client = Client::tls(port, "a.test", trusting).unwrap();
    for size in SIZES {
        is_whole(&client.get("a.test", &format!("/{size}.png")), size);
    }
}

#[test]
fn pipelined_requests_of_all_sizes_are_answered_whole_and_in_order() {
    let port = free_port();
    let config = with_files(TempConfig::vhost(port, WWW));
    let _server = Server::start(&config.compile());
    let mut client = Client::tcp(port);
    let ask = |size: &usize| format!("GET /{size}.png HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let asked: String = SIZES.iter().chain(&SIZES).map(ask).collect();
    // A HEAD at the end, since its answer is told from a body only by what follows.
    client.send([&asked, "HEAD /1048576.png HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"].concat());
    for size in SIZES.into_iter().chain(SIZES) {
        is_whole(&client.expect("GET"), size);
    }
    let head = client.expect("HEAD");
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("1048576"), 0));
}

#[test]
fn ranges_of_large_files_are_the_right_bytes() {
    let port = free_port();
    let config = with_files(TempConfig::vhost(port, WWW));
    let _server = Server::start(&config.compile());
    let mut client = Client::tcp(port);
    for size in [100 * KIB, 1024 * KIB, 10 * 1024 * KIB] {
        let whole = bytes(size);
        for (from, to) in
            [(0, 9), (1, 40_000), (5, size - 1), (size - 70_000, size - 1), (size / 2, size / 2)]
        {
            client.send(format!(
                "GET /{size}.png HTTP/1.1\r\nHost: a.test\r\nRange: bytes={from}-{to}\r\n\r\n"
            ));
            let response = client.expect("GET");
            assert_eq!(response.status, 206, "{size}: {from}-{to}");
            assert!(response.body == whole[from..=to], "{size}: {from}-{to}");
        }
    }
}

#[test]
fn a_client_that_reads_little_by_little_gets_all_of_it() {
    let port = free_port();
    let config = with_files(TempConfig::vhost(port, WWW));
    let _server = Server::start(&config.compile());
    let size = 10 * 1024 * KIB;
    let mut client = Client::tcp(port);
    client.send(format!("GET /{size}.png HTTP/1.1\r\nHost: a.test\r\n\r\n").repeat(3));
    // Others are served meanwhile, and the buffers between fill up.
    is_whole(&get(port, "a.test", "/102400.png"), 100 * KIB);
    let whole = bytes(size);
    for _ in 0..3 {
        assert!(client.take_through(b"\r\n\r\n").is_some());
        for piece in whole.chunks(1000) {
            assert!(client.need(piece.len()));
            assert!(client.take(piece.len()) == piece);
        }
    }
}

#[test]
fn a_client_that_leaves_disturbs_nobody() {
    let port = free_port();
    let config = with_files(TempConfig::vhost(port, WWW));
    let _server = Server::start(&config.compile());
    for _ in 0..20 {
        let mut client = Client::tcp(port);
        client.send("GET /10485760.png HTTP/1.1\r\nHost: a.test\r\n\r\n".repeat(2));
        assert!(client.need(100));
    }
    is_whole(&get(port, "a.test", "/10485760.png"), 10 * 1024 * KIB);
}

#[test]
fn a_file_that_is_cut_while_it_is_sent_ends_the_connection() {
    let port = free_port();
    let size = 64 * 1024 * KIB;
    let config = TempConfig::vhost(port, WWW).www("large.png", vec![b'x'; size]).www("index.html", "home");
    let server = Server::start(&config.compile());
    let mut client = Client::tcp(port);
    client.send("GET /large.png HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert!(client.need(100));
    File::options().write(true).open(config.path("www/large.png")).unwrap().set_len(KIB as u64).unwrap();
    let response = client.expect("GET");
    assert_eq!(response.framing, Framing::CutShort);
    // What was on its way in the kernel may have been cut as well, and read as zeros; the length tells that it is short.
    assert!(client.has_ended() && response.body.len() < size);
    assert_eq!(get(port, "a.test", "/").text(), "home");
    drop(server);
}

#[test]
fn a_file_that_is_replaced_or_deleted_while_it_is_sent_arrives_as_it_was() {
    let whole = bytes(64 * 1024 * KIB);
    let port = free_port();
    let config = TempConfig::vhost(port, WWW).www("new", "new");
    let config = config.www("replaced.png", &whole).www("deleted.png", &whole);
    let _server = Server::start(&config.compile());
    let path = |name: &str| config.path("www").join(name);
    for (name, status) in [("replaced.png", 200), ("deleted.png", 404)] {
        let mut client = Client::tcp(port);
        client.send(format!("GET /{name} HTTP/1.1\r\nHost: a.test\r\n\r\n"));
        // The answer has begun, and most of it fits into no buffer.
        assert!(client.need(100));
        if status == 200 {
            std::fs::rename(path("new"), path(name)).unwrap();
        } else {
            std::fs::remove_file(path(name)).unwrap();
        }
        let response = client.expect("GET");
        assert_eq!((response.status, response.framing), (200, Framing::Length), "{name}");
        assert!(response.body == whole, "{name}: other bytes, {} of them", response.body.len());
        // Whoever asks anew gets what is there now, once the server has looked again.
        let deadline = Instant::now() + PATIENCE;
        let changed = |response: Response| response.status == status && response.body != whole;
        while !changed(client.get("a.test", &format!("/{name}"))) {
            assert!(Instant::now() < deadline, "{name} is as it was");
        }
    }
}

#[test]
fn connections_beyond_the_limit_of_an_address_are_503() {
    let port = free_port();
    let config = TempConfig::vhost(port, WWW)
        .conf("{ \"global\": { \"ip-limit-wsi\": \"2\" } }")
        .www("index.html", "home");
    let _server = Server::start(&config.compile());
    let (mut first, mut second) = (Client::tcp(port), Client::tcp(port));
    assert_eq!(first.get("a.test", "/").text(), "home");
    assert_eq!(second.get("a.test", "/").text(), "home");
    assert_eq!(get(port, "a.test", "/").status, 503);
    assert_eq!(first.get("a.test", "/").text(), "home");
    // A place is free once the server has seen the end of a connection, which it says by its own.
    first.finish_sending();
    assert_eq!(first.rest().as_deref(), Some(&b""[..]));
    drop(first);
    let deadline = Instant::now() + PATIENCE;
    let mut third = Client::tcp(port);
    while third.get("a.test", "/").status != 200 {
        assert!(Instant::now() < deadline, "no place became free");
        third = Client::tcp(port);
    }
    assert_eq!(get(port, "a.test", "/").status, 503);
}
