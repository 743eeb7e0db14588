//! An HTTP/2 upstream that does what the test says, frame by frame.

use std::sync::Arc;
use std::sync::mpsc::channel;

use tests::PATIENCE;
use tests::client::Client;
use tests::config::TempConfig;
use tests::h2::{
    Connection, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE, block,
};
use tests::server::Server;
use tests::upstream::Upstream;

use crate::free_port;

/// The error code REFUSED_STREAM (RFC 9113, section 7).
const REFUSED_STREAM: u32 = 7;

/// The error code INTERNAL_ERROR.
const INTERNAL_ERROR: u32 = 2;

/// A proxy in front of an upstream that serves each connection so, after the handshake. It has one worker.
/// `keys` are more of the mount's, each after a comma.
fn before(
    keys: &str,
    serve: impl Fn(usize, Connection) + Send + Sync + 'static,
) -> (Server, TempConfig, u16) {
    let (port, config) =
        (free_port(), TempConfig::new().conf("{ \"global\": { \"count-threads\": \"1\" } }"));
    let (certificate, _) = tests::tls::certificate(&config.path("tls"), "localhost");
    let tls = tests::tls::serving(&certificate, &["h2"]);
    let upstream = Upstream::start(move |number, client| {
        if let Some(connection) = client.accept_tls(Arc::clone(&tls)).ok().and_then(Connection::accept) {
            serve(number, connection);
        }
    });
    let config = config.conf_d(
        "site",
        &format!(
            r#"{{ "vhosts": [{{ "name": "a.test", "port": "{port}", "interface": "127.0.0.1",
            "client-ssl-ca": "{ca}",
            "mounts": [{{ "mountpoint": "/px", "origin": "https://localhost:{back}/"{keys} }}] }}] }}"#,
            ca = certificate.display(),
            back = upstream.port,
        ),
    );
    (Server::start(&config.compile()), config, port)
}

/// The stream of the next request; `None` at the end of the connection.
fn asked(connection: &mut Connection) -> Option<u32> {
    connection.next_that(|frame| frame.kind == HEADERS).map(|frame| frame.stream)
}

fn answer(connection: &mut Connection, stream: u32, text: &str) {
    connection.send(HEADERS, END_HEADERS, stream, &block(&[(":status", "200")]));
    connection.send(DATA, END_STREAM, stream, text.as_bytes());
}

/// A POST without content, which may not be sent twice unless the upstream says that it has not acted on it.
fn post(port: u16) -> (u16, String) {
    let mut client = Client::tcp(port);
    client.send("POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n");
    let response = client.expect("POST");
    (response.status, response.text())
}

#[test]
fn a_request_that_the_upstream_has_not_acted_on_is_repeated() {
    for kind in [RST_STREAM, GOAWAY] {
        let (_server, _config, port) = before("", move |number, mut connection| {
            while let Some(stream) = asked(&mut connection) {
                match (number, kind) {
                    (0, RST_STREAM) => connection.send(RST_STREAM, 0, stream, &REFUSED_STREAM.to_be_bytes()),
                    // None of its streams, no error.
                    (0, _) => connection.send(GOAWAY, 0, 0, &[0; 8]),
                    _ => answer(&mut connection, stream, "the second"),
                }
            }
        });
        assert_eq!(post(port), (200, "the second".to_owned()), "{kind}");
    }
}

#[test]
fn a_request_that_the_upstream_may_have_acted_on_is_not() {
    let (note, noted) = channel();
    let (server, _config, port) = before("", move |_, mut connection| {
        while let Some(stream) = asked(&mut connection) {
            note.send(stream).unwrap();
            connection.send(RST_STREAM, 0, stream, &INTERNAL_ERROR.to_be_bytes());
        }
    });
    assert_eq!(post(port).0, 502);
    assert!(server.line_with("answered 502").contains("conf.d/site:3"));
    assert_eq!(noted.try_iter().count(), 1);
}

#[test]
fn requests_beyond_a_connections_share_get_another_one() {
    let (note, noted) = channel();
    let (_server, _config, port) = before("", move |number, mut connection| {
        let mut first = true;
        while let Some(stream) = asked(&mut connection) {
            if number == 0 && std::mem::take(&mut first) {
                answer(&mut connection, stream, "here");
            } else {
                note.send((number, stream)).unwrap();
            }
            if number == 1 {
                answer(&mut connection, stream, "there");
            }
        }
    });
    let mut client = Connection::open(Client::tcp(port), &[]);
    client.ask(1, "/px/");
    assert_eq!(client.answer(1), (200, b"here".to_vec()));
    // As many as one connection takes, which get no answer.
    for number in 1..=100 {
        client.ask(2 * number + 1, "/px/");
        assert_eq!(noted.recv_timeout(PATIENCE).map(|(connection, _)| connection), Ok(0), "{number}");
    }
    client.ask(203, "/px/");
    assert_eq!(client.answer(203), (200, b"there".to_vec()));
    assert_eq!(noted.recv_timeout(PATIENCE).map(|(connection, _)| connection), Ok(1));
}

#[test]
fn an_upload_that_the_upstream_does_not_take_is_504() {
    // It never widens its window, which is 65,535 bytes at first.
    let (server, _config, port) =
        before(
            ", \"proxy-answer-timeout\": \"1\"",
            |_, mut connection| {
                while connection.receive().is_some() {}
            },
        );
    let mut client = Client::tcp(port);
    client.send("POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n");
    client.send(vec![b'x'; 300_000]);
    assert_eq!(client.expect("POST").status, 504);
    assert!(server.line_with("answered 504").contains("does not take the request"));
}

#[test]
fn no_more_requests_at_once_than_the_upstream_allows() {
    let (note, noted) = channel();
    let (_server, _config, port) = before("", move |number, mut connection| {
        let mut first = true;
        // SETTINGS_MAX_CONCURRENT_STREAMS: just one.
        connection.send(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1]);
        while let Some(stream) = asked(&mut connection) {
            if number == 0 && !std::mem::take(&mut first) {
                note.send(stream).unwrap();
            } else {
                answer(&mut connection, stream, "at once");
            }
        }
    });
    let mut client = Connection::open(Client::tcp(port), &[]);
    client.ask(1, "/px/");
    assert_eq!(client.answer(1), (200, b"at once".to_vec()));
    client.ask(3, "/px/");
    let _ = noted.recv_timeout(PATIENCE).unwrap();
    client.ask(5, "/px/");
    assert_eq!(client.answer(5), (200, b"at once".to_vec()));
}

#[test]
fn readers_that_do_not_read_hold_up_nobody_else() {
    let (note, noted) = channel();
    let (_server, _config, port) = before("", move |_, mut connection| {
        let widened = connection.next_that(|frame| frame.kind == WINDOW_UPDATE && frame.stream == 0);
        note.send(widened.map(|frame| frame.payload)).unwrap();
        while let Some(stream) = asked(&mut connection) {
            answer(&mut connection, stream, "");
        }
    });
    assert_eq!(post(port).0, 200);
    let more = noted.recv_timeout(PATIENCE).unwrap().unwrap();
    // All streams may have filled their own windows; the connection has room for that.
    assert!(u32::from_be_bytes(more.try_into().unwrap()) + 65_535 >= 100 * (64 << 10));
}
