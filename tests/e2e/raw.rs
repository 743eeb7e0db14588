//! Connections that are not HTTP, on ports of their own and on ports that speak HTTP and TLS as well.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use tests::PATIENCE;
use tests::client::Client;
use tests::config::{TempConfig, free_port};
use tests::server::Server;
use tests::tls;

use super::WWW;

/// What ssh clients say first.
const BANNER: &[u8] = b"SSH-2.0-test\r\n";

/// Answers one connection after the other: a greeting, then what came, once the client has ended.
fn answer_all(connections: impl Iterator<Item = impl Read + Write + Send + 'static> + Send + 'static) {
    std::thread::spawn(move || {
        for mut connection in connections {
            // Clients of a test that has failed are gone.
            let _ = connection.write_all(b"hello ");
            let mut bytes = Vec::new();
            let _ = connection.read_to_end(&mut bytes);
            let _ = connection.write_all(&bytes);
        }
    });
}

/// A server that is not ours, and its port.
fn other_server() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    answer_all(std::iter::from_fn(move || listener.accept().ok().map(|(stream, _)| stream)));
    port
}

/// Sends these bytes and the end, and returns what comes.
fn through(port: u16, sent: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(sent).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    got
}

fn greeted(sent: &[u8]) -> Vec<u8> {
    [b"hello ", sent].concat()
}

/// The keys of a vhost whose raw connections go there, on that occasion.
fn raw(occasion: &str, onward: &str) -> String {
    format!(
        ", \"{occasion}\": \"1\", \"listen-accept-role\": \"raw-proxy\", \"listen-accept-protocol\": \"raw-proxy\",
            \"ws-protocols\": [{{ \"raw-proxy\": {{ \"status\": \"ok\", \"onward\": \"{onward}\" }} }}]"
    )
}

const KEYS: &str = ", \"host-ssl-key\": \"@DIR@/a.test.key\", \"host-ssl-cert\": \"@DIR@/a.test.crt\"";

#[test]
fn ssh_and_https_share_a_port() {
    let port = free_port();
    let onward = format!("ipv4:127.0.0.1:{}", other_server());
    let config = TempConfig::vhost(port, &[KEYS, &raw("fallback-listen-accept", &onward), WWW].concat())
        .conf("{ \"global\": { \"init-ssl\": \"1\" } }")
        .www("index.html", "home");
    let _ = tls::certificate(&config.path(""), "a.test");
    let _server = Server::start(&config.compile());
    let large = [BANNER, &b"x".repeat(1 << 20)].concat();
    for sent in [BANNER, b"\x00\x01binary", &large] {
        assert!(through(port, sent) == greeted(sent), "{} bytes", sent.len());
    }
    for alpn in [&[][..], &["http/1.1"]] {
        let mut client = Client::tls(port, "a.test", tls::looking(alpn, true)).unwrap();
        assert_eq!(client.get("a.test", "/").text(), "home");
    }
    // Clear text HTTP is still told what this port speaks.
    assert_eq!(Client::tcp(port).get("a.test", "/").status, 400);
}

