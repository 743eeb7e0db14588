//! Websockets: the counter and the mirror, spoken to by a client that is not ours.

use tests::client::Client;
use tests::ws::WebSocket;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Site, site};

const PROTOCOLS: &str = ",\n\"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" }],
    \"ws-protocols\": [{ \"dumb-increment-protocol\": { \"status\": \"ok\" }, \"lws-mirror-protocol\": { \"status\": \"ok\" } }]";

fn websockets() -> Site {
    site(PROTOCOLS, &[])
}

#[test]
fn the_counter_counts_and_can_be_reset() {
    let site = websockets();
    let mut counter = WebSocket::open(site.port, "/", "dumb-increment-protocol");
    for number in 0..4 {
        assert_eq!(counter.text(), number.to_string());
    }
    counter.send("reset\n");
    let after = (0..100).map(|_| counter.text()).find(|number| number == "0");
    assert!(after.is_some(), "it does not begin anew");
    assert_eq!(counter.text(), "1");
}

#[test]
fn every_counter_is_its_own() {
    let site = websockets();
    let mut first = WebSocket::open(site.port, "/", "dumb-increment-protocol");
    while first.text() != "3" {}
    let mut second = WebSocket::open(site.port, "/any/path", "dumb-increment-protocol");
    assert_eq!(second.text(), "0");
}

#[test]
fn the_counter_says_goodbye() {
    let site = websockets();
    let mut counter = WebSocket::open(site.port, "/", "dumb-increment-protocol");
    counter.send("closeme\n");
    let close = (0..100).find_map(|_| match counter.receive() {
        Some(Message::Close(frame)) => frame,
        _ => None,
    });
    let close = close.expect("a close frame");
    assert_eq!((close.code, close.reason.as_str()), (CloseCode::Away, "seeya"));
}

#[test]
fn the_mirror_sends_to_everyone_in_the_room() {
    let site = websockets();
    let open = |path: &str| WebSocket::open(site.port, path, "lws-mirror-protocol");
    let (mut first, mut second, mut elsewhere) = (open("/"), open("/other/path"), open("/?mirror=elsewhere"));
    first.send("d #ff0000 1 2 3 4;");
    assert_eq!(first.text(), "d #ff0000 1 2 3 4;", "the sender too");
    assert_eq!(second.text(), "d #ff0000 1 2 3 4;");
    second.send("c #0000ff 5 6 7;");
    assert_eq!(first.text(), "c #0000ff 5 6 7;");
    // What the third one gets first is what was said in its own room.
    elsewhere.send("alone");
    assert_eq!(elsewhere.text(), "alone");
}

#[test]
fn whoever_sees_the_websocket_open_is_in_the_room() {
    let site = websockets();
    for round in 0..50 {
        let open = || WebSocket::open(site.port, &format!("/?mirror={round}"), "lws-mirror-protocol");
        let (mut first, mut second) = (open(), open());
        first.send("at once");
        assert_eq!(second.text(), "at once", "round {round}");
    }
}

#[test]
fn long_messages_are_mirrored_whole() {
    let site = websockets();
    let mut socket = WebSocket::open(site.port, "/", "lws-mirror-protocol");
    let message = "0123456789".repeat(1000);
    socket.send(message.as_str());
    assert_eq!(socket.text(), message);
}

#[test]
fn pings_are_answered() {
    let site = websockets();
    let mut socket = WebSocket::open(site.port, "/", "lws-mirror-protocol");
    socket.send(Message::Ping("anyone?".into()));
    assert_eq!(socket.receive(), Some(Message::Pong("anyone?".into())));
}

#[test]
fn only_listed_protocols_are_offered() {
    let site = websockets();
    for protocol in ["lws-status", "no-such-protocol", "LWS-MIRROR-PROTOCOL"] {
        let refused = WebSocket::try_open(site.port, "/", Some(protocol)).map_err(|error| *error).err();
        let Some(Error::Http(response)) = refused else { panic!("{protocol}: {refused:?}") };
        assert!(response.status().is_client_error(), "{protocol}: {}", response.status());
    }
    let first_known = "no-such-protocol, lws-mirror-protocol";
    let (_, response) = WebSocket::try_open(site.port, "/", Some(first_known)).unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "lws-mirror-protocol");
}

#[test]
fn bad_handshakes_are_answered() {
    let site = websockets();
    let upgrade = "GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    for (fields, statuses) in [
        ("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: lws-mirror-protocol\r\n", &[400][..]),
        (
            "Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: lws-mirror-protocol\r\n",
            &[426, 400],
        ),
        (
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\nSec-WebSocket-Protocol: lws-mirror-protocol\r\n",
            &[400],
        ),
    ] {
        let mut client = Client::tcp(site.port);
        client.send(format!("{upgrade}{fields}\r\n"));
        let status = client.expect("GET").status;
        assert!(statuses.contains(&status), "{status} for {fields}");
    }
}

#[test]
fn a_mount_may_leave_upgrades_to_others() {
    let mounts = ",\n\"mounts\": [
        { \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" },
        { \"mountpoint\": \"/away\", \"origin\": \">http://b.test/\", \"no-ws-upgrades\": \"1\" },
        { \"mountpoint\": \"/gone\", \"origin\": \">http://b.test/\" }],
        \"ws-protocols\": [{ \"lws-echo\": {} }]";
    let site = site(mounts, &[]);
    let mut socket = WebSocket::open(site.port, "/away", "lws-echo");
    socket.send("ahoy");
    assert_eq!(socket.text(), "ahoy");
    let refused = WebSocket::try_open(site.port, "/gone", Some("lws-echo")).map_err(|error| *error).err();
    let Some(Error::Http(response)) = refused else { panic!("{refused:?}") };
    assert_eq!(response.status(), 301);
    let mut client = Client::tcp(site.port);
    client.send("GET /away HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(client.expect("GET").status, 301, "requests for pages are not left to others");
}
