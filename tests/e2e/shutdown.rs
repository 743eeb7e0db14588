//! The end: SIGTERM lets what is in flight finish, and exits 0.

use rustix::process::Signal;
use tests::client::{Client, get};
use tests::ws::WebSocket;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::{WWW, site};

#[test]
fn an_idle_server_ends_at_once() {
    let site = site(WWW, &[]);
    let mut idle = Client::tcp(site.port);
    assert_eq!(idle.get("a.test", "/").text(), "home");
    assert_eq!(site.server.stop().code(), Some(0));
    assert_eq!(idle.rest().as_deref(), Some(&b""[..]));
    assert!(std::net::TcpStream::connect(("127.0.0.1", site.port)).is_err(), "nobody listens any more");
}

#[test]
fn sigint_ends_it_too() {
    let site = site(WWW, &[]);
    assert_eq!(get(site.port, "a.test", "/").status, 200);
    site.server.signal(Signal::INT);
    assert_eq!(site.server.ended().code(), Some(0));
}

#[test]
fn a_download_in_flight_completes() {
    // Far more than the sockets' buffers hold, so that most of it is still to come when the signal does.
    let large = "0123456789abcdef".repeat(4 << 20);
    let site = site(WWW, &[("large.txt", &large)]);
    let mut client = Client::tcp(site.port);
    client.send("GET /large.txt HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert!(client.need(1000));
    site.server.signal(Signal::TERM);
    let response = client.expect("GET");
    assert_eq!(response.body.len(), large.len());
    assert!(response.body == large.as_bytes());
    assert_eq!(site.server.ended().code(), Some(0));
}

#[test]
fn websockets_are_told_that_the_server_goes_away() {
    let site = site(",\n\"ws-protocols\": [{ \"lws-mirror-protocol\": { \"status\": \"ok\" } }]", &[]);
    let mut socket = WebSocket::open(site.port, "/", "lws-mirror-protocol");
    socket.send("here");
    assert_eq!(socket.text(), "here");
    site.server.signal(Signal::TERM);
    match socket.receive() {
        Some(Message::Close(Some(frame))) => assert_eq!(frame.code, CloseCode::Away),
        other => panic!("a close frame was due, not {other:?}"),
    }
    // Answers the close.
    assert_eq!(socket.receive(), None);
    assert_eq!(site.server.ended().code(), Some(0));
}

/// What clients had sent when the signal came is answered, whether the server had seen it yet or not.
#[test]
fn requests_sent_before_the_signal_are_answered() {
    let site = site(WWW, &[]);
    let ask = |client: &mut Client| client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let mut known = Client::tcp(site.port);
    assert_eq!(known.get("a.test", "/").text(), "home");
    site.server.signal(Signal::STOP);
    ask(&mut known);
    let mut clients: Vec<Client> = (0..20).map(|_| Client::tcp(site.port)).collect();
    clients.iter_mut().for_each(ask);
    site.server.signal(Signal::TERM);
    site.server.signal(Signal::CONT);
    for (n, client) in std::iter::once(&mut known).chain(&mut clients).enumerate() {
        println!("client {n}");
        assert_eq!(client.expect("GET").text(), "home");
    }
    assert_eq!(site.server.ended().code(), Some(0));
}