#[test]
fn http_and_others_share_a_port_in_clear() {
    let port = free_port();
    let folder = TempConfig::new();
    let socket = folder.path("onward");
    let listener = UnixListener::bind(&socket).unwrap();
    answer_all(std::iter::from_fn(move || listener.accept().ok().map(|(stream, _)| stream)));
    let onward = format!("unix:{}", socket.display());
    let config = TempConfig::vhost(port, &[&raw("fallback-listen-accept", &onward), WWW].concat())
        .www("index.html", "home");
    let _server = Server::start(&config.compile());
    assert_eq!(through(port, BANNER), greeted(BANNER));
    // A handshake is for somebody else as well.
    assert_eq!(through(port, b"\x16\x03\x01"), greeted(b"\x16\x03\x01"));
    assert_eq!(Client::tcp(port).get("a.test", "/").text(), "home");
    let mut slow = Client::tcp(port);
    slow.send("P");
    slow.send("OST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(slow.expect("POST").status, 405);
}

#[test]
fn a_port_of_its_own_is_not_looked_at() {
    let (plain, secured) = (free_port(), free_port());
    let onward = format!("ipv4:127.0.0.1:{}", other_server());
    let raw = raw("apply-listen-accept", &onward);
    let vhost = |port: u16, more: &str| {
        format!("{{ \"name\": \"a.test\", \"port\": \"{port}\", \"interface\": \"127.0.0.1\"{more}{raw} }}")
    };
    let config = TempConfig::new()
        .conf("{ \"global\": { \"init-ssl\": \"1\" } }")
        .conf_d("site", &format!("{{ \"vhosts\": [ {}, {} ] }}", vhost(plain, ""), vhost(secured, KEYS)));
    let _ = tls::certificate(&config.path(""), "a.test");
    let server = Server::start(&config.compile());
    let _ = server.line_with(&format!("listening on raw TCP on 127.0.0.1:{plain}"));
    let _ = server.line_with(&format!("listening on raw TLS on 127.0.0.1:{secured}"));
    let request = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
    assert_eq!(through(plain, request), greeted(request));
    // Who speaks first is their business.
    let mut waiting = TcpStream::connect((Ipv4Addr::LOCALHOST, plain)).unwrap();
    waiting.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut hello = [0; 6];
    waiting.read_exact(&mut hello).unwrap();
    assert_eq!(&hello, b"hello ");
    drop(waiting);
    // With keys it is what is inside that goes on.
    let mut client = Client::tls(secured, "a.test", tls::looking(&[], true)).unwrap();
    client.send(BANNER);
    client.finish_sending();
    assert_eq!(client.rest(), Some(greeted(BANNER)));
}

#[test]
fn another_name_is_no_way_around_the_client_certificate() {
    let port = free_port();
    let onward = format!("ipv4:127.0.0.1:{}", other_server());
    let closed = ", \"client-cert-required\": \"1\", \"host-ssl-ca\": \"@DIR@/a.test.crt\"";
    let vhost = |name: &str, more: &str| {
        format!("{{ \"name\": \"{name}\", \"port\": \"{port}\", \"interface\": \"127.0.0.1\"{KEYS}{more} }}")
    };
    let first = vhost("a.test", &[closed, &raw("apply-listen-accept", &onward)].concat());
    let config = TempConfig::new()
        .conf("{ \"global\": { \"init-ssl\": \"1\" } }")
        .conf_d("site", &format!("{{ \"vhosts\": [ {first}, {} ] }}", vhost("b.test", WWW)))
        .www("index.html", "home");
    let _ = tls::certificate(&config.path(""), "a.test");
    let _server = Server::start(&config.compile());
    let mut client = Client::tls(port, "b.test", tls::looking(&[], true)).unwrap();
    client.send(BANNER);
    client.finish_sending();
    assert_eq!(client.rest().unwrap_or_default(), b"", "no byte of the other server");
}

#[test]
fn the_kernel_looks_after_silent_peers() {
    let (plain, secured) = (free_port(), free_port());
    let vhost = |port: u16, more: &str| {
        // One for each, since they answer one connection after the other.
        let raw = raw("apply-listen-accept", &format!("ipv4:127.0.0.1:{}", other_server()));
        format!("{{ \"name\": \"a.test\", \"port\": \"{port}\", \"interface\": \"127.0.0.1\"{more}{raw} }}")
    };
    let config = TempConfig::new()
        .conf("{ \"global\": { \"init-ssl\": \"1\" } }")
        .conf_d("site", &format!("{{ \"vhosts\": [ {}, {} ] }}", vhost(plain, ""), vhost(secured, KEYS)));
    let _ = tls::certificate(&config.path(""), "a.test");
    let _server = Server::start(&config.compile());
    let mut in_clear = TcpStream::connect((Ipv4Addr::LOCALHOST, plain)).unwrap();
    in_clear.set_read_timeout(Some(PATIENCE)).unwrap();
    in_clear.read_exact(&mut [0; 6]).unwrap();
    let mut in_secret = Client::tls(secured, "a.test", tls::looking(&[], true)).unwrap();
    assert!(in_secret.need(6));
    let start = Instant::now();
    for port in [plain, secured] {
        // What was sent last may not be acknowledged yet, and that has a timer of its own.
        while !is_kept_alive(port) {
            assert!(start.elapsed() < PATIENCE, "{port}");
            std::thread::yield_now();
        }
    }
}

/// Whether a connection that this port has taken has the kernel's keep-alive timer, as `/proc/net/tcp` tells it.
pub(super) fn is_kept_alive(port: u16) -> bool {
    let (established, keep_alive) = ("01", "02:");
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    table.lines().any(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        fields[1].ends_with(&format!(":{port:04X}"))
            && fields[3] == established
            && fields[5].starts_with(keep_alive)
    })
}

