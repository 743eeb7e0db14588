//! An HTTP/2 upstream that does what the test says, frame by frame.

mod bursts;
mod uploads;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;

use tests::PATIENCE;
use tests::client::{Client, Framing};
use tests::config::TempConfig;
use tests::h2::{
    Connection, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    block,
};
use tests::server::Server;
use tests::upstream::Upstream;

use crate::free_port;

/// Error codes (RFC 9113, section 7).
const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;

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
    let config = config.conf_d("site", &vhost(port, &certificate, upstream.port, keys));
    (Server::start(&config.compile()), config, port)
}

/// The vhost of the proxy.
fn vhost(port: u16, ca: &Path, back: u16, keys: &str) -> String {
    format!(
        r#"{{ "vhosts": [{{ "name": "a.test", "port": "{port}", "interface": "127.0.0.1",
        "client-ssl-ca": "{ca}",
        "mounts": [{{ "mountpoint": "/px", "origin": "https://localhost:{back}/"{keys} }}] }}] }}"#,
        ca = ca.display(),
    )
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

#[test]
fn small_frames_for_readers_that_do_not_read_end_no_connection() {
    const COUNT: usize = 60_000;
    let (_server, _config, port) = before("", |number, mut connection| {
        let slow = asked(&mut connection).unwrap();
        connection.send(HEADERS, END_HEADERS, slow, &block(&[(":status", "200")]));
        let small = [&[0, 0, 1, DATA, 0][..], &slow.to_be_bytes(), b"x"].concat();
        connection.send_raw(&small.repeat(COUNT));
        while let Some(stream) = asked(&mut connection) {
            answer(&mut connection, stream, &number.to_string());
            connection.send(DATA, END_STREAM, slow, b"y");
        }
    });
    // SETTINGS_INITIAL_WINDOW_SIZE: it takes nothing.
    let mut client = Connection::open(Client::tcp(port), &[(4, 0)]);
    client.ask(1, "/px/");
    client.next_that(|frame| frame.kind == HEADERS).unwrap();
    assert_eq!(tests::client::get(port, "a.test", "/px/").text(), "0");
    client.send(WINDOW_UPDATE, 0, 1, &[0, 1, 0, 0]);
    let mut content = Vec::new();
    while !content.ends_with(b"y") {
        content.extend(client.next_that(|frame| frame.kind == DATA).unwrap().payload);
    }
    assert_eq!(content.len(), COUNT + 1);
}

#[test]
fn the_end_of_a_connection_ends_only_what_it_does_not_answer() {
    let (note, noted) = channel();
    let (_server, _config, port) = before("", move |number, mut connection| {
        let first = asked(&mut connection).unwrap();
        if number == 1 {
            answer(&mut connection, first, "elsewhere");
            while connection.receive().is_some() {}
            return;
        }
        note.send(()).unwrap();
        let _ = asked(&mut connection);
        // The first is the last that it answers; no error.
        connection.send(GOAWAY, 0, 0, &[first.to_be_bytes(), NO_ERROR.to_be_bytes()].concat());
        answer(&mut connection, first, "here");
        while connection.receive().is_some() {}
    });
    let mut client = Connection::open(Client::tcp(port), &[]);
    client.ask(1, "/px/");
    noted.recv_timeout(PATIENCE).unwrap();
    let mut other = Connection::open(Client::tcp(port), &[]);
    other.ask(1, "/px/");
    assert_eq!(client.answer(1).1, b"here");
    assert_eq!(other.answer(1).1, b"elsewhere");
}

#[test]
fn an_upstream_that_does_not_tell_its_settings_is_504() {
    let (port, config) = (free_port(), TempConfig::new());
    let (certificate, _) = tests::tls::certificate(&config.path("tls"), "localhost");
    let tls = tests::tls::serving(&certificate, &["h2"]);
    let (note, noted) = channel();
    let upstream = Upstream::start(move |_, client| {
        let mut client = client.accept_tls(Arc::clone(&tls)).unwrap();
        note.send(client.rest()).unwrap();
    });
    let config = config
        .conf_d("site", &vhost(port, &certificate, upstream.port, ", \"proxy-connect-timeout\": \"1\""));
    let server = Server::start(&config.compile());
    assert_eq!(tests::client::get(port, "a.test", "/px/").status, 504);
    assert!(server.line_with("answered 504").contains("`proxy-connect-timeout`"));
    let said = noted.recv_timeout(PATIENCE).unwrap().unwrap();
    // The preface, and frames of the connection, whose stream is 0, but no request.
    let mut frames = said.strip_prefix(PREFACE).unwrap();
    while let [_, _, length, kind, _, stream @ ..] = frames {
        assert!(stream.starts_with(&[0; 4]), "a frame of type {kind} on a stream");
        frames = &stream[4 + usize::from(*length)..];
    }
}

#[test]
fn a_connection_that_answers_nothing_gets_no_more_requests() {
    // Twice as many as it takes at once.
    const GIVEN_UP: usize = 200;
    let (note, noted) = channel();
    let (_server, _config, port) = before("", move |number, mut connection| {
        while let Some(frame) = connection.next_that(|frame| matches!(frame.kind, HEADERS | RST_STREAM)) {
            note.send((number, frame.kind)).unwrap();
            if number == 1 {
                answer(&mut connection, frame.stream, "there");
            }
        }
    });
    for count in 0..GIVEN_UP {
        let mut client = Client::tcp(port);
        client.send("GET /px/ HTTP/1.1\r\nHost: a.test\r\n\r\n");
        assert_eq!(noted.recv_timeout(PATIENCE), Ok((0, HEADERS)), "{count}");
        drop(client);
        assert_eq!(noted.recv_timeout(PATIENCE), Ok((0, RST_STREAM)), "{count}");
    }
    assert_eq!(tests::client::get(port, "a.test", "/px/").text(), "there");
}

#[test]
fn lengths_that_do_not_fit_are_not_passed_on() {
    for (fields, text, status, framing) in [
        (&[(":status", "200"), ("content-length", "4")][..], "four", 200, Framing::Length),
        (&[(":status", "200"), ("content-length", "5")], "four", 200, Framing::CutShort),
        (
            &[(":status", "200"), ("content-length", "4"), ("content-length", "5")],
            "four",
            502,
            Framing::Length,
        ),
        (&[(":status", "200"), ("content-length", "x")], "four", 502, Framing::Length),
        (&[(":status", "204")], "", 204, Framing::None),
    ] {
        let (_server, _config, port) = before("", move |_, mut connection| {
            while let Some(stream) = asked(&mut connection) {
                connection.send(HEADERS, END_HEADERS, stream, &block(fields));
                connection.send(DATA, END_STREAM, stream, text.as_bytes());
            }
        });
        let response = tests::client::get(port, "a.test", "/px/");
        assert_eq!((response.status, response.framing), (status, framing), "{fields:?}");
    }
}
