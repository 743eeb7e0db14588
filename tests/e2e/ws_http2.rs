//! Websockets over HTTP/2 (RFC 8441): hyper's client opens them, tungstenite speaks on them. What goes wrong with their
//! streams goes out frame by frame.

use std::time::Instant;

use tests::PATIENCE;
use tests::client::Client;
use tests::config::{TempConfig, free_port};
use tests::server::Server;
use tests::ws::{Way, WebSocket};
use tests::{h2, tls};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::site;

const PROTOCOLS: &str = ",\n\"headers\": [{ \"x-mark\": \"vhost\" }],
    \"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\", \"headers\": [{ \"x-mount\": \"files\" }] }],
    \"ws-protocols\": [{ \"lws-echo\": {}, \"lws-mirror-protocol\": {}, \"lws-status\": {}, \"no-such-protocol\": {} }]";

/// The setting that says that a server takes extended CONNECTs.
const ENABLE_CONNECT_PROTOCOL: u16 = 8;

fn fields(protocol: &str) -> [(&'static str, &str); 2] {
    [("sec-websocket-version", "13"), ("sec-websocket-protocol", protocol)]
}

#[test]
fn a_stream_becomes_a_websocket_like_any_other() {
    let site = site(PROTOCOLS, &[]);
    let open = |fields: &[(&'static str, &str)]| {
        WebSocket::open_http2(&Way::Plain, site.port, "http://a.test/ws", "websocket", fields).unwrap()
    };
    let offer = ("sec-websocket-extensions", "permessage-deflate");
    let (_, answer) = open(&[&fields("lws-echo")[..], &[offer]].concat());
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("sec-websocket-protocol"), Some("lws-echo"));
    assert_eq!(header("sec-websocket-extensions"), Some("permessage-deflate"));
    assert_eq!(header("sec-websocket-accept"), None);
    assert_eq!(
        (header("x-mark"), header("x-mount")),
        (Some("vhost"), Some("files")),
        "headers of the config"
    );
    assert_eq!(header("content-length"), None);
    // The client at hand cannot compress, so it does not offer to.
    let (mut socket, _) = open(&fields("lws-echo"));
    for length in [0, 10, 70_000, 900_000] {
        let message = "0123456789".repeat(length / 10);
        socket.send(message.as_str());
        assert_eq!(socket.text(), message);
    }
    socket.send(Message::Ping("anyone?".into()));
    assert_eq!(socket.receive(), Some(Message::Pong("anyone?".into())));
    socket.send(Message::Close(None));
    assert_eq!(socket.receive(), Some(Message::Close(None)));
}

#[test]
fn members_of_both_versions_and_ways_meet() {
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = tls::certificate(folder.path(), "a.test");
    let keys = format!(
        ",\n\"host-ssl-cert\": \"{}\", \"host-ssl-key\": \"{}\"{PROTOCOLS}",
        certificate.display(),
        key.display()
    );
    let config = TempConfig::vhost(port, &keys).www("index.html", "home");
    let _server = Server::start(&config.compile());
    let way = |alpn| Way::Tls(tls::trusting(&[&certificate], &[alpn]), "a.test");
    let open = |name: &str| {
        let target = format!("https://a.test:{port}/");
        WebSocket::open_http2(&way("h2"), port, &target, "websocket", &fields(name)).unwrap().0
    };
    let mut over_h2 = open("lws-mirror-protocol");
    let (mut over_h1, _) = WebSocket::open_with(
        &way("http/1.1"),
        port,
        "/",
        &[("sec-websocket-protocol", "lws-mirror-protocol")],
    )
    .unwrap();
    over_h2.send("d #ff0000 1 2 3 4;");
    assert_eq!(over_h1.text(), "d #ff0000 1 2 3 4;");
    assert_eq!(over_h2.text(), "d #ff0000 1 2 3 4;");
    over_h1.send("c #0000ff 5 6 7;");
    assert_eq!(over_h2.text(), "c #0000ff 5 6 7;");
    assert!(open("lws-status").text().contains("\"wss_over_h2\":\"1\""));
}

#[test]
fn wrong_connects_are_answered() {
    let site = site(PROTOCOLS, &[]);
    let ask = |protocol, fields: &[(&'static str, &str)]| {
        let opened = WebSocket::open_http2(&Way::Plain, site.port, "http://a.test/", protocol, fields);
        opened.map(|(_, answer)| answer.status()).unwrap_or_else(|status| status).as_u16()
    };
    let version = ("sec-websocket-version", "13");
    let protocol = |name| ("sec-websocket-protocol", name);
    assert_eq!(ask("websocket", &[version, protocol("lws-echo")]), 200);
    assert_eq!(ask("websocket", &[protocol("lws-echo")]), 426);
    assert_eq!(ask("websocket", &[version, protocol("unknown")]), 404);
    assert_eq!(ask("websocket", &[version]), 404);
    assert_eq!(ask("websocket", &[version, protocol("no-such-protocol")]), 501);
    assert_eq!(ask("connect-udp", &[version, protocol("lws-echo")]), 501);
}

#[test]
fn origins_and_credentials_count_for_streams_too() {
    let protocols = ",\n\"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" }],
        \"ws-protocols\": [{ \"lws-echo\": { \"origins\": \"self\", \"basic-auth\": \"@DIR@/www/users\" } }]";
    let site = site(protocols, &[("users", "jane:secret\n")]);
    let ask = |more: &[(&'static str, &str)]| {
        let fields = [&fields("lws-echo")[..], more].concat();
        let opened = WebSocket::open_http2(&Way::Plain, site.port, "http://a.test/", "websocket", &fields);
        opened.map(|(_, answer)| answer.status()).unwrap_or_else(|status| status).as_u16()
    };
    let (right, wrong) = (("authorization", "Basic amFuZTpzZWNyZXQ="), ("authorization", "Basic amFuZTo="));
    assert_eq!(ask(&[]), 401);
    assert_eq!(ask(&[wrong]), 401);
    assert_eq!(ask(&[right]), 200);
    assert_eq!(ask(&[right, ("origin", "http://a.test")]), 200);
    assert_eq!(ask(&[right, ("origin", "http://b.test")]), 403);
    assert_eq!(ask(&[("origin", "http://b.test")]), 403);
}

#[test]
fn it_is_offered_only_where_there_are_websockets() {
    let plain = ",\n\"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" }]";
    for (inner, offered) in [(PROTOCOLS, Some(1)), (plain, None)] {
        let site = site(inner, &[]);
        let mut connection = h2::Connection::open(Client::tcp(site.port), &[]);
        let settings = connection.next_that(|frame| frame.kind == h2::SETTINGS).unwrap().payload;
        let found =
            settings.chunks_exact(6).find(|setting| setting[..2] == ENABLE_CONNECT_PROTOCOL.to_be_bytes());
        assert_eq!(found.map(|setting| setting[5]), offered, "{settings:?}");
    }
}

