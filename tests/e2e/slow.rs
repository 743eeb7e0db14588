//! Slow clients by the thousand: those that send heads, content, or take answers, too slowly are ended, and others notice
//! nothing of them.

use std::fs::File;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Instant;

use nix::sys::socket::{setsockopt, sockopt::TcpMaxSeg};
use rustix::net::{AddressFamily, SocketType, connect, socket};
use tests::PATIENCE;
use tests::client::{Client, Response, get};
use tests::config::{TempConfig, free_port};
use tests::open_files::has_room;
use tests::server::Server;

/// Slow clients of each kind.
const EACH: usize = 1000;

/// Open files that the server has: each of its workers gets its part.
const FILES: u64 = 16_000;

/// More than all buffers between.
const LARGE: u64 = 64 << 20;

/// What the server may hold for each of them, in bytes.
const MEMORY: u64 = 64 << 10;

/// Far above what the slow ones do; over 1, 2 and 4 seconds.
const KEYS: &str = "\"timeout-secs\": 1, \"min-request-rate\": 1000, \"min-response-rate\": 1000000";

const MOUNTS: &str = ", \"ws-protocols\": [{ \"protocol-post-demo\": { \"status\": \"ok\" } }], \"mounts\": [
    { \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" },
    { \"mountpoint\": \"/form\", \"origin\": \"callback://protocol-post-demo\" } ]";

/// A client that behaves, on a connection of its own that it keeps.
struct Good {
    port: u16,
    client: Client,
}

impl Good {
    fn is_served(&mut self) {
        assert_eq!(self.client.get("a.test", "/").text(), "home");
    }

    fn is_served_anew(&mut self) {
        assert_eq!(get(self.port, "a.test", "/").text(), "home");
        self.is_served();
    }
}

#[test]
fn thousands_of_slow_clients_are_ended_and_others_stay_served() {
    if !has_room(FILES) {
        return;
    }
    let port = free_port();
    let global = format!("{{ \"global\": {{ \"rlimit-nofile\": {FILES}, {KEYS} }} }}");
    let config = TempConfig::vhost(port, MOUNTS).conf(&global).www("index.html", "home").www("large.png", "");
    File::options().write(true).open(config.path("www/large.png")).unwrap().set_len(LARGE).unwrap();
    let server = Server::start(&config.compile());
    let mut good = Good { port, client: Client::tcp(port) };
    good.is_served_anew();
    let before = server.open_files();

    let (mut heads, mut contents, mut readers) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..EACH {
        heads.push(begun(port, "GET / HTTP/1.1\r\nHost: a.test\r\nX: "));
        contents.push(begun(
            port,
            "POST /form HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: 100000\r\n\r\ntext=",
        ));
        readers.push(reader(port));
        if number % 10 == 0 {
            good.is_served_anew();
        }
    }
    for _ in 0..3 {
        for number in 0..EACH {
            heads[number].send("x");
            contents[number].send("x");
            assert!(matches!(readers[number].read(&mut [0]), Ok(1)), "nothing to read");
            if number % 10 == 0 {
                good.is_served();
            }
        }
    }
    let memory = server.peak_memory();
    assert!(memory < 3 * EACH as u64 * MEMORY, "{memory} bytes");
    for client in heads.iter_mut().chain(&mut contents) {
        assert_eq!(status_and_end(client), 408);
        good.is_served();
    }
    // Only the server knows that it has ended those that read nothing.
    let deadline = Instant::now() + PATIENCE;
    while server.open_files() > before {
        good.is_served_anew();
        assert!(Instant::now() < deadline, "{} files, {before} before", server.open_files());
    }
    for stream in readers.into_iter().step_by(EACH / 10) {
        let got = Client::of(stream).rest().map(|bytes| bytes.len() as u64);
        assert!(got.is_some_and(|got| got < LARGE), "{got:?}");
    }
    good.is_served_anew();
}

/// A connection on which a request has begun.
fn begun(port: u16, head: &str) -> Client {
    let mut client = Client::tcp(port);
    client.send(head);
    client
}

/// A connection on which a large file was asked for, with segments as short as those of a network: with those of the loopback
/// device the kernel's buffers alone would hold most of it.
fn reader(port: u16) -> TcpStream {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    setsockopt(&socket, TcpMaxSeg, &1400).unwrap();
    connect(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /large.png HTTP/1.1\r\nHost: a.test\r\n\r\n").unwrap();
    stream
}

/// The status that a connection gets before it is closed.
fn status_and_end(client: &mut Client) -> u16 {
    let Response { status, .. } = client.expect("GET");
    assert!(client.rest().is_some(), "the connection stays open");
    status
}