/// The other server ends, the client says nothing more and does not end: its place is free after `timeout-secs`. And a
/// client that says nothing to a port of several protocols is nobody's.
#[test]
fn nobody_is_waited_for_without_end() {
    let (of_its_own, shared) = (free_port(), free_port());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let onward = format!("ipv4:127.0.0.1:{}", listener.local_addr().unwrap().port());
    let vhost = |port: u16, raw: &str| {
        format!("{{ \"name\": \"a.test\", \"port\": \"{port}\", \"interface\": \"127.0.0.1\"{raw}{WWW} }}")
    };
    let all = vhost(of_its_own, &raw("apply-listen-accept", &onward));
    let others = vhost(shared, &raw("fallback-listen-accept", &onward));
    let config = TempConfig::new()
        .conf("{ \"global\": { \"timeout-secs\": \"1\" } }")
        .conf_d("site", &format!("{{ \"vhosts\": [ {all}, {others} ] }}"))
        .www("index.html", "home");
    let server = Server::start(&config.compile());
    let before = server.open_files();
    let mut client = Client::tcp(of_its_own);
    let (mut other, _) = listener.accept().unwrap();
    other.set_read_timeout(Some(PATIENCE)).unwrap();
    other.write_all(b"bye").unwrap();
    other.shutdown(Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    other.read_to_end(&mut rest).expect("the client has had its time");
    assert!(rest.is_empty());
    assert_eq!(client.rest().as_deref(), Some(&b"bye"[..]));
    server.gives_back_files(before);
    // The other server would speak first, but nobody tells it of this client.
    assert_eq!(Client::tcp(shared).rest().as_deref(), Some(&b""[..]));
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err());
}

/// Clients that have sent their end and are gone then: nobody reads them any more, and the other server says nothing.
#[test]
fn clients_that_are_gone_leave_nothing_behind() {
    let port = free_port();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let onward = format!("ipv4:127.0.0.1:{}", listener.local_addr().unwrap().port());
    let config = TempConfig::vhost(port, &raw("apply-listen-accept", &onward))
        .conf("{ \"global\": { \"timeout-secs\": \"1\" } }");
    let server = Server::start(&config.compile());
    let before = server.open_files();
    let silent: Vec<_> = (0..10)
        .map(|_| {
            let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            client.write_all(b"hi").unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            let (mut other, _) = listener.accept().unwrap();
            other.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut said = Vec::new();
            other.read_to_end(&mut said).unwrap();
            assert_eq!(said, b"hi");
            // The kernel sends a reset.
            rustix::net::sockopt::set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
            other
        })
        .collect();
    server.gives_back_files(before);
    drop(silent);
}