/// Opens a websocket as a stream.
fn connect(connection: &mut h2::Connection, stream: u32, protocol: &str) {
    let pseudo = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/")];
    let rest = [(":authority", "a.test"), fields(protocol)[0], fields(protocol)[1]];
    connection.send(h2::HEADERS, h2::END_HEADERS, stream, &h2::block(&[&pseudo[..], &rest].concat()));
}

/// The frames of `lws-status` on a stream, up to one that says that there are so many members.
fn wait_for_members(connection: &mut h2::Connection, stream: u32, count: usize) {
    let told = format!("\"wsi\":\"{count}\"");
    let is_told = |frame: &h2::Frame| {
        frame.stream == stream
            && frame.kind == h2::DATA
            && String::from_utf8_lossy(&frame.payload).contains(told.as_str())
    };
    assert!(connection.next_that(is_told).is_some(), "{told}");
}

#[test]
fn a_stream_that_ends_in_any_way_is_a_member_that_leaves() {
    const CANCEL: [u8; 4] = 8_u32.to_be_bytes();
    let site = site(PROTOCOLS, &[]);
    let mut connection = h2::Connection::open(Client::tcp(site.port), &[]);
    connect(&mut connection, 1, "lws-status");
    wait_for_members(&mut connection, 1, 1);
    let half_a_frame = b"\x81\xfe\0\x7e\0\0\0\0ahoy";
    let ends: [(u8, u8, &[u8]); 4] = [
        (h2::RST_STREAM, 0, &CANCEL),
        (h2::DATA, h2::END_STREAM, &[]),
        (h2::DATA, h2::END_STREAM, half_a_frame),
        (h2::DATA, h2::END_STREAM, b"\x88\x82\0\0\0\0\x03\xe8"),
    ];
    for (stream, (kind, flags, payload)) in (3..).step_by(2).zip(ends) {
        connect(&mut connection, stream, "lws-status");
        wait_for_members(&mut connection, 1, 2);
        connection.send(kind, flags, stream, payload);
        wait_for_members(&mut connection, 1, 1);
    }
}

#[test]
fn a_member_that_opens_no_window_is_left_behind() {
    let site = site(PROTOCOLS, &[]);
    let no_window = [(4, 0)];
    let mut deaf = h2::Connection::open(Client::tcp(site.port), &no_window);
    connect(&mut deaf, 1, "lws-mirror-protocol");
    let is_answer = |frame: &h2::Frame| frame.stream == 1 && frame.kind == h2::HEADERS;
    assert!(deaf.next_that(is_answer).is_some());
    let mut speaker = WebSocket::open(site.port, "/", "lws-mirror-protocol");
    let message = "x".repeat(100_000);
    for _ in 0..20 {
        speaker.send(message.as_str());
        assert_eq!(speaker.text(), message);
    }
    let deadline = Instant::now() + PATIENCE;
    let is_of_stream = |frame: &h2::Frame| {
        // Its pings would keep this waiting for ever.
        assert!(Instant::now() < deadline, "the stream is left as it is");
        frame.stream == 1
    };
    let reset = deaf.next_that(is_of_stream).expect("the connection goes on");
    assert_eq!((reset.kind, reset.error()), (h2::RST_STREAM, Some(8)));
}

#[test]
fn the_drain_says_goodbye_on_streams_too() {
    let site = site(PROTOCOLS, &[]);
    let target = "http://a.test/";
    let (mut socket, _) =
        WebSocket::open_http2(&Way::Plain, site.port, target, "websocket", &fields("lws-echo")).unwrap();
    socket.send("ahoy");
    assert_eq!(socket.text(), "ahoy");
    site.server.signal(rustix::process::Signal::TERM);
    let Some(Message::Close(Some(close))) = socket.receive() else { panic!("no close") };
    assert_eq!(close.code, CloseCode::Away);
    assert!(site.server.ended().success());
}
