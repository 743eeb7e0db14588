//! Websockets over HTTP/2 (RFC 8441): hyper's client opens them, tungstenite speaks on them.

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