/// The other server reads nothing. Behind all that waits for it nobody reads the reset of the client.
#[test]
fn a_reset_is_seen_behind_what_the_other_server_does_not_take() {
    let (plain, secured) = (free_port(), free_port());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let onward = format!("ipv4:127.0.0.1:{}", listener.local_addr().unwrap().port());
    let raw = raw("apply-listen-accept", &onward);
    let vhost = |port: u16, more: &str| {
        format!("{{ \"name\": \"a.test\", \"port\": \"{port}\", \"interface\": \"127.0.0.1\"{more}{raw} }}")
    };
    let config = TempConfig::new()
        .conf("{ \"global\": { \"init-ssl\": \"1\", \"timeout-secs\": \"1\" } }")
        .conf_d("site", &format!("{{ \"vhosts\": [ {}, {} ] }}", vhost(plain, ""), vhost(secured, KEYS)));
    let _ = tls::certificate(&config.path(""), "a.test");
    let server = Server::start(&config.compile());
    let before = server.open_files();
    let in_clear = TcpStream::connect((Ipv4Addr::LOCALHOST, plain)).unwrap();
    let (mut first, _) = listener.accept().unwrap();
    fill(&in_clear, &in_clear);
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, secured)).unwrap();
    let name = "a.test".try_into().unwrap();
    let session = rustls::ClientConnection::new(tls::looking(&[], true), name).unwrap();
    let in_secret = rustls::StreamOwned::new(session, stream.try_clone().unwrap());
    fill(in_secret, &stream);
    let (mut second, _) = listener.accept().unwrap();
    for client in [in_clear, stream] {
        rustix::net::sockopt::set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
    }
    server.gives_back_files(before);
    for other in [&mut first, &mut second] {
        other.set_read_timeout(Some(PATIENCE)).unwrap();
        other.read_exact(&mut [0]).expect("what was passed on is still there");
    }
}

/// Sends until nothing more is taken.
fn fill(mut client: impl Write, socket: &TcpStream) {
    let enough = Some(Duration::from_millis(500));
    socket.set_write_timeout(enough).unwrap();
    // TLS may want to read as well.
    socket.set_read_timeout(enough).unwrap();
    while client.write(&[0; 1 << 14]).is_ok_and(|taken| taken > 0) {}
}

/// Each takes two files, so that it takes two places: what is beyond them is closed, and there are files for the others.
#[test]
fn a_raw_connection_counts_twice() {
    // Three quarters of what is beyond the 64 that are kept for the server.
    const PLACES: usize = 27;
    let port = free_port();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let onward = format!("ipv4:127.0.0.1:{}", listener.local_addr().unwrap().port());
    let config = TempConfig::vhost(port, &raw("apply-listen-accept", &onward))
        .conf("{ \"global\": { \"count-threads\": 1, \"rlimit-nofile\": 100 } }");
    let server = Server::start(&config.compile());
    let before = server.open_files();
    let handed_on =
        |_| (TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap(), listener.accept().unwrap());
    let pairs: Vec<_> = (0..PLACES / 2).map(handed_on).collect();
    assert_eq!(Client::tcp(port).rest().as_deref(), Some(&b""[..]));
    let said = server.line_with("is not reached");
    assert!(said.contains("`rlimit-nofile`"), "{said}");
    drop(pairs);
    server.gives_back_files(before);
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let (mut other, _) = listener.accept().unwrap();
    client.write_all(b"x").unwrap();
    other.read_exact(&mut [0]).unwrap();
}

#[test]
fn other_roles_are_refused_and_a_dead_end_is_the_end() {
    let (other, dead) = (free_port(), free_port());
    let nobody = free_port();
    let vhost = |port: u16, raw: &str| {
        format!("{{ \"name\": \"a.test\", \"port\": \"{port}\", \"interface\": \"127.0.0.1\"{raw}{WWW} }}")
    };
    let unknown = ", \"fallback-listen-accept\": \"1\", \"listen-accept-role\": \"raw-skt\"";
    let nowhere = raw("fallback-listen-accept", &format!("ipv4:127.0.0.1:{nobody}"));
    let config = TempConfig::new().www("index.html", "home").conf_d(
        "site",
        &format!("{{ \"vhosts\": [ {}, {} ] }}", vhost(other, unknown), vhost(dead, &nowhere)),
    );
    let server = Server::start(&config.compile());
    let said = server.line_with("`listen-accept-role` is not honoured");
    assert!(said.contains("conf.d/site:"), "{said}");
    assert_eq!(Client::tcp(other).get("a.test", "/").status, 501);
    let mut client = Client::tcp(dead);
    client.send(BANNER);
    assert_eq!(client.rest(), Some(Vec::new()));
    let said = server.line_with(&format!("`onward` `ipv4:127.0.0.1:{nobody}` is not reached"));
    assert!(
        said.contains("conf.d/site:") && said.contains("vhost `a.test`") && said.contains("refused"),
        "{said}"
    );
    assert_eq!(Client::tcp(dead).get("a.test", "/").text(), "home");
}
